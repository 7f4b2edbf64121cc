"""What is recorded of a study and of a trial, as plain values and texts, without MLflow."""

import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from ..optimizers import Candidate, Trial, score
from ..programs import Episode, Round
from .address import shown
from .config import ExperimentConfig
from .notes import clip, result_note, trial_note
from .result import Result

__all__ = ["LIMITS", "Entry", "Point", "outcome", "study", "trial_entry", "trial_name"]

LIMITS = {"name": 250, "param": 500, "tag": 8000}
"""Longest texts, in characters. MLflow allows 6000 for a parameter, which no table can show."""

NOTE = "mlflow.note.content"
TABLES = "mlflow.loggedArtifacts"
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


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


def study(config: ExperimentConfig) -> Entry:
    """Return what is known when a run begins. The tracking address's credentials stay out."""
    tracking = config.tracking.model_copy(
        update={"uri": config.tracking.uri and shown(config.tracking.uri)}
    )
    table = config.model_dump(mode="json", exclude_none=True, exclude={"tracking"})
    text = config.model_copy(update={"tracking": tracking}).to_toml()
    return Entry(params=dict(_flat(table)), files={"config.toml": text})


def outcome(result: Result) -> Entry:
    """Return what is known when a run has ended well."""
    table = result.model_dump(exclude={"run", "method", "seed", "compiled", "mlflow"})
    points = [
        _point(name.replace(".", "/"), value)
        for name, value in _leaves(table)
        if isinstance(value, int | float)
    ]
    return Entry(
        points=points,
        tags={NOTE: clip(result_note(result), LIMITS["tag"])},
        files={"result.json": result.model_dump_json(indent=1) + "\n"},
    )


def trial_name(trial: Trial) -> str:
    """Name a trial by its number and by what it chose other than the baseline's."""
    chosen = [
        value
        for value in trial.params.values()
        if isinstance(value, str) and value != "none" and not value.endswith("-0")
    ]
    words = ["baseline"] if trial.number == 0 else chosen or ["own prompts"]
    return clip(" ".join([f"t{trial.number:03d}", *words]), LIMITS["name"])


def trial_entry(trial: Trial, baseline: Candidate) -> Entry:
    """Return everything that is recorded of a trial."""
    tables = {
        "prompts.json": _prompts(trial.candidate),
        "tasks.json": _tasks(trial.episodes),
        "failures.json": _failures(trial.episodes),
    }
    listed = [{"path": name, "type": "table"} for name in tables]
    return Entry(
        params={_name(key): clip(str(value), LIMITS["param"]) for key, value in _params(trial)},
        points=[*_measured(trial), *_by_document(trial.episodes)],
        tags={
            "state": trial.state,
            NOTE: clip(trial_note(trial, baseline), LIMITS["tag"]),
            TABLES: json.dumps(listed),
        },
        files={
            **{name: json.dumps(table, indent=1) + "\n" for name, table in tables.items()},
            "diff.txt": _difference(baseline, trial.candidate),
            "candidate.json": trial.candidate.model_dump_json(indent=1) + "\n",
        },
    )


def _params(trial: Trial) -> Iterable[tuple[str, Any]]:
    """List the search point; floats are rounded so that an axis can show them."""
    for key, value in trial.params.items():
        yield key, round(value, 4) if isinstance(value, float) else value


def _measured(trial: Trial) -> list[Point]:
    found = trial.measurement.model_dump(exclude={"outcomes", "episodes"})
    values = {**found, "documents": trial.measurement.episodes, "value": trial.value}
    return [_point(name, value) for name, value in values.items() if value is not None]


def _point(name: str, value: float, step: int = 0) -> Point:
    """Return a value with as many digits as a column can show."""
    return Point(name, value if isinstance(value, int) else float(f"{value:.6g}"), step)


def _by_document(episodes: Sequence[Episode]) -> list[Point]:
    """List the objective by document, and its running mean, which a chart can show."""
    points: list[Point] = []
    values: list[float] = []
    for step, episode in enumerate(episodes):
        if (value := score(episode)) is not None:
            values.append(value)
            points += [
                _point("doc/gap", value, step),
                _point("doc/gap_mean", fmean(values), step),
            ]
    return points


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return a table in the form that MLflow's pages show and compare across runs."""
    return {"columns": list(columns), "data": [list(row) for row in rows]}


def _prompts(candidate: Candidate) -> dict[str, Any]:
    return _table(("role", "instruction"), sorted(candidate.instructions.items()))


def _tasks(episodes: Sequence[Episode]) -> dict[str, Any]:
    """List the accepted tasks."""
    columns = ("document", "question_type", "question", "weak", "strong", "gap", "round")
    rows = [
        (
            episode.document_id,
            accepted.task.question_type,
            accepted.task.question,
            *(_rounded(value) for value in (accepted.mean("weak"), accepted.mean("strong"))),
            _rounded(accepted.gap),
            accepted.number,
        )
        for episode in episodes
        if (accepted := episode.accepted) is not None and accepted.task is not None
    ]
    return _table(columns, rows)


def _failures(episodes: Sequence[Episode]) -> dict[str, Any]:
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
    return _table(("outcome", "reason", "rounds", "documents", "example"), rows)


def _reason(one: Round) -> str:
    """Name why a round failed without its numbers, so that like is counted with like."""
    if one.misses:
        return ", ".join(dict.fromkeys(miss.rule for miss in one.misses))
    return one.failure.kind if one.failure is not None else ""


def _difference(baseline: Candidate, candidate: Candidate) -> str:
    """Return the unified difference of all prompts, demonstrations and settings."""
    lines: list[str] = []
    for name in sorted(baseline.instructions.keys() | candidate.instructions.keys()):
        lines += _unified(
            baseline.instructions.get(name, ""), candidate.instructions.get(name, ""), name
        )
    for part in ("demos", "knobs"):
        before, after = (one.model_dump(mode="json")[part] for one in (baseline, candidate))
        lines += _unified(json.dumps(before, indent=1), json.dumps(after, indent=1), part)
    return "\n".join(lines or ["no difference from the baseline"]) + "\n"


def _unified(before: str, after: str, name: str) -> list[str]:
    return list(
        difflib.unified_diff(
            before.splitlines(),
            after.splitlines(),
            f"baseline/{name}",
            f"candidate/{name}",
            lineterm="",
        )
    )


def _flat(table: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in _leaves(table):
        text = value if isinstance(value, str) else json.dumps(value)
        yield _name(name), clip(text, LIMITS["param"])


def _leaves(table: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _name(text: str) -> str:
    """Return a name with only the characters that MLflow allows."""
    return re.sub(r"[^\w.:/ -]", "_", text, flags=re.ASCII)[: LIMITS["name"]]


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)
