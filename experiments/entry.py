"""What can be recorded of a run: parameters, metrics, tags, tables and texts, without MLflow."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..programs import Episode, Round
from .markdown import clip

__all__ = [
    "LIMITS",
    "NOTE",
    "Entry",
    "Failures",
    "Point",
    "as_tables",
    "by_document",
    "failures_table",
    "point",
    "table",
]

LIMITS = {"name": 250, "param": 500, "tag": 8000}
"""Longest texts, in characters. MLflow allows 6000 for a parameter, which no table can show."""

NOTE = "mlflow.note.content"
"""The tag that a run's page shows as its description."""
TABLES = "mlflow.loggedArtifacts"
NAMED = 5
"""Documents that the table of failures names for each reason."""
STEPS = 1000
"""Most documents of which a chart has a point of its own."""


class Point(NamedTuple):
    """A value of a metric."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Entry:
    """What is recorded about a run at one time."""

    params: dict[str, str] = field(default_factory=dict)
    points: Sequence[Point] = ()
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Artifacts at the root of the run, by name."""

    @property
    def hash(self) -> str:
        """Hash of the content, 12 hexadecimal digits."""
        text = json.dumps([self.params, list(self.points), self.tags, self.files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def point(name: str, value: float, step: int = 0) -> Point:
    """Return a value with as many digits as a column can show."""
    return Point(name, value if isinstance(value, int) else float(f"{value:.6g}"), step)


def by_document(objective: Sequence[float | None]) -> list[Point]:
    """List the objective by document, and its running mean, which a chart can show.

    Args:
        objective: A value for each document, `None` where it could not be scored. Of more than a
            thousand, every n-th has its points.
    """
    points: list[Point] = []
    total, count, every = 0.0, 0, -(-len(objective) // STEPS)
    for step, value in enumerate(objective):
        if value is None:
            continue
        total, count = total + value, count + 1
        if step % every == 0:
            points += [
                point("doc/gap", value, step),
                point("doc/gap_mean", total / count, step),
            ]
    return points


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return a table in the form that MLflow's pages show and compare across runs."""
    return {"columns": list(columns), "data": [list(row) for row in rows]}


def as_tables(tables: Mapping[str, dict[str, Any]]) -> Entry:
    """Return an entry of tables by file name, with the tag that lets MLflow's pages show them."""
    listed = [{"path": name, "type": "table"} for name in tables]
    files = {name: json.dumps(content, indent=1) + "\n" for name, content in tables.items()}
    return Entry(tags={TABLES: json.dumps(listed)}, files=files)


class Failures:
    """Counts the rounds that were not accepted by outcome and reason, with one as an example."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._documents: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._examples: dict[tuple[str, str], str] = {}

    def add(self, episode: Episode) -> None:
        """Count an episode's rounds, and the document if it could not be scored."""
        for one in episode.rounds:
            if one is not episode.accepted:
                example = one.reason or str(one.failure or "")
                self._count((one.outcome.value, _reason(one)), episode.document_id, example)
        if episode.failure is not None:
            key = ("DOCUMENT NOT SCORED", episode.failure.kind)
            self._count(key, episode.document_id, str(episode.failure))

    def table(self) -> dict[str, Any]:
        """Return the table, the most frequent first."""
        rows = [
            (*key, count, ", ".join(self._documents[key]), clip(self._examples[key], 500))
            for key, count in self._counts.most_common()
        ]
        return table(("outcome", "reason", "rounds", "documents", "example"), rows)

    def _count(self, key: tuple[str, str], document: str, example: str) -> None:
        self._counts[key] += 1
        self._examples.setdefault(key, example)
        if len(self._documents[key]) < NAMED:
            self._documents[key][document] = None


def failures_table(episodes: Iterable[Episode]) -> dict[str, Any]:
    """Return the table of what went wrong in these episodes."""
    failures = Failures()
    for episode in episodes:
        failures.add(episode)
    return failures.table()


def _reason(one: Round) -> str:
    """Name why a round failed without its numbers, so that like is counted with like."""
    if one.misses:
        return ", ".join(dict.fromkeys(miss.rule for miss in one.misses))
    return one.failure.kind if one.failure is not None else ""
