"""Notes on a run's page in MLflow: Markdown into which no document and no model can write."""

from collections.abc import Iterable, Sequence

from ..optimizers import Candidate, Trial
from .markdown import escaped
from .report import findings
from .result import Result


def trial_note(trial: Trial, baseline: Candidate) -> str:
    """Say what a trial was and how it went."""
    found = trial.measurement
    verdict = {
        "complete": f"over {found.episodes} documents",
        "pruned": f"estimated: stopped as clearly worse after {found.episodes} documents",
        "failed": f"none of {found.episodes} documents could be scored",
    }[trial.state]
    roles = [
        (name, _choice(trial, name), _change(text, baseline.instructions.get(name, "")))
        for name, text in trial.candidate.instructions.items()
    ]
    verbs = {_verb(name) for name in trial.candidate.instructions}
    settings = [(key, _number(value)) for key, value in trial.params.items() if key not in verbs]
    measured = [
        ("accepted", _share(found.acceptance)),
        ("gap of accepted tasks", _number(found.accepted_gap)),
        ("weak mean", _number(found.weak)),
        ("strong mean", _number(found.strong)),
        ("rounds per document", _number(found.rounds)),
        ("tokens per accepted task", _number(found.tokens_per_accepted)),
        ("documents not scored", found.failures),
    ]
    outcomes = [(name, count) for name, count in found.outcomes.items() if count]
    parts = [
        f"**gap {_number(trial.value)}** ({verdict}), by {escaped(trial.origin)}"
        + (f", from trial {trial.parent}" if trial.parent is not None else ""),
        _table(("predictor", "instruction", "change"), roles),
        _table(("setting", "value"), settings),
        _table(("measured", "value"), measured),
        _table(("rounds that ended", "count"), outcomes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def result_note(result: Result) -> str:
    """Compare winner and baseline on the test documents."""
    rows = [
        (name.replace("_", " "), _number(getattr(result.baseline, name)), _number(after))
        for name, after in result.winner
    ]
    found = result.difference
    line = (
        "**no test document could be scored for both programs**"
        if found.gap is None
        else f"**gap {found.gap:+.3f}** against the baseline "
        f"(95 % interval {_number(found.low)} to {_number(found.high)})"
    )
    line += f", found by {escaped(result.method)}"
    if result.validation is not None and result.validation.trial == 0:
        line = f"**the baseline won**: {escaped(result.method)} found no candidate that held up"
    table = _table(("on test documents", "baseline", "winner"), rows)
    parts = [line, *map(escaped, findings(result)), table]
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *lines])


def _verb(predictor: str) -> str:
    return predictor.rpartition(".")[2]


def _choice(trial: Trial, predictor: str) -> object:
    """Return the short name of a predictor's instruction."""
    return trial.params.get(_verb(predictor), trial.params.get("instructions", ""))


def _change(text: str, before: str) -> str:
    if text == before:
        return "as in the baseline"
    return f"{len(text.split())} words instead of {len(before.split())}"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
    return "-" if value is None else str(value)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
