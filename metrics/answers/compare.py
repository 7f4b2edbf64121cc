"""Whether two answers that were read are the same."""

import itertools
from typing import Any

from .forms import (
    Cases,
    Form,
    Grid,
    Items,
    Row,
    Truth,
    Value,
    about_point,
    point,
)
from .latex import UnreadableError
from .line import same_condition, same_pieces
from .numbers import UndecidedError, has_kinks, same_value
from .relations import definition, same_truth
from .units import same_amount


def same(one: Form, two: Form) -> bool | None:
    """Compare two answers.

    Returns:
        `None` if it cannot be told.
    """
    one, two = _unnamed(one, two), _unnamed(two, one)
    if isinstance(one, Value) and isinstance(two, Value):
        one, two = _without_unit(one, two), _without_unit(two, one)
        return same_amount(one.value, one.unit, two.value, two.unit, _same_expression)
    if isinstance(one, Grid | Row) and isinstance(two, Grid | Row):
        return _same_in_order(one, two)
    if isinstance(one, Items) and isinstance(two, Items):
        return _same_items(one, two)
    if isinstance(one, Truth) and isinstance(two, Truth):
        return same_truth(one.condition, two.condition)
    if isinstance(one, Cases) or isinstance(two, Cases):
        return _same_cases(one, two)
    if isinstance(one, Grid) or isinstance(two, Grid):
        return False if isinstance(one, Value) or isinstance(two, Value) else None
    for row, items in ((one, two), (two, one)):
        if isinstance(row, Row) and isinstance(items, Items) and not items.braces:
            return _all(
                itertools.starmap(same, zip(row.items, items.items, strict=False)), row, items
            )
    return _same_sets(one, two)


def _unnamed(form: Form, other: Form) -> Form:
    """Return the value of `x = 5` or `f(x) = 2x` if the other answer is a value."""
    if isinstance(form, Items) and len(form.items) == 1 and isinstance(other, Value | Truth):
        form = form.items[0]
    if isinstance(form, Truth) and isinstance(other, Value | Cases):
        sides = definition(form.condition)
        return Value(sides[1]) if sides else form
    if isinstance(form, Truth) and isinstance(other, Items):
        return _solutions(form)
    return form


def _solutions(form: Truth) -> Form:
    """Return `x = 1 or x = 2` as the values 1 and 2; anything else as it is."""
    import sympy

    if not isinstance(form.condition, sympy.Or):
        return form
    sides = [definition(part) for part in form.condition.args]
    if any(side is None for side in sides) or len({side[0] for side in sides if side}) > 1:
        return form
    return Items(tuple(Value(side[1]) for side in sides if side), braces=True)


def _without_unit(angle: Value, other: Value) -> Value:
    """Return what the other answer, which has no unit, may mean by this one's unit.

    Degrees are radians beside a multiple of pi; in `5 m` beside `5m` the unit is a variable.
    """
    import sympy

    if angle.unit.isalpha() and not other.unit and other.value.free_symbols:
        return Value(sympy.prod(sympy.Symbol(one, real=True) for one in angle.unit) * angle.value)
    if angle.unit in ("°", "degree", "deg") and not other.unit and other.value.has(sympy.pi):
        return Value(angle.value * sympy.pi / 180)
    return angle


def _same_expression(one: Any, two: Any, factor: Any) -> bool | None:
    if has_kinks(one, two):
        symbols = one.free_symbols | two.free_symbols
        if len(symbols) == 1 and factor == 1:
            import sympy

            try:
                return same_pieces(((one, sympy.true),), ((two, sympy.true),), symbols.pop())
            except UndecidedError:
                return same_value(one, two)
    return same_value(one, two, factor)


def _all(verdicts: Any, one: Any, two: Any) -> bool | None:
    """Join verdicts on the parts of two answers: all must be the same, and as many."""
    if len(one.items) != len(two.items):
        return False
    found = list(verdicts)
    return False if False in found else (None if None in found else True)


def _same_in_order(one: Grid | Row, two: Grid | Row) -> bool | None:
    if isinstance(one, Row) and isinstance(two, Row):
        if len(one.items) == 2 and (one.left, one.right) != (two.left, two.right):
            return False
        return _all(itertools.starmap(same, zip(one.items, two.items, strict=False)), one, two)
    first, second = _matrix(one, two), _matrix(two, one)
    if first.shape != second.shape:
        return False
    found = [same_value(left, right) for left, right in zip(first, second, strict=True)]
    return False if False in found else (None if None in found else True)


def _matrix(form: Grid | Row, other: Grid | Row) -> Any:
    """Return a matrix; a row of numbers is a column if the other one is."""
    import sympy

    if isinstance(form, Grid):
        return form.matrix
    cells = [item.value for item in form.items if isinstance(item, Value)]
    if len(cells) != len(form.items):
        raise UnreadableError("a vector has numbers")
    column = isinstance(other, Grid) and other.matrix.cols == 1
    return sympy.Matrix(cells) if column else sympy.Matrix([cells])


def _same_items(one: Items, two: Items) -> bool | None:
    """Compare two sets: each item has its like on the other side, whatever the order."""
    doubtful = False
    for left, right in ((one, two), (two, one)):
        for item in left.items:
            verdicts = [same(item, other) for other in right.items]
            if True not in verdicts:
                if None not in verdicts:
                    return False
                doubtful = True
    if not (one.braces or two.braces) and len(one.items) != len(two.items):
        return False
    return None if doubtful else True


def _same_cases(one: Form, two: Form) -> bool | None:
    import sympy

    pieces = [
        form.pieces if isinstance(form, Cases) else ((form.value, sympy.true),)
        for form in (one, two)
        if isinstance(form, Cases | Value)
    ]
    if len(pieces) < 2:
        return None
    symbols = set().union(*(cond.free_symbols for part in pieces for _, cond in part))
    if len(symbols) == 1:
        return same_pieces(pieces[0], pieces[1], symbols.pop())
    return None


def _same_sets(one: Form, two: Form) -> bool | None:
    """Compare sets of real numbers, however each of them is written."""
    if isinstance(one, Value) and isinstance(two, Value):
        raise UndecidedError("values are no sets")
    left, right = about_point(one), about_point(two)
    if (left.free_symbols | right.free_symbols) - {point()}:
        return same_truth(left, right)
    return same_condition(left, right, point())
