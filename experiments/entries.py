"""What is recorded of a study and of a trial, as plain values and texts, without MLflow."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..optimizers import Candidate, Measurement, Trial, score
from ..programs import Episode
from .address import shown
from .config import ExperimentConfig
from .entry import LIMITS, NOTE, Entry, Point, as_tables, by_document, failures_table, point, table
from .notes import clip, result_note, trial_note
from .result import Result

__all__ = ["STATUS", "generated_entry", "outcome", "study", "trial_entry", "trial_name"]

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def study(config: ExperimentConfig) -> Entry:
    """Return what is known when a run begins. The tracking address's credentials stay out."""
    tracking = config.tracking.model_copy(
        update={"uri": config.tracking.uri and shown(config.tracking.uri)}
    )
    values = config.model_dump(mode="json", exclude_none=True, exclude={"tracking"})
    text = config.model_copy(update={"tracking": tracking}).to_toml()
    return Entry(params=dict(_flat(values)), files={"config.toml": text})


def outcome(result: Result) -> Entry:
    """Return what is known when a run has ended well."""
    values = result.model_dump(exclude={"run", "method", "seed", "compiled", "mlflow"})
    points = [
        point(name.replace(".", "/"), value)
        for name, value in _leaves(values)
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
    tables = as_tables(
        {
            "prompts.json": _prompts(trial.candidate),
            "tasks.json": _tasks(trial.episodes),
            "failures.json": failures_table(trial.episodes),
        }
    )
    return Entry(
        params={_name(key): clip(str(value), LIMITS["param"]) for key, value in _params(trial)},
        points=[
            *_measured(trial.measurement, value=trial.value),
            *by_document([score(episode) for episode in trial.episodes]),
        ],
        tags={
            **tables.tags,
            "state": trial.state,
            NOTE: clip(trial_note(trial, baseline), LIMITS["tag"]),
        },
        files={
            **tables.files,
            "diff.txt": _difference(baseline, trial.candidate),
            "candidate.json": trial.candidate.model_dump_json(indent=1) + "\n",
        },
    )


def generated_entry(
    measurement: Measurement, episodes: Sequence[Episode], candidate: str, program: str
) -> Entry:
    """Return what is known when `generate` has ended.

    Args:
        measurement: What the episodes say about the program.
        episodes: One for each document.
        candidate: Hash of the program's prompts.
        program: Folder of the compiled program; empty for the shipped prompts.
    """
    tables = as_tables({"tasks.json": _tasks(episodes), "failures.json": failures_table(episodes)})
    params = {"candidate": candidate, "program": program or "shipped prompts"}
    return Entry(
        params={name: clip(value, LIMITS["param"]) for name, value in params.items()},
        points=[*_measured(measurement), *by_document([score(one) for one in episodes])],
        tags=tables.tags,
        files=tables.files,
    )


def _params(trial: Trial) -> Iterable[tuple[str, Any]]:
    """List the search point; floats are rounded so that an axis can show them."""
    for key, value in trial.params.items():
        yield key, round(value, 4) if isinstance(value, float) else value


def _measured(measurement: Measurement, **more: float | None) -> list[Point]:
    found = measurement.model_dump(exclude={"outcomes", "episodes"})
    values = {**found, "documents": measurement.episodes, **more}
    return [point(name, value) for name, value in values.items() if value is not None]


def _prompts(candidate: Candidate) -> dict[str, Any]:
    return table(("role", "instruction"), sorted(candidate.instructions.items()))


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
    return table(columns, rows)


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


def _flat(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in _leaves(values):
        text = value if isinstance(value, str) else json.dumps(value)
        yield _name(name), clip(text, LIMITS["param"])


def _leaves(values: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _name(text: str) -> str:
    """Return a name with only the characters that MLflow allows."""
    return re.sub(r"[^\w.:/ -]", "_", text, flags=re.ASCII)[: LIMITS["name"]]


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)
