"""What is recorded of a comparison and its methods, as plain values and texts, without MLflow."""

from collections.abc import Iterable
from typing import Any

from .compare_result import Against, Comparison, Estimate, Row, Work, objective
from .compare_table import difference_lines, heading, method_lines, remarks, verdicts
from .config import ExperimentConfig
from .entry import (
    LIMITS,
    NOTE,
    Entry,
    Point,
    as_tables,
    by_document,
    failures_table,
    point,
    table,
)
from .markdown import clip, escaped

__all__ = ["comparison_entry", "method_entry"]

ESTIMATES = (
    "acceptance",
    "weak",
    "strong",
    "gap",
    "weak_std",
    "selection_weak",
    "selection_strong",
    "selection_gap",
    "rounds",
    "question_chars",
    "rubric_items",
)
COUNTS = (
    "documents",
    "unsuitable",
    "kept",
    "unmeasured",
    "calls",
    "tokens",
    "calls_per_accepted",
    "tokens_per_accepted",
    "measuring_calls",
    "measuring_tokens",
)


def method_entry(config: ExperimentConfig, work: Work, row: Row, against: Against | None) -> Entry:
    """Return everything that is recorded of one method.

    Args:
        config: The comparison.
        work: What the method did.
        row: Its summary.
        against: Its difference from the first method; `None` for that one itself.
    """
    tables = as_tables({"tasks.json": _tasks(work), "failures.json": failures_table(work.episodes)})
    spoken = config.task_domain.spoken
    params = {
        "method": work.method,
        "domain": config.domain,
        "gate": config.rule.name,
        "seed": str(config.seed),
        **{role: config.models[role].model for role in spoken if role in config.models},
    }
    return Entry(
        params={name: clip(value, LIMITS["param"]) for name, value in params.items()},
        points=[*_row(row), *_against(against), *by_document(list(objective(work).values()))],
        tags={**tables.tags, "state": "complete"},
        files=tables.files,
    )


def comparison_entry(found: Comparison) -> Entry:
    """Return what is known when a comparison has ended."""
    names = [row.method for row in found.methods]
    parts = [escaped(heading(found)), _rows(["", *names], method_lines(found))]
    parts += [_rows(["", *names[1:]], difference_lines(found))] if found.differences else []
    parts += [escaped(line) for line in (*remarks(found), *verdicts(found))]
    points = [
        *(point(f"{r.method}/{one.name}", one.value) for r in found.methods for one in _row(r)),
        *(one for pair in found.differences for one in _against(pair, f"difference/{pair.method}")),
        point("calls", found.calls),
        point("tokens", found.tokens),
        point("seconds", found.seconds),
        point("documents", found.documents),
    ]
    tags = {NOTE: clip("\n\n".join(parts), LIMITS["tag"]), "methods": ",".join(names)}
    return Entry(points=points, tags=tags)


def _row(row: Row) -> Iterable[Point]:
    """List a method's numbers; `value` is the objective, as it is in a trial."""
    yield from _estimate("value", row.objective)
    for name in ESTIMATES:
        yield from _estimate(name, getattr(row, name))
    for name in COUNTS:
        if (value := getattr(row, name)) is not None:
            yield point(name, value)
    yield point("failures", len(row.failures))
    for level, share in row.suitability.items():
        yield point(f"suitability/{level}", share)


def _against(found: Against | None, prefix: str = "difference") -> Iterable[Point]:
    names = ("objective", "weak", "strong", "gap", "weak_std")
    for name in (*names, "selection_weak", "selection_strong", "selection_gap"):
        yield from _estimate(f"{prefix}/{name}", None if found is None else getattr(found, name))


def _estimate(name: str, found: Estimate | None) -> Iterable[Point]:
    if found is not None:
        yield point(name, found.value)
        yield point(f"{name}_low", found.low)
        yield point(f"{name}_high", found.high)


def _tasks(work: Work) -> dict[str, Any]:
    """List the kept tasks with what fresh attempts say about them."""
    columns = ("document", "question_type", "question", "weak", "strong", "gap", "round")
    rows = []
    for id, kept in work.kept.items():
        task, fresh = kept.task, work.measured[id].rounds[-1]
        if task is None:
            continue
        means = [_rounded(fresh.mean("weak")), _rounded(fresh.mean("strong"))]
        rows.append(
            (id, task.question_type, task.question, *means, _rounded(fresh.gap), kept.number)
        )
    return table(columns, rows)


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


def _rows(header: list[str], lines: list[list[str]]) -> str:
    rows = [
        "| " + " | ".join(escaped(cell) or " " for cell in line) + " |" for line in (header, *lines)
    ]
    return "\n".join([rows[0], "|" + " --- |" * len(header), *rows[1:]])
