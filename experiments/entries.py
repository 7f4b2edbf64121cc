"""What is recorded of a study and of a trial, as plain values and texts, without MLflow."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..optimizers import Candidate, Measurement, Trial, score
from ..programs import Episode
from .config import ExperimentConfig
from .entry import LIMITS, NOTE, Entry, Point, as_tables, by_document, failures_table, point, table
from .markdown import clip
from .notes import result_note, trial_note
from .result import Result

__all__ = [
    "IDENTITY",
    "STATUS",
    "measured_points",
    "outcome",
    "study",
    "task_row",
    "tasks_table",
    "trial_entry",
    "trial_name",
    "trial_params",
]

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
IDENTITY = ("run", "method", "origin", "parent", "candidate")
"""Parameters that say where a trial comes from, and not what it is made of."""


def study(config: ExperimentConfig) -> Entry:
    """Return what is known when a run begins. The credentials of addresses stay out."""
    config = config.public
    values = config.model_dump(mode="json", exclude_none=True, exclude={"tracking"})
    return Entry(params=dict(_flat(values)), files={"config.toml": config.to_toml()})


def outcome(result: Result) -> Entry:
    """Return what is known when a run has ended well."""
    values = result.model_dump(exclude={"run", "method", "seed", "compiled", "mlflow"})
    points = [
        point(name.replace(".", "/"), value)
        for name, value in _leaves(values)
        if isinstance(value, int | float)
    ]
    if result.validation is not None:
        points += [
            point(f"finalist/t{int(number):03d}", gap, step)
            for step, gaps in enumerate(result.validation.rounds, 1)
            for number, gap in gaps.items()
            if gap is not None
        ]
    return Entry(
        points=points,
        tags={NOTE: clip(result_note(result), LIMITS["tag"])},
        files={"result.json": result.model_dump_json(indent=1) + "\n"},
    )


def trial_name(trial: Trial) -> str:
    """Name a trial by its number and by what it chose other than the baseline's."""
    words = ["baseline"] if trial.number == 0 else trial.choices or ["own prompts"]
    return clip(" ".join([f"t{trial.number:03d}", *words]), LIMITS["name"])


def trial_entry(
    trial: Trial, baseline: Candidate, parent: Candidate, config: ExperimentConfig
) -> Entry:
    """Return everything that is recorded of a trial.

    Args:
        trial: The trial.
        baseline: The program as it was given.
        parent: What the trial's candidate was made from; the baseline for trial 0.
        config: The run.
    """
    tables = as_tables(
        {
            "prompts.json": _prompts(trial.candidate),
            "tasks.json": tasks_table(task_row(one) for one in trial.episodes),
            "failures.json": failures_table(trial.episodes),
        }
    )
    return Entry(
        params={
            _name(key): clip(str(value), LIMITS["param"])
            for key, value in trial_params(trial, baseline, config).items()
        },
        points=[
            *measured_points(trial.measurement, value=trial.value),
            *by_document([score(episode) for episode in trial.episodes]),
        ],
        tags={
            **tables.tags,
            **{_name(key): str(value) for key, value in trial.verdict.items()},
            "state": trial.state,
            **({} if trial.parent is None else {"parent": str(trial.parent)}),
            NOTE: clip(trial_note(trial, baseline), LIMITS["tag"]),
        },
        files={
            **tables.files,
            "diff.txt": _differences(trial, baseline, parent),
            "candidate.json": trial.candidate.model_dump_json(indent=1) + "\n",
        },
    )


def trial_params(
    trial: Trial, baseline: Candidate, config: ExperimentConfig
) -> dict[str, str | int | float]:
    """Describe a trial by the same parameters whatever method made it, so that all compare.

    Texts have short names: that of the search space where there is one, else a hash, and `-0` for
    the baseline's. Floats are rounded so that an axis can show them.
    """
    candidate, knobs = trial.candidate, trial.candidate.knobs
    made: dict[str, str | int | float] = {}
    for name, text in candidate.instructions.items():
        verb = name.rpartition(".")[2]
        same = text == baseline.instructions.get(name)
        made[verb] = f"{verb}-0" if same else f"{verb}-{_hash(text)}"
    count = sum(map(len, candidate.demos.values()))
    made["demos"] = f"{count}-{_hash(json.dumps(candidate.demos))}" if count else "none"
    usual = config.models["challenger"].temperature
    # As in a joint search, an endpoint's default is taken for 1.
    usual = 1.0 if usual is None else usual
    made["temperature"] = usual if knobs.temperature is None else knobs.temperature
    made["memory"] = config.loop.memory if knobs.memory is None else knobs.memory
    made |= trial.params
    identity = {
        "run": config.run,
        "method": config.method,
        "origin": trial.origin,
        "parent": "-" if trial.parent is None else trial.parent,
        "candidate": candidate.id,
    }
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in {**made, **identity}.items()
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def measured_points(measurement: Measurement, **more: float | None) -> list[Point]:
    """Return a measurement's numbers, and `more`, without those that do not exist."""
    found = measurement.model_dump(exclude={"outcomes", "episodes"})
    values = {**found, "documents": measurement.episodes, **more}
    return [point(name, value) for name, value in values.items() if value is not None]


def _prompts(candidate: Candidate) -> dict[str, Any]:
    return table(("role", "instruction"), sorted(candidate.instructions.items()))


def tasks_table(rows: Iterable[tuple[Any, ...] | None]) -> dict[str, Any]:
    """Return the table of accepted tasks, from what `task_row` gives for each episode."""
    columns = ("document", "question_type", "question", "weak", "strong", "gap", "round")
    return table(columns, [row for row in rows if row is not None])


def task_row(episode: Episode) -> tuple[Any, ...] | None:
    """Describe an episode's accepted task; `None` if it has none."""
    accepted = episode.accepted
    if accepted is None or accepted.task is None:
        return None
    return (
        episode.document_id,
        accepted.task.question_type,
        accepted.task.question,
        *(_rounded(value) for value in (accepted.mean("weak"), accepted.mean("strong"))),
        _rounded(accepted.gap),
        accepted.number,
    )


def _differences(trial: Trial, baseline: Candidate, parent: Candidate) -> str:
    """Return the difference from the baseline, and from the parent where that is another."""
    parts = [_difference(baseline, trial.candidate, "baseline")]
    if parent.id != baseline.id:
        parts.append(_difference(parent, trial.candidate, f"trial-{trial.parent}"))
    return "\n".join(parts)


def _difference(before: Candidate, after: Candidate, name: str) -> str:
    """Return the unified difference of all prompts, demonstrations and settings."""
    lines: list[str] = []
    for key in sorted(before.instructions.keys() | after.instructions.keys()):
        texts = before.instructions.get(key, ""), after.instructions.get(key, "")
        lines += _unified(*texts, f"{name}/{key}", f"candidate/{key}")
    for part in ("demos", "knobs"):
        old, new = (
            json.dumps(one.model_dump(mode="json")[part], indent=1) for one in (before, after)
        )
        lines += _unified(old, new, f"{name}/{part}", f"candidate/{part}")
    title = name if name != "baseline" else "the baseline"
    return "\n".join(lines or [f"no difference from {title}"]) + "\n"


def _unified(before: str, after: str, old: str, new: str) -> list[str]:
    texts = before.splitlines(), after.splitlines()
    return list(difflib.unified_diff(*texts, old, new, lineterm=""))


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
