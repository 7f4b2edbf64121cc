"""What a set of episodes says about the program that ran them."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from ..metrics import average
from ..programs.records import Episode, Outcome, Record, Usage


class Measurement(Record):
    """A program's results on a set of documents.

    The objective is `gap`: averaged over all scored documents, with 0 for a document that ended
    without an accepted task. `None` means that there was nothing to average.
    """

    episodes: int
    """Documents tried."""
    failures: int
    """Documents that could not be scored. They count in no average."""
    unsuitable: int = 0
    """Documents that were turned away before anything was written. They count in no average."""
    gap: float | None
    """The objective, in [-1, 1]."""
    acceptance: float | None
    """Share of scored documents with an accepted task, in [0, 1]."""
    accepted_gap: float | None
    """Average gap of the accepted tasks alone, in [-1, 1]."""
    weak: float | None
    """Average grade of the weak solver on accepted tasks, in [0, 1]."""
    strong: float | None
    """Average grade of the strong solver on accepted tasks, in [0, 1]."""
    rounds: float | None
    """Tasks tried per scored document."""
    calls: int
    """Answers of models, from the cache or not."""
    tokens: int
    """Tokens of those answers and their prompts."""
    tokens_per_accepted: float | None
    """`tokens` divided by the number of accepted tasks."""
    outcomes: dict[str, int]
    """How many rounds ended how."""


def measured(episodes: Sequence[Episode]) -> Measurement:
    """Summarize episodes."""
    scored = [episode for episode in episodes if episode.score is not None]
    accepted = [episode.accepted for episode in scored if episode.accepted is not None]
    unsuitable = sum(episode.stopped == "unsuitable" for episode in episodes)
    usage = sum((episode.usage for episode in episodes), Usage())
    outcomes = Counter(one.outcome.value for episode in episodes for one in episode.rounds)
    return Measurement(
        episodes=len(episodes),
        failures=len(episodes) - len(scored) - unsuitable,
        unsuitable=unsuitable,
        gap=average([score(episode) for episode in episodes]).value,
        acceptance=len(accepted) / len(scored) if scored else None,
        accepted_gap=_mean([float(one.gap) for one in accepted if one.gap is not None]),
        weak=_mean([float(grade) for one in accepted for grade in one.grades("weak")]),
        strong=_mean([float(grade) for one in accepted for grade in one.grades("strong")]),
        rounds=_mean([float(len(episode.rounds)) for episode in scored]),
        calls=usage.calls,
        tokens=usage.tokens,
        tokens_per_accepted=usage.tokens / len(accepted) if accepted else None,
        outcomes={outcome.value: outcomes.get(outcome.value, 0) for outcome in Outcome},
    )


def score(episode: Episode) -> float | None:
    """Return an episode's contribution to the objective, in [-1, 1]; `None` if it has none."""
    return None if episode.score is None else float(episode.score)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
