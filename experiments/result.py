"""What a run found out, as it stands in `result.json`."""

from collections.abc import Sequence
from statistics import fmean

from ..metrics import Interval, bootstrap_mean, paired_difference
from ..optimizers import Measurement, measured, score
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
    values = [value for value in per_document(repeats) if value is not None]
    interval = bootstrap_mean(values, seed=seed) if values else None
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


def difference(
    baseline: Sequence[Sequence[Episode]], winner: Sequence[Sequence[Episode]], *, seed: int
) -> Difference:
    """Compare two programs on the documents that both were scored on (paired bootstrap)."""
    pairs = [
        (before, after)
        for before, after in zip(per_document(baseline), per_document(winner), strict=True)
        if before is not None and after is not None
    ]
    if not pairs:
        return Difference(gap=None, low=None, high=None)
    found: Interval = paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed=seed)
    return Difference(gap=found.estimate, low=found.low, high=found.high)


def per_document(repeats: Sequence[Sequence[Episode]]) -> list[float | None]:
    """Average each document's objective over the repeats that could be scored."""
    averages: list[float | None] = []
    for episodes in zip(*repeats, strict=True):
        values = [value for episode in episodes if (value := score(episode)) is not None]
        averages.append(fmean(values) if values else None)
    return averages
