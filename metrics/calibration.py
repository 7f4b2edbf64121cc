"""A gate for a pair of solvers: thresholds from the grades that single shots get.

The paper's thresholds belong to its models. Public reproductions found that under them other pairs
accept nothing, or nearly everything.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from .acceptance import decide
from .exact import Exact
from .gap import checked, mean
from .gates import GATES, Bound, Gate

CALIBRATED = "calibrated"
"""What a gate of measured numbers is called."""
FEWEST = 4
"""Tasks that a quartile needs at least."""
WEAK_LIMITS = (Fraction(25, 100), Fraction(95, 100))
"""Least and greatest limit on the weak mean: no gate of the paper asks for less than 1/4."""
STRONG_LIMITS = (Fraction(5, 100), Fraction(75, 100))
"""Least and greatest limit on the strong mean: no gate of the paper asks for more than 3/4."""
GAP_LIMITS = (Fraction(5, 100), Fraction(50, 100))
"""Least and greatest limit on the gap: scientific tasks separate the means by 1/2."""
QUARTILE, HALF = Fraction(1, 4), Fraction(1, 2)
Z = Fraction(1645, 1000)
"""Equal solvers differ by more than this many standard errors on one task in twenty."""


class Calibration(BaseModel):
    """A proposed gate, and what speaks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    gate: Gate
    """The proposal: bounds on the weak mean, the strong mean and the gap, all inclusive."""
    tasks: int
    """Tasks that it was made from."""
    reasons: tuple[str, ...]
    """How the numbers came about, a sentence each."""
    acceptance_now: dict[str, Exact]
    """Share of these tasks that the proposal and every preset accept, in [0, 1], by gate."""


class _Solver(NamedTuple):
    """What the tasks say of one solver, in the unit of the grades."""

    means: list[Fraction]
    """Mean of each task, ascending."""
    variance: Fraction
    """Of attempts at the same task."""
    error: Fraction
    """Variance of the mean of a task's attempts."""


def calibrate(
    weak: Sequence[Sequence[Fraction]],
    strong: Sequence[Sequence[Fraction]],
    *,
    name: str = CALIBRATED,
) -> Calibration:
    """Propose a gate from the grades of tasks that were written without a loop.

    The weak mean may be at most the lower quartile of the tasks' weak means, so that a loop has to
    beat three of four single shots. The strong mean must be at least the median of their strong
    means, less one standard error. The gap must be at least 1.645 standard errors of the difference
    of two means, which solvers that are equally good exceed on one task in twenty. The variance
    of attempts is pooled over the tasks; where no task has two attempts, the spread from task to
    task stands in for it, which can only raise the gap. Limits are rounded to percent so that
    the tasks that they come from keep them, and held within the range of the paper's gates.

    Args:
        weak: For each task the grades of the weak solver's attempts, each in [0, 1].
        strong: The same for the strong solver, in the same order of tasks.
        name: Name of the gate.

    Raises:
        ValueError: If there are fewer than 4 tasks, the numbers of tasks differ, a task has no
            attempt of a solver, or a grade is not a Fraction in [0, 1].
    """
    _check(weak, strong)
    low, high = _solver(weak), _solver(strong)
    gap = _held(_root_up(Z**2 * (low.error + high.error)), GAP_LIMITS)
    least = (max(STRONG_LIMITS[0], gap), STRONG_LIMITS[1])
    weak_max = _held(_up(quantile(low.means, QUARTILE)), WEAK_LIMITS)
    strong_min = _held(_down(quantile(high.means, HALF) - _root_up(high.error)), least)
    gate = Gate(
        name=name,
        weak_mean_max=Bound(limit=weak_max),
        strong_mean_min=Bound(limit=strong_min),
        gap_min=Bound(limit=gap),
    )
    shares = {one.name: _share(one, weak, strong) for one in (gate, *GATES.values())}
    reasons = (
        f"{len(weak)} tasks, {_attempts(weak)} weak and {_attempts(strong)} strong attempts each",
        _about_weak(low, weak_max),
        _about_strong(high, strong_min),
        _about_gap(low, high, gap),
        *_cautions(shares[name], low, high),
    )
    return Calibration(gate=gate, tasks=len(weak), reasons=reasons, acceptance_now=shares)


