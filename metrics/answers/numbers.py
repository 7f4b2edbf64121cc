"""Whether two sympy expressions are the same: constants to 50 digits, functions at many points.

Two functions that agree to 30 digits at eight unrelated points, and have no kinks, are taken as
the same. That is quicker than a proof, and it also finds what simplification cannot prove.
"""

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from .units import DIGITS, close, ends

PRECISION = 50
"""Digits of a value."""
_AGREE = 8
"""Points at which two functions must agree."""
_TRIES = 40
_NOISE = Fraction(1, 10**95)
"""What is smaller than this is what remains of 0 after rounding."""
_RELATIVE = Fraction(1, 10**30)


class UndecidedError(ValueError):
    """Whether two answers are the same cannot be found out."""


def points(symbols: list[Any], count: int) -> Iterator[dict[Any, Any]]:
    """Yield places for the symbols: fractions of both signs and several sizes, some integers."""
    import sympy

    generator = random.Random("points")
    for turn in range(count):
        at = {}
        for symbol in symbols:
            size = generator.choice((Fraction(1, 8), 1, 1, 10, 200))
            if turn % 4 == 3:
                at[symbol] = sympy.Integer(generator.randint(1, 30))
            else:
                over = Fraction(generator.randint(100, 999), generator.randint(300, 499)) * size
                sign = generator.choice((1, 1, -1))
                at[symbol] = sympy.Rational(sign * over.numerator, over.denominator)
        yield at


def number(expression: Any, at: dict[Any, Any]) -> Any:
    """Return the value at a place, real or complex; `None` where there is none."""
    found = expression.xreplace(at) if at else expression
    found = found if found.is_Rational else found.evalf(PRECISION)
    if not found.is_number:
        return None
    parts = found.as_real_imag()
    return found if all(part.is_Number and part.is_finite for part in parts) else None


def near(one: Any, two: Any) -> bool:
    """Tell whether two values agree to 30 digits."""
    gap = abs(one - two)
    return bool(gap <= _NOISE) or bool(gap <= _RELATIVE * max(abs(one), abs(two)))


def is_real(value: Any) -> bool:
    """Tell whether a value has no imaginary part but rounding's."""
    return bool(value.is_real) or bool(abs(value.as_real_imag()[1]) <= _NOISE)


def same_value(one: Any, two: Any, factor: Fraction = Fraction(1)) -> bool | None:
    """Compare two expressions, the first one times a factor.

    Returns:
        `None` if they have no values to compare.
    """
    import sympy

    one = one * sympy.Rational(factor.numerator, factor.denominator)
    if one == two:
        return True
    if one.is_infinite or two.is_infinite:
        return False
    plain = _without_calls(one, two)
    if plain != (one, two):
        # Nothing is known about f(2), so that it may be any number.
        return True if same_value(*plain) else None
    symbols = sorted(one.free_symbols | two.free_symbols, key=str)
    if not symbols:
        return _same_constant(one, two)
    imaginary = one.has(sympy.I) or two.has(sympy.I)
    agreed = 0
    for at in points(symbols, 20 * _TRIES if has_kinks(one, two) else _TRIES):
        left, right = number(one, at), number(two, at)
        if left is None or right is None:
            continue
        if not imaginary and not (is_real(left) and is_real(right)):
            continue
        if not near(left, right):
            return False
        agreed += 1
        if agreed == _AGREE * (20 if has_kinks(one, two) else 1):
            return True
    return True if agreed >= _AGREE / 2 else _proved(one, two)


def has_kinks(*expressions: Any) -> bool:
    """Tell whether agreement at some points says little about other points."""
    import sympy

    kinked = (
        sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.Max, sympy.Min, sympy.Mod,
        sympy.Piecewise, sympy.Heaviside,
    )  # fmt: skip
    return any(expression.has(*kinked) for expression in expressions)


def _without_calls(*expressions: Any) -> tuple[Any, ...]:
    """Replace f(x), derivatives and the like by symbols of their own."""
    import sympy
    from sympy.core.function import AppliedUndef

    unknown = set().union(
        *(one.atoms(AppliedUndef, sympy.Derivative, sympy.Integral) for one in expressions)
    )
    names = {one: sympy.Symbol(f"value of {one}", real=True) for one in unknown}
    return tuple(one.xreplace(names) for one in expressions)


def _same_constant(one: Any, two: Any) -> bool | None:
    if one.is_Rational and two.is_Rational:
        first, second = Fraction(one.p, one.q), Fraction(two.p, two.q)
        return close(first, second, ends(first) and one.q != 1, ends(second) and two.q != 1)
    left, right = number(one, {}), number(two, {})
    if left is None or right is None:
        return _proved(one, two)
    if near(left, right):
        return True
    for exact, other in ((one, two), (two, one)):
        decimal = exact.is_Rational and exact.q != 1 and ends(Fraction(exact.p, exact.q))
        if decimal and not other.is_Rational:
            return bool(abs(left - right) <= DIGITS * max(abs(left), abs(right)))
    return False


def _proved(one: Any, two: Any) -> bool | None:
    """Let math-verify simplify what has no value at any of our points."""
    import math_verify

    # Its own time limit is a signal, which only a main thread gets: ours is the worker's.
    return True if math_verify.verify(two, one, timeout_seconds=None) else None
