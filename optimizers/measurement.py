"""What a set of episodes says about the program that ran them."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
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


class Tally:
    """Adds episodes up, without holding them."""

    def __init__(self) -> None:
        self._scores = array("d")
        self._usage = Usage()
        self._episodes = self._unsuitable = self._accepted = 0
        self._outcomes: Counter[str] = Counter()
        self._gaps, self._weak, self._strong, self._rounds = (array("d") for _ in range(4))

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self._episodes += 1
        self._unsuitable += episode.stopped == "unsuitable"
        self._usage += episode.usage
        self._outcomes.update(one.outcome.value for one in episode.rounds)
        value = score(episode)
        if value is None:
            return
        self._scores.append(value)
        self._rounds.append(len(episode.rounds))
        if (accepted := episode.accepted) is not None:
            self._accepted += 1
            self._weak.extend(map(float, accepted.grades("weak")))
            self._strong.extend(map(float, accepted.grades("strong")))
            if accepted.gap is not None:
                self._gaps.append(float(accepted.gap))

    def measurement(self) -> Measurement:
        """Summarize what was counted."""
        scored, usage = len(self._scores), self._usage
        return Measurement(
            episodes=self._episodes,
            failures=self._episodes - scored - self._unsuitable,
            unsuitable=self._unsuitable,
            gap=average(self._scores).value,
            acceptance=self._accepted / scored if scored else None,
            accepted_gap=_mean(self._gaps),
            weak=_mean(self._weak),
            strong=_mean(self._strong),
            rounds=_mean(self._rounds),
            calls=usage.calls,
            tokens=usage.tokens,
            tokens_per_accepted=usage.tokens / self._accepted if self._accepted else None,
            outcomes={one.value: self._outcomes.get(one.value, 0) for one in Outcome},
        )


def measured(episodes: Iterable[Episode]) -> Measurement:
    """Summarize episodes."""
    tally = Tally()
    for episode in episodes:
        tally.add(episode)
    return tally.measurement()


def score(episode: Episode) -> float | None:
    """Return an episode's contribution to the objective, in [-1, 1]; `None` if it has none."""
    return None if episode.score is None else float(episode.score)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
