"""What can be recorded of a run: parameters, metrics, tags, tables and texts, without MLflow."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from ..programs import Episode, Round
from .markdown import clip

__all__ = [
    "LIMITS",
    "NOTE",
    "Entry",
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


def by_document(objective: Iterable[float | None]) -> list[Point]:
    """List the objective by document, and its running mean, which a chart can show.

    Args:
        objective: A value for each document, `None` where it could not be scored.
    """
    points: list[Point] = []
    values: list[float] = []
    for step, value in enumerate(objective):
        if value is not None:
            values.append(value)
            points += [
                point("doc/gap", value, step),
                point("doc/gap_mean", fmean(values), step),
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


def failures_table(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Count the rounds that were not accepted by outcome and reason, with one as an example."""
    counts: Counter[tuple[str, str]] = Counter()
    documents: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    examples: dict[tuple[str, str], str] = {}
    for episode in episodes:
        for one in episode.rounds:
            if one is not episode.accepted:
                key = (one.outcome.value, _reason(one))
                counts[key] += 1
                documents[key][episode.document_id] = None
                examples.setdefault(key, one.reason or str(one.failure or ""))
        if episode.failure is not None:
            key = ("DOCUMENT NOT SCORED", episode.failure.kind)
            counts[key] += 1
            documents[key][episode.document_id] = None
            examples.setdefault(key, str(episode.failure))
    rows = [
        (*key, count, ", ".join(list(documents[key])[:5]), clip(examples[key], 500))
        for key, count in counts.most_common()
    ]
    return table(("outcome", "reason", "rounds", "documents", "example"), rows)


def _reason(one: Round) -> str:
    """Name why a round failed without its numbers, so that like is counted with like."""
    if one.misses:
        return ", ".join(dict.fromkeys(miss.rule for miss in one.misses))
    return one.failure.kind if one.failure is not None else ""
