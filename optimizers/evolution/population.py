"""The population: candidates with all their scores, parents drawn by Boltzmann, and the gate."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import fmean

from pydantic import PositiveFloat, PositiveInt

from ...programs import Episode
from ...programs.records import Record
from ..candidate import Candidate


class Dynamics(Record):
    """The numbers of the evolution (paper, section 4, where it gives them)."""

    concurrency: PositiveInt = 2
    """Iterations whose parents are drawn together and whose edits are written at the same time. The
    paper runs several at once and does not say how many."""
    minibatch: PositiveInt = 4
    """Training documents that an iteration learns from; not given in the paper."""
    temperature: PositiveFloat = 0.1
    """T of the Boltzmann draw: a candidate that is T better is e times as likely a parent."""


@dataclass
class Individual:
    """A member of the population, or a child that wants to become one."""

    number: int
    """Of its trial."""
    candidate: Candidate
    scores: list[float] = field(default_factory=list[float])
    """One for every evaluation on the validation documents, each in [-1, 1]."""

    @property
    def average(self) -> float:
        """Average of all evaluations so far, in [-1, 1]."""
        return fmean(self.scores)


def boltzmann(averages: Sequence[float], temperature: float) -> list[float]:
    """Return the chance of each candidate to become the parent: p ~ exp(average / T).

    Args:
        averages: Finite scores, at least one.
        temperature: T, above 0; the smaller, the more the best is preferred.

    Returns:
        Probabilities that add up to 1, in the order of `averages`.
    """
    best = max(averages)
    weights = [math.exp((average - best) / temperature) for average in averages]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def drawn(
    population: Sequence[Individual], temperature: float, chance: random.Random
) -> Individual:
    """Draw a parent."""
    odds = boltzmann([one.average for one in population], temperature)
    return chance.choices(population, odds)[0]


def duel(parent: Sequence[Episode], child: Sequence[Episode]) -> tuple[Fraction, Fraction] | None:
    """Score parent and child on the documents of an evaluation that both were scored on.

    The averages are exact, so that a tie is a tie.

    Args:
        parent: Episodes of the parent.
        child: Episodes of the child on the same documents in the same order.

    Returns:
        Parent's and child's average, each in [-1, 1]; `None` if fewer than half of the suitable
        documents have a score of both, which is too little to tell the two apart.
    """
    both = [
        (one.score, other.score)
        for one, other in zip(parent, child, strict=True)
        if one.score is not None and other.score is not None
    ]
    suitable = sum(
        "unsuitable" not in (one.stopped, other.stopped)
        for one, other in zip(parent, child, strict=True)
    )
    if not both or 2 * len(both) < suitable:
        return None
    ours, theirs = zip(*both, strict=True)
    return sum(ours, Fraction(0)) / len(both), sum(theirs, Fraction(0)) / len(both)
