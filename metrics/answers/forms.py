"""What an answer is: a value, an amount, conditions, a set of reals, a list, a matrix, cases."""

from dataclasses import dataclass
from typing import Any

from .latex import UnreadableError


@dataclass(frozen=True)
class Value:
    """One number or expression, with a unit or without one."""

    value: Any
    unit: str = ""


@dataclass(frozen=True)
class Truth:
    """Equations and inequalities between variables, as a sympy Boolean."""

    condition: Any


@dataclass(frozen=True)
class Region:
    """A set of real numbers, as a sympy Boolean about the symbol `point()`."""

    condition: Any


@dataclass(frozen=True)
class Row:
    """Items in order, in the brackets they were written in: a tuple, a list, an interval."""

    items: tuple["Form", ...]
    left: str
    right: str


@dataclass(frozen=True)
class Items:
    """Items in any order: a finite set, or values with commas between them."""

    items: tuple["Form", ...]
    braces: bool


@dataclass(frozen=True)
class Grid:
    """A matrix."""

    matrix: Any


@dataclass(frozen=True)
class Cases:
    """A piecewise function: expressions and the conditions they hold under, first one first."""

    pieces: tuple[tuple[Any, Any], ...]


Form = Value | Truth | Region | Row | Items | Grid | Cases


def point() -> Any:
    """Return the symbol that a `Region` is about."""
    import sympy

    return sympy.Symbol("point in a set", real=True)


def joined(forms: list[Form], word: str) -> Form:
    """Join answers by "or", "and" or a comma: conditions logically, values as items."""
    import sympy

    first = forms[0]
    name = _single(first.condition) if isinstance(first, Truth) else None
    if name is not None and all(isinstance(form, Value) and not form.unit for form in forms[1:]):
        # "x = 1 or 2", "x = 1, 2": the later ones are values of the same variable.
        values = [form.value for form in forms[1:] if isinstance(form, Value)]
        forms = [first, *(Truth(sympy.Eq(name, value, evaluate=False)) for value in values)]
    if all(isinstance(form, Truth) for form in forms):
        conditions = [form.condition for form in forms if isinstance(form, Truth)]
        names = [_single(condition) for condition in conditions]
        either = word == "or" or (word == "," and names[0] is not None and len(set(names)) == 1)
        return Truth((sympy.Or if either else sympy.And)(*conditions))
    if word != "," and all(isinstance(form, Row | Region) for form in forms):
        return Region((sympy.Or if word == "or" else sympy.And)(*map(about_point, forms)))
    return Items(tuple(forms), braces=False)


def _single(condition: Any) -> Any:
    """Return the variable of `x = value`, or nothing."""
    import sympy

    if isinstance(condition, sympy.Eq) and condition.lhs.is_Symbol:
        return condition.lhs
    return None


def about_point(form: Form) -> Any:
    """Return an answer as a condition about `point()`.

    Raises:
        UnreadableError: If it is no set of real numbers.
    """
    import sympy

    at = point()
    if isinstance(form, Region):
        return form.condition
    if isinstance(form, Row) and len(form.items) == 2:
        low, high = form.items
        if isinstance(low, Value) and isinstance(high, Value):
            return sympy.And(
                _bound(low.value, at, form.left == "["), _bound(at, high.value, form.right == "]")
            )
    if isinstance(form, Value) and not form.unit and form.value.is_extended_real is not False:
        return sympy.Eq(at, form.value)
    if isinstance(form, Items):
        return sympy.Or(*map(about_point, form.items))
    if isinstance(form, Truth) and form.condition in (sympy.true, sympy.false):
        return form.condition
    if isinstance(form, Truth) and len(form.condition.free_symbols) == 1:
        return form.condition.xreplace({form.condition.free_symbols.pop(): at})
    raise UnreadableError("not a set of real numbers")


def _bound(low: Any, high: Any, closed: bool) -> Any:
    import sympy

    if low == -sympy.oo or high == sympy.oo:
        return sympy.true
    return sympy.Le(low, high) if closed else sympy.Lt(low, high)
