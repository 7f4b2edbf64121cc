"""What a comparison of methods found out, as it stands in `compare.json`."""

from collections.abc import Callable, Mapping, Sequence
from statistics import stdev
from typing import NamedTuple

from pydantic import Field

from ..metrics import Interval, bootstrap_mean, paired_difference, wilson
from ..programs import Episode, Round, Usage
from .compare_fresh import hollow, usable
from .config import Part
from .result import Tracked


class Estimate(Part):
    """A mean or a share with its 95 % interval over documents."""

    value: float
    low: float
    high: float
    documents: int
    """Documents that it rests on, at least 1. A single one gives an interval without width."""


class Row(Part):
    """One method. What rests on no document at all is `None`."""

    method: str
    documents: int
    """Documents tried."""
    unsuitable: int
    """Documents that were turned away. They count in no average."""
    failures: dict[str, str]
    """Why documents could not be scored, by id. They count in no average."""
    kept: int
    """Tasks that the method kept, at most one a document."""
    unmeasured: int
    """Kept tasks whose fresh attempts could not be graded for both solvers."""
    hollow: int = 0
    """Fresh attempts that were cut off or empty. They count in no grade."""
    acceptance: Estimate | None
    """Share of scored documents with a kept task, in [0, 1], by Wilson's interval."""
    objective: Estimate | None
    """`gap` over all scored documents, 0 where no task was kept; in [-1, 1]."""
    weak: Estimate | None
    """Mean grade of the weak solver's fresh attempts at kept tasks, in [0, 1]."""
    strong: Estimate | None
    """The same for the strong solver."""
    gap: Estimate | None
    """Strong minus weak on the same attempts, in [-1, 1]."""
    weak_std: Estimate | None
    """Standard deviation (n - 1) of the weak attempts at one task, averaged over tasks; a grade."""
    selection_weak: Estimate | None
    """Weak mean of the attempts that accepted the tasks: chance chose along, so that it is too
    good to be true. `None`, like the next two, for methods without a gate."""
    selection_strong: Estimate | None
    """The same for the strong solver."""
    selection_gap: Estimate | None
    """Strong minus weak on the same attempts."""
    rounds: Estimate | None
    """Tasks tried per scored document."""
    question_chars: Estimate | None
    """Characters of a kept task's question, without its context."""
    rubric_items: Estimate | None
    """Criteria of a kept task; `None` where tasks have no rubric."""
    calls: int
    """Answers of models that writing, checking and choosing took on all documents."""
    tokens: int
    """Tokens of those answers and their prompts."""
    calls_per_accepted: float | None
    """`calls` divided by the number of kept tasks."""
    tokens_per_accepted: float | None
    """`tokens` divided by the number of kept tasks."""
    measuring_calls: int
    """Answers of models that the fresh attempts took; not part of `calls`."""
    measuring_tokens: int
    """Tokens of those answers and their prompts; not part of `tokens`."""
    suitability: dict[str, float] = Field(default_factory=dict)
    """Share of reviewed tasks that the referee calls fit for training, by level, in [0, 1]."""


class Against(Part):
    """A method minus the first one named, on the same documents, with 95 % intervals."""

    method: str
    reference: str
    objective: Estimate | None
    """Over documents that both were scored on, 0 where one kept no task."""
    weak: Estimate | None
    """Over documents where both have a measured task, like all below."""
    strong: Estimate | None
    gap: Estimate | None
    weak_std: Estimate | None
    selection_weak: Estimate | None
    """With the grades that accepted the tasks, as the paper counts; fresh ones for a method without
    a gate. `None`, like the next two, if neither method has a gate."""
    selection_strong: Estimate | None
    selection_gap: Estimate | None


class Comparison(Part):
    """The whole of `compare.json`."""

    run: str
    domain: str
    gate: str
    """Name of the acceptance rule."""
    seed: int
    documents: int
    """Documents that every method was given."""
    attempts: dict[str, int]
    """Fresh attempts at every kept task, by solver."""
    methods: list[Row]
    """In the order in which they were named."""
    differences: list[Against]
    """Every method but the first, against the first."""
    calls: int
    """Answers of models in the whole comparison, from the cache or not."""
    tokens: int
    """Tokens of those answers and their prompts."""
    seconds: float
    """Wall-clock time of this start."""
    folder: str
    """Where the table, the figure and this file are."""
    mlflow: Tracked

    @property
    def problem(self) -> str:
        """Why nothing can be compared; empty if any document was scored."""
        if any(len(row.failures) < row.documents for row in self.methods):
            return ""
        reason = next(iter(self.methods[0].failures.values()))
        return f"no document could be scored ({reason}); run `autodata check` on the configuration"


class Work(NamedTuple):
    """What one method did."""

    method: str
    episodes: Sequence[Episode]
    """One for each document, in order."""
    kept: Mapping[str, Round]
    """The rounds whose tasks were kept, by document."""
    measured: Mapping[str, Episode]
    """Their fresh attempts, as episodes of one round, by document."""


