"""Which of the trials wins: the leaders are measured again and again before one is chosen."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..metrics import average
from ..programs import Document, Episode
from .measurement import Measurement, measured, score
from .objective import Objective
from .trial import Trial, refuse_outage


@dataclass(frozen=True)
class Finalist:
    """A trial in the race, with what its fresh measurements gave."""

    trial: Trial
    rounds: list[list[Episode]] = field(default_factory=list[list[Episode]])
    """The fresh episodes, round by round, as long as it was in the race."""

    @property
    def fresh(self) -> Measurement:
        """All fresh measurements as one. No search has seen them."""
        return measured([episode for one in self.rounds for episode in one])

    @property
    def overall(self) -> float:
        """Average over all measurements, the one that made it a leader included; in [-1, 1]."""
        everything = [self.trial.episodes, *self.rounds]
        return average([score(one) for part in everything for one in part]).value or 0.0


@dataclass(frozen=True)
class Choice:
    """The winner, and how it came to be chosen."""

    winner: Trial
    again: Measurement
    """The winner's fresh measurements, all rounds together."""
    races: tuple[Finalist, ...]
    """The baseline first, then the leaders from the best trial down."""


def choose(
    trials: Sequence[Trial],
    objective: Objective,
    validation: Sequence[Document],
    *,
    finalists: int,
) -> Choice:
    """Choose a winner by measuring the leaders again, round by round, with fresh answers.

    The best of many noisy values is too good to be true. So the `finalists` best candidates are
    measured once more on all documents, the better half of them once more, and so on until one is
    left. The baseline is measured in every round, and meets the one that is left.

    The leaders are compared by all their measurements: the first was too kind to each of them
    alike. The baseline is compared with the last of them by fresh measurements alone, as nobody
    picked it for its first. A tie goes to the earlier trial (docs/winners.md).

    Args:
        trials: The search's trials, the baseline first.
        objective: Measures; an episode that it has kept is not run again.
        validation: The documents that the trials were measured on.
        finalists: Leaders to begin with, at least 1; fewer if there are not so many.

    Raises:
        RuntimeError: If the models do not answer: no winner is chosen by an outage.
    """
    baseline = Finalist(trials[0])
    left = [Finalist(trial) for trial in _leaders(trials, finalists)]
    races = (baseline, *left)
    for number in itertools.count(1):
        for one in (baseline, *left):
            one.rounds.append(_again(one.trial, objective, validation, number))
        ranked = sorted(left, key=lambda one: (-one.overall, one.trial.number))
        left = ranked[: _kept(len(left))]
        if len(left) < 2:
            break
    # A program that could not be scored at all has no value, not that of 0.
    scored = [one for one in (baseline, *left) if one.fresh.gap is not None] or [baseline]
    last = max(scored, key=lambda one: (one.fresh.gap or 0.0, -one.trial.number))
    return Choice(last.trial, last.fresh, races)


def fresh_episodes(finalists: int, documents: int) -> int:
    """Return how many episodes `choose` runs at most.

    Args:
        finalists: Leaders to begin with, at least 1.
        documents: Validation documents.
    """
    passes = finalists + 1
    while finalists > 2:
        finalists = _kept(finalists)
        passes += finalists + 1
    return passes * documents


def _kept(leaders: int) -> int:
    """Return how many leaders a round leaves: the better half, rounded up."""
    return (leaders + 1) // 2


def _leaders(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return the best trials of different candidates, none of them the baseline's."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    ranked = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
    best: dict[str, Trial] = {}
    for trial in ranked:
        best.setdefault(trial.candidate.id, trial)
    best.pop(trials[0].candidate.id, None)
    return list(best.values())[:count]


def _again(
    trial: Trial, objective: Objective, validation: Sequence[Document], number: int
) -> list[Episode]:
    """Measure a candidate afresh. Under the name of its round it is never measured twice."""
    sample = "validation-again" if number == 1 else f"validation-again-{number}"
    episodes = objective.episodes(trial.candidate, validation, sample)
    again = Trial.ended(trial.number, trial.origin, trial.candidate, trial.params, episodes)
    if any(one.failure is not None and one.failure.kind == "infrastructure" for one in episodes):
        # Few may fail; but where most do, chance or the clock would choose.
        refuse_outage([again])
    return episodes
