"""The diagnostic packet: what the numbers of a round say, computed in code (paper, section 2.2)."""

from collections.abc import Sequence
from fractions import Fraction
from statistics import stdev
from typing import NamedTuple

from ....metrics import mean
from ...records import Attempt, CapabilityTask, Round
from .rules import same


class CriterionRow(NamedTuple):
    """How the attempts did on one criterion."""

    criterion: str
    weight: int
    capability: str
    weak: tuple[bool, ...]
    """For each judged weak attempt whether the criterion is true of it: of a negative criterion,
    whether the error was made."""
    strong: tuple[bool, ...]

    def passed(self, attempts: Sequence[bool]) -> int:
        """Count the attempts that earned the criterion, or avoided its error."""
        return sum(one == (self.weight > 0) for one in attempts)


class CapabilityRow(NamedTuple):
    """How the attempts did on one capability: the mean share of its criteria that they passed."""

    capability: str
    criteria: int
    weak: Fraction | None
    """In [0, 1]; `None` without a criterion or a judged attempt."""
    strong: Fraction | None

    @property
    def gap(self) -> Fraction | None:
        """Strong minus weak, in [-1, 1]."""
        return None if self.weak is None or self.strong is None else self.strong - self.weak


class Packet(NamedTuple):
    """A round in numbers."""

    weak: tuple[Fraction, ...]
    """Grades of the weak attempts, in order; attempts that could not be scored are left out."""
    strong: tuple[Fraction, ...]
    criteria: tuple[CriterionRow, ...]
    capabilities: tuple[CapabilityRow, ...]
    """Primary ones first, then secondary ones, as the task names them."""
    spread: float
    """Of the weak grades; see `spread`."""
    length: int
    """Characters of the question."""


def spread(grades: Sequence[Fraction]) -> float:
    """Return the standard deviation of some attempts' grades, in [0, 0.71].

    It is that of a sample (n - 1), as the paper does not say which; 0 for fewer than two grades.
    """
    return float(stdev(grades)) if len(grades) > 1 else 0.0


def packet(closed: Round, task: CapabilityTask) -> Packet:
    """Compute the packet of a round in which `task` was tried."""
    weak, strong = _judged(closed.weak, task), _judged(closed.strong, task)
    rows = tuple(
        CriterionRow(
            item.criterion,
            item.weight,
            item.capability,
            tuple(attempt.satisfied[i] for attempt in weak),
            tuple(attempt.satisfied[i] for attempt in strong),
        )
        for i, item in enumerate(task.rubric)
    )
    named = (*task.capabilities.primary, *task.capabilities.secondary)
    return Packet(
        weak=tuple(closed.grades("weak")),
        strong=tuple(closed.grades("strong")),
        criteria=rows,
        capabilities=tuple(_capability(name, rows) for name in named),
        spread=spread(closed.grades("weak")),
        length=len(task.question),
    )


def _judged(attempts: Sequence[Attempt], task: CapabilityTask) -> list[Attempt]:
    """Return the attempts with a verdict on every criterion; one that was cut off has none."""
    return [one for one in attempts if len(one.satisfied) == len(task.rubric)]


def _capability(name: str, rows: Sequence[CriterionRow]) -> CapabilityRow:
    own = [row for row in rows if same(row.capability) == same(name)]
    return CapabilityRow(
        name,
        len(own),
        _share([Fraction(row.passed(row.weak), len(row.weak)) for row in own if row.weak]),
        _share([Fraction(row.passed(row.strong), len(row.strong)) for row in own if row.strong]),
    )


def _share(shares: Sequence[Fraction]) -> Fraction | None:
    return mean(shares) if shares else None
