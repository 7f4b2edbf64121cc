r"""Final answers: taken from a solution, and compared with a reference as mathematics.

What counts as the same:

- Numbers exactly. A decimal also stands for a value that no decimal reaches, to six digits:
  0.333333 is 1/3, and 0.33 is not. Units on both sides are converted; a unit, a currency or a
  percent sign on one side only is ignored, except that 50 % is one half as well as 50.
- Expressions as functions of real variables, where both have real values.
- `x = 5` and 5; `f(x) = 2x`, `y = 2x` and 2x. Equations up to rearrangement and a factor other
  than 0, or with the same real solutions. `x = 1 or x = 2`, `x = 1, x = 2`, `1, 2` and {1, 2}.
- Inequalities, intervals, unions, set builders and membership as sets of real numbers: `x >= 1`,
  [1, oo) and `x \in [1, \infty)`; an end that is open is not one that is closed.
- Sets in any order; tuples, lists and matrices element by element, and a tuple as a vector.
- Piecewise functions, in LaTeX or as `x if x > 0, 0 otherwise`, on every part of the line.
- Plain words without regard to case, articles and punctuation. Whether two different phrases
  mean the same is left to a judge: `None`. Only yes and no, true and false are opposites.
- Functions with a name that the reader does not know, such as \Gamma(5), J_0(x) or erf(x), are
  left to a judge, unless both texts apply them in the same way.

Case matters in formulas: `A` is not `a`. Without a base, `log` is the one that makes both equal.
"""

import asyncio
import math
from typing import Final

from .pool import Pool, PoolError
from .text import MAX_LENGTH, ascii_math, clean, extract_answer, phrase, tidy
from .units import figure, same_figure

__all__ = ["SECONDS", "PoolError", "aequivalent", "equivalent", "extract_answer"]

SECONDS: Final = 5.0
"""Default limit of one comparison, in seconds of processor time. Nearly all take below 0.1."""

_OPPOSITES = ({"yes", "no"}, {"true", "false"})
_SETS = ("solution", "empty set", "real")
_pool = Pool()


def equivalent(answer: str, reference: str, *, seconds: float = SECONDS) -> bool | None:
    """Tell whether an answer is the same as a reference, in any notation of either.

    Neither text is ever evaluated as a program. What is more than equal text, plain numbers or
    words is compared in a process of its own, which is killed when the time is over.

    Args:
        answer: A final answer, as `extract_answer` returns it. At most 2,000 characters are read.
        reference: The answer that is right.
        seconds: Limit of processor time, above 0; by the clock, ten times as much.

    Returns:
        `True` or `False` if that can be told. `None` if one of the two cannot be read, if both
        are words that differ, or if time or memory did not suffice: then a judge must decide.

    Raises:
        PoolError: If the process that compares cannot be started.
        ValueError: If `seconds` is not a finite number above 0.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"seconds={seconds}: must be a finite number above 0; write 5")
    one, two = clean(answer), clean(reference)
    if not one or not two:
        return None
    if tidy(one) == tidy(two):
        return True
    if max(len(one), len(two)) > MAX_LENGTH:
        return None
    first, second = figure(ascii_math(one)), figure(ascii_math(two))
    if first and second:
        return same_figure(first, second)
    words, others = phrase(one), phrase(two)
    if words is not None and others is not None:
        if words == others:
            return True
        if {words, others} in _OPPOSITES:
            return False
        if not (_names_set(words) and _names_set(others)):
            return None
    return _pool.ask(one, two, seconds)


def _names_set(words: str) -> bool:
    return any(name in words for name in _SETS)


async def aequivalent(answer: str, reference: str, *, seconds: float = SECONDS) -> bool | None:
    """Do the same as `equivalent` without holding up the event loop."""
    return await asyncio.to_thread(equivalent, answer, reference, seconds=seconds)