def row(work: Work, *, seed: int) -> Row:
    """Summarize what a method did.

    Args:
        work: Its episodes, and the fresh attempts at the tasks that it kept.
        seed: Of the bootstrap.
    """
    scored = [one for one in work.episodes if _scored(one)]
    usage = sum((one.usage for one in work.episodes), Usage())
    measuring = sum((one.usage for one in work.measured.values()), Usage())
    tasks = [one.task for one in work.kept.values() if one.task is not None]
    gated = [one for one in work.kept.values() if one.gap is not None]
    values = {name: list(measure(work).values()) for name, measure in MEASURES.items()}
    means = {
        **values,
        "objective": [value for value in objective(work).values() if value is not None],
        **{f"selection_{name}": _present(gated, of) for name, of in SELECTION.items()},
        "rounds": [float(len(one.rounds)) for one in scored],
        "question_chars": [float(len(task.question)) for task in tasks],
        "rubric_items": [float(len(task.rubric)) for task in tasks if task.rubric],
    }
    kept = len(work.kept)
    return Row(
        method=work.method,
        documents=len(work.episodes),
        unsuitable=sum(one.stopped == "unsuitable" for one in work.episodes),
        failures={e.document_id: str(e.failure) for e in work.episodes if e.failure is not None},
        kept=kept,
        unmeasured=kept - len(values["gap"]),
        hollow=hollow(work.measured),
        acceptance=_estimate(wilson(kept, len(scored)), len(scored)) if scored else None,
        **{name: _mean(listed, seed) for name, listed in means.items()},
        calls=usage.calls,
        tokens=usage.tokens,
        calls_per_accepted=usage.calls / kept if kept else None,
        tokens_per_accepted=usage.tokens / kept if kept else None,
        measuring_calls=measuring.calls,
        measuring_tokens=measuring.tokens,
        suitability=_suitability(work),
    )


def against(work: Work, first: Work, *, seed: int) -> Against:
    """Compare a method with the first one named, document by document (paired bootstrap)."""
    found = {name: _paired(m(first), m(work), seed) for name, m in MEASURES.items()}
    if any(one.gap is not None for done in (first, work) for one in done.kept.values()):
        chosen = {name: (_chosen(first, of), _chosen(work, of)) for name, of in SELECTION.items()}
        found |= {f"selection_{name}": _paired(*pair, seed) for name, pair in chosen.items()}
    else:
        found |= dict.fromkeys((f"selection_{name}" for name in SELECTION), None)
    return Against(
        method=work.method,
        reference=first.method,
        objective=_paired(objective(first), objective(work), seed),
        **found,
    )


def objective(work: Work) -> dict[str, float | None]:
    """Return the fresh gap by document: 0 without a kept task, `None` if it cannot be told."""
    gaps = _by_document(work, _gap)

    def value(episode: Episode) -> float | None:
        if episode.document_id in work.kept:
            return gaps.get(episode.document_id)
        return 0.0 if _scored(episode) else None

    return {episode.document_id: value(episode) for episode in work.episodes}


def _gap(fresh: Round) -> float | None:
    return None if fresh.gap is None else float(fresh.gap)


def _weak(fresh: Round) -> float | None:
    return None if fresh.gap is None else float(fresh.mean("weak") or 0)


def _strong(fresh: Round) -> float | None:
    return None if fresh.gap is None else float(fresh.mean("strong") or 0)


def _weak_std(fresh: Round) -> float | None:
    grades = [float(grade) for grade in fresh.grades("weak")]
    return stdev(grades) if fresh.gap is not None and len(grades) > 1 else None


SELECTION = {"weak": _weak, "strong": _strong, "gap": _gap}


def _present(rounds: Sequence[Round], of: Callable[[Round], float | None]) -> list[float]:
    return [value for one in rounds if (value := of(one)) is not None]


def _measure(of: Callable[[Round], float | None]) -> Callable[[Work], dict[str, float]]:
    return lambda work: _by_document(work, of)


MEASURES: Mapping[str, Callable[[Work], dict[str, float]]] = {
    "weak": _measure(_weak),
    "strong": _measure(_strong),
    "gap": _measure(_gap),
    "weak_std": _measure(_weak_std),
}
"""What is measured at a kept task by fresh attempts: a value for each document that has one."""


def _by_document(work: Work, of: Callable[[Round], float | None]) -> dict[str, float]:
    found = {id: of(fresh) for id, fresh in usable(work.measured).items()}
    return {id: value for id, value in found.items() if value is not None}


def _chosen(work: Work, of: Callable[[Round], float | None]) -> dict[str, float]:
    """Return a value of the attempts that accepted each task; of the fresh ones without a gate."""
    accepted = {id: of(one) for id, one in work.kept.items()}
    return _by_document(work, of) | {id: v for id, v in accepted.items() if v is not None}


def _scored(episode: Episode) -> bool:
    return episode.failure is None and episode.stopped != "unsuitable"


def _suitability(work: Work) -> dict[str, float]:
    """Return the shares of the referee's levels among the fresh attempts that it has reviewed."""
    reviews = [one.rounds[-1].review for one in work.measured.values()]
    levels = [review.suitability for review in reviews if review is not None]
    if not levels:
        return {}
    return {level: levels.count(level) / len(levels) for level in ("high", "medium", "low")}


def _mean(values: Sequence[float], seed: int) -> Estimate | None:
    return _estimate(bootstrap_mean(values, seed=seed), len(values)) if values else None


def _paired(
    before: Mapping[str, float | None], after: Mapping[str, float | None], seed: int
) -> Estimate | None:
    pairs = [
        (one, other)
        for id, one in before.items()
        if one is not None and (other := after.get(id)) is not None
    ]
    if not pairs:
        return None
    found = paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed=seed)
    return _estimate(found, len(pairs))


def _estimate(found: Interval, documents: int) -> Estimate:
    return Estimate(value=found.estimate, low=found.low, high=found.high, documents=documents)
