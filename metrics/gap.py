"""The gap between two solvers' grades, and averages that do not count failures as zeros."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Score(NamedTuple):
    """A number and the sentence that explains it to the prompt proposer."""

    value: float
    """Finite; a gap lies in [-1, 1], a grade in [0, 1]."""
    feedback: str
    """What to do better; empty if there is nothing to say."""


class Average(NamedTuple):
    """A mean over what could be scored, and how much could not."""

    value: float | None
    """The mean of the scored entries; `None` if there are none."""
    scored: int
    """Entries in the mean."""
    skipped: int
    """Entries that were `None`: failures, which do not count as zero."""


def checked(name: str, grades: Sequence[Fraction]) -> Sequence[Fraction]:
    """Return `grades` if each is a Fraction in [0, 1]; there may be none.

    Raises:
        ValueError: If a grade has another type or range; the message starts with `name`.
    """
    for index, value in enumerate(grades):
        if not isinstance(value, Fraction):
            raise ValueError(f"{name}[{index}]={value!r:.60}: not a Fraction; use exact(...)")
        if not 0 <= value <= 1:
            raise ValueError(
                f"{name}[{index}]={value}: a grade lies in [0, 1]; divide by the points available"
            )
    return grades


def _some(name: str, grades: Sequence[Fraction]) -> Sequence[Fraction]:
    if len(grades) == 0:
        raise ValueError(f"{name}=[]: no attempts to average; raise `attempts` to at least 1")
    return checked(name, grades)


def mean(grades: Sequence[Fraction]) -> Fraction:
    """Average the grades of one solver's attempts, exactly.

    Args:
        grades: At least one grade, each in [0, 1].

    Returns:
        A value in [0, 1].

    Raises:
        ValueError: If there are no grades, or one is not a Fraction in [0, 1].
    """
    return sum(_some("grades", grades), Fraction(0)) / len(grades)


def best(grades: Sequence[Fraction]) -> Fraction:
    """Return the highest grade of one solver's attempts.

    Args:
        grades: At least one grade, each in [0, 1].

    Returns:
        A value in [0, 1].

    Raises:
        ValueError: If there are no grades, or one is not a Fraction in [0, 1].
    """
    return max(_some("grades", grades))


def gap(weak: Sequence[Fraction], strong: Sequence[Fraction]) -> Fraction:
    """Subtract the weak solver's mean grade from the strong solver's (arXiv 2606.25996, 3.1).

    Args:
        weak: The grades of the weak solver's attempts, each in [0, 1].
        strong: The same for the strong solver. The two may differ in length.

    Returns:
        A value in [-1, 1]; higher separates the solvers better.

    Raises:
        ValueError: If a solver has no attempts, or a grade is not a Fraction in [0, 1].
    """
    return mean(_some("strong", strong)) - mean(_some("weak", weak))


def average(scores: Sequence[Score | float | None]) -> Average:
    """Average the scored entries; `None` entries are failures and do not count as zero.

    Args:
        scores: Scores or plain finite numbers, `None` where scoring failed. May be empty.

    Returns:
        The mean, in the unit of the scores, with the counts of scored and skipped entries.

    Raises:
        ValueError: If a score is not finite.
    """
    values = [float(s.value if isinstance(s, Score) else s) for s in scores if s is not None]
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"score {value}: must be finite; pass None for what failed to score")
    value = math.fsum(values) / len(values) if values else None
    return Average(value, len(values), len(scores) - len(values))
