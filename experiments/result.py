"""What a run found out, as it stands in `result.json`."""

from collections.abc import Sequence
from statistics import fmean

from ..metrics import Interval, bootstrap_mean, paired_difference
from ..optimizers import Choice, Measurement, measured, score
from ..programs import Episode
from .config import Part


class Side(Part):
    """One program on the test documents, with a 95 % interval of its gap over documents."""

    gap: float | None
    """Strong minus weak, averaged over all documents, 0 where no task was accepted; [-1, 1]."""
    gap_low: float | None
    gap_high: float | None
    acceptance: float | None
    """Share of episodes with an accepted task, in [0, 1]."""
    weak: float | None
    """Average grade of the weak solver on accepted tasks, in [0, 1]."""
    strong: float | None
    """The same for the strong solver."""
    rounds: float | None
    """Tasks tried per episode."""
    calls: int
    """Answers of models."""
    tokens_per_accepted: float | None
    """Tokens divided by the number of accepted tasks."""
    episodes: int
    """Documents times repeats."""
    failures: int
    """Episodes that could not be scored."""


class Difference(Part):
    """Winner minus baseline on the same test documents, with its 95 % interval."""

    gap: float | None
    low: float | None
    high: float | None


class Validation(Part):
    """The winner on the validation documents, where it was chosen. Gaps are in [-1, 1]."""

    trial: int
    """Number of the winning trial; 0 is the baseline."""
    selecting: float | None
    """The winner's gap when it was picked from all trials. Luck picked along."""
    again: float | None
    """The winner's gap measured again with fresh answers, all rounds together."""
    baseline: float | None
    """The baseline's gap among the trials."""
    baseline_again: float | None
    """The baseline's gap measured again."""
    rounds: list[dict[str, float | None]]
    """For each round of measuring again the gaps of those still in the race, by trial."""


class HeldOutSide(Part):
    """One program's accepted tasks under the held-out solvers, with 95 % intervals of the gap."""

    gap: float | None
    """Strong minus weak of fresh attempts, averaged over all test documents, 0 where no task was
    accepted; [-1, 1]."""
    gap_low: float | None
    gap_high: float | None
    weak: float | None
    """Average grade of the held-out weak solver, in [0, 1]."""
    strong: float | None
    """The same for the held-out strong solver."""
    tasks: int
    """Accepted tasks, over all repeats."""
    unmeasured: int
    """Those of `tasks` that could not be graded for both solvers. They count in no average."""


class HeldOut(Part):
    """What a pair of solvers says that no search has seen."""

    baseline: HeldOutSide
    winner: HeldOutSide
    difference: Difference
    calls: int
    """Answers of models that the attempts and their grading took."""
    tokens: int
    """Tokens of those answers and their prompts."""


class Tracked(Part):
    """Where MLflow has the run."""

    tracking_uri: str
    experiment_id: str
    run_id: str


class Result(Part):
    """The whole of `result.json`."""

    run: str
    method: str
    seed: int
    documents: dict[str, int]
    """Number of documents in train, validation and test."""
    baseline: Side
    winner: Side
    difference: Difference
    validation: Validation | None = None
    """How the winner did where it was chosen; absent in results that an older version wrote."""
    curse: float | None = None
    """The winner's curse: `validation.selecting` minus the winner's gap on the test documents."""
    heldout: HeldOut | None = None
    """The same comparison by the held-out solvers, where the run has such."""
    trials: dict[str, int]
    """Number of trials that were complete, pruned and failed."""
    calls: int
    """Answers of models in the whole run, from the cache or not."""
    tokens: int
    """Tokens of those answers and their prompts."""
    seconds: float
    """Wall-clock time of this start of the run."""
    compiled: str
    """Folder of the compiled program."""
    mlflow: Tracked


def side(repeats: Sequence[Sequence[Episode]], *, seed: int) -> Side:
    """Summarize a program's repeats on the test documents.

    Args:
        repeats: For each repeat the episodes in the documents' order.
        seed: Of the bootstrap.
    """
    everything: Measurement = measured([episode for repeat in repeats for episode in repeat])
    interval = mean_interval(per_document(repeats), seed=seed)
    return Side(
        gap=interval.estimate if interval else None,
        gap_low=interval.low if interval else None,
        gap_high=interval.high if interval else None,
        **{
            name: getattr(everything, name)
            for name in Side.model_fields
            if name not in ("gap", "gap_low", "gap_high")
        },
    )


def mean_interval(values: Sequence[float | None], *, seed: int) -> Interval | None:
    """Average documents' values with a 95 % interval; those that are `None` do not count."""
    known = [value for value in values if value is not None]
    return bootstrap_mean(known, seed=seed) if known else None


def difference(
    baseline: Sequence[Sequence[Episode]], winner: Sequence[Sequence[Episode]], *, seed: int
) -> Difference:
    """Compare two programs on the documents that both were scored on (paired bootstrap)."""
    return paired(per_document(baseline), per_document(winner), seed=seed)


def paired(
    baseline: Sequence[float | None], winner: Sequence[float | None], *, seed: int
) -> Difference:
    """Compare two programs by their documents' values, in the same order (paired bootstrap)."""
    pairs = [
        (before, after)
        for before, after in zip(baseline, winner, strict=True)
        if before is not None and after is not None
    ]
    if not pairs:
        return Difference(gap=None, low=None, high=None)
    found: Interval = paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed=seed)
    return Difference(gap=found.estimate, low=found.low, high=found.high)


def per_document(repeats: Sequence[Sequence[Episode]]) -> list[float | None]:
    """Average each document's objective over the repeats that could be scored."""
    return averaged([[score(episode) for episode in repeat] for repeat in repeats])


def averaged(repeats: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Average each document's value over the repeats that have one."""
    columns = ([v for v in column if v is not None] for column in zip(*repeats, strict=True))
    return [fmean(values) if values else None for values in columns]


def validated(choice: Choice) -> Validation:
    """Say how the winner and the baseline did on the validation documents."""
    baseline, winner = choice.races[0], choice.winner
    rounds: list[dict[str, float | None]] = []
    for one in choice.races:
        for index, episodes in enumerate(one.rounds):
            rounds += [{}] if index == len(rounds) else []
            rounds[index][str(one.trial.number)] = measured(episodes).gap
    return Validation(
        trial=winner.number,
        selecting=winner.value,
        again=choice.again.gap,
        baseline=baseline.trial.value,
        baseline_again=baseline.fresh.gap,
        rounds=rounds,
    )


def curse(validation: Validation, winner: Side) -> float | None:
    """Estimate the winner's curse: how much better the winner looked when it was picked.

    Validation and test have different documents, so that a part of it may be theirs: the
    baseline's own values, which nobody picked, show how much.
    """
    if validation.selecting is None or winner.gap is None:
        return None
    return validation.selecting - winner.gap