def quantile(values: Sequence[Fraction], share: Fraction) -> Fraction:
    """Return the value below which a share of the values lies, between two by straight line.

    Args:
        values: At least one, ascending.
        share: In [0, 1]; 1/2 is the median.
    """
    place = share * (len(values) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _check(weak: Sequence[Sequence[Fraction]], strong: Sequence[Sequence[Fraction]]) -> None:
    if len(weak) != len(strong):
        raise ValueError(
            f"{len(weak)} weak and {len(strong)} strong tasks: give the grades of both solvers for "
            "every task"
        )
    if len(weak) < FEWEST:
        raise ValueError(
            f"{len(weak)} tasks: a quartile needs at least {FEWEST}; probe more documents"
        )
    for solver, tasks in (("weak", weak), ("strong", strong)):
        for index, grades in enumerate(tasks):
            if not checked(f"{solver}[{index}]", grades):
                raise ValueError(f"{solver}[{index}]=[]: no attempts; leave the task out")


def _solver(tasks: Sequence[Sequence[Fraction]]) -> _Solver:
    """Pool the attempts of all tasks."""
    means = sorted(mean(grades) for grades in tasks)
    freedom = sum(len(grades) - 1 for grades in tasks)
    if freedom:
        off = sum((_squares(grades) for grades in tasks), Fraction(0))
        variance = off / freedom
    else:
        variance = _squares(means) / (len(means) - 1)
    error = variance * mean([Fraction(1, len(grades)) for grades in tasks])
    return _Solver(means, variance, error)


def _squares(values: Sequence[Fraction]) -> Fraction:
    middle = mean(values)
    return sum(((value - middle) ** 2 for value in values), Fraction(0))


def _up(value: Fraction) -> Fraction:
    return Fraction(math.ceil(100 * value), 100)


def _down(value: Fraction) -> Fraction:
    return Fraction(math.floor(100 * value), 100)


def _root_up(square: Fraction) -> Fraction:
    """Return the square root, rounded up to percent without a detour through floats."""
    whole = math.ceil(10_000 * square)
    return Fraction(math.isqrt(whole - 1) + 1 if whole else 0, 100)


def _held(value: Fraction, limits: tuple[Fraction, Fraction]) -> Fraction:
    return min(max(value, limits[0]), limits[1])


def _share(
    gate: Gate, weak: Sequence[Sequence[Fraction]], strong: Sequence[Sequence[Fraction]]
) -> Fraction:
    verdicts = [decide(gate, w, s) for w, s in zip(weak, strong, strict=True)]
    return Fraction(sum(verdict.accepted for verdict in verdicts), len(verdicts))


def _attempts(tasks: Sequence[Sequence[Fraction]]) -> str:
    few, many = min(map(len, tasks)), max(map(len, tasks))
    return str(few) if few == many else f"{few} to {many}"


def _about_weak(low: _Solver, limit: Fraction) -> str:
    found = quantile(low.means, QUARTILE)
    return (
        f"weak means from {_two(low.means[0])} to {_two(low.means[-1])}, median "
        f"{_two(quantile(low.means, HALF))}, lower quartile {_two(found)}: a loop must beat three "
        f"of four single shots, so weak mean at most {_two(limit)}{_why(_up(found), limit)}"
    )


def _about_strong(high: _Solver, limit: Fraction) -> str:
    middle, noise = quantile(high.means, HALF), _root_up(high.error)
    return (
        f"strong means from {_two(high.means[0])} to {_two(high.means[-1])}, median "
        f"{_two(middle)}, less a standard error of {_two(noise)}: what it solves today it must "
        f"still solve, so strong mean at least {_two(limit)}{_why(_down(middle - noise), limit)}"
    )


def _about_gap(low: _Solver, high: _Solver, limit: Fraction) -> str:
    found = _root_up(Z**2 * (low.error + high.error))
    return (
        f"attempts at one task vary by {math.sqrt(low.variance):.2f} (weak) and "
        f"{math.sqrt(high.variance):.2f} (strong): equal solvers differ by more than {_two(found)} "
        f"on one task in twenty, so gap at least {_two(limit)}{_why(found, limit)}"
    )


def _why(found: Fraction, limit: Fraction) -> str:
    if found == limit:
        return ""
    return f" (not {_two(found)}: held within what the paper's gates ask)"


def _cautions(share: Fraction, low: _Solver, high: _Solver) -> list[str]:
    """Say what the numbers alone do not show."""
    found = []
    if share == 0:
        found.append(
            "none of these tasks would pass: the loop has to find all of them, so allow it rounds"
        )
    if share > HALF:
        found.append(
            f"{float(share):.0%} of these tasks pass already: single shots separate this pair, and "
            "a loop has little to add"
        )
    if quantile(high.means, HALF) <= quantile(low.means, HALF):
        found.append(
            "in the median the strong solver is no better than the weak one: if the loop does not "
            "change that, choose solvers further apart"
        )
    return found


def _two(value: Fraction) -> str:
    return f"{float(value):.2f}"
