"""Equations and inequalities: whether two conditions hold for the same values."""

from typing import Any

from .line import holds, same_condition
from .numbers import is_real, near, number, points, same_value

_PLACES = 300
"""Where conditions about several variables are compared."""


def same_truth(one: Any, two: Any) -> bool | None:
    """Compare conditions: by their form, by their solutions, at last at many places."""
    import sympy

    if one == two:
        return True
    if isinstance(one, sympy.Eq) and isinstance(two, sympy.Eq):
        verdict = _same_equation(one, two)
        if verdict is not None:
            return verdict
    if _same_atoms(one, two):
        return True
    symbols = sorted(one.free_symbols | two.free_symbols, key=str)
    if len(symbols) == 1:
        return same_condition(one, two, symbols[0])
    if len(one.free_symbols) == len(two.free_symbols) == 1:
        return False
    if one.atoms(sympy.Eq) or two.atoms(sympy.Eq):
        return _same_solutions(one, two)
    for at in points(symbols, _PLACES):
        if holds(one, at) != holds(two, at):
            return False
    return None


def definition(condition: Any) -> tuple[Any, Any] | None:
    """Return the two sides of `x = ...` or `f(x) = ...`, the name first."""
    import sympy
    from sympy.core.function import AppliedUndef

    if not isinstance(condition, sympy.Eq):
        return None
    for name, value in ((condition.lhs, condition.rhs), (condition.rhs, condition.lhs)):
        if isinstance(name, AppliedUndef | sympy.Symbol) and not value.has(name):
            return name, value
    return None


def _same_equation(one: Any, two: Any) -> bool | None:
    """Compare two equations: up to a factor, as definitions, as polynomials."""
    import sympy

    first, second = definition(one), definition(two)
    if first and second:
        calls = not (first[0].is_Symbol and second[0].is_Symbol)
        if first[0] == second[0] or calls:
            return same_value(first[1], second[1])
    left, right = _gap(one), _gap(two)
    if _factor(left, right) is not None:
        return True
    numerators = [sympy.fraction(sympy.together(side))[0] for side in (left, right)]
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if not symbols or not all(side.is_polynomial(*symbols) for side in numerators):
        return None
    parts = [sympy.Poly(side, *symbols).sqf_part() for side in numerators]
    if len(symbols) == 1 and any(sympy.real_roots(part) for part in parts):
        # Their real solutions decide; without any, x^2 = -1 is still not x^2 = -4.
        return None
    return bool(_factor(parts[0].as_expr(), parts[1].as_expr()) is not None)


def _gap(relation: Any) -> Any:
    return relation.lhs - relation.rhs


def _factor(one: Any, two: Any) -> Any:
    """Return the constant, not 0, that one expression is of another; `None` if it is not."""
    symbols = sorted(one.free_symbols | two.free_symbols, key=str)
    ratio, agreed = None, 0
    for at in points(symbols, 24):
        left, right = number(one, at), number(two, at)
        if left is None or right is None or not (is_real(left) and is_real(right)):
            continue
        if left == 0 or right == 0:
            if left != right:
                return None
            continue
        if ratio is not None and not near(left / right, ratio):
            return None
        ratio, agreed = left / right, agreed + 1
    return ratio if agreed >= 4 else None


def _same_atoms(one: Any, two: Any) -> bool:
    """Tell whether two conditions have the same relations, each up to a positive factor."""
    import sympy

    if isinstance(one, sympy.And | sympy.Or) or isinstance(two, sympy.And | sympy.Or):
        if type(one) is not type(two) or len(one.args) != len(two.args):
            return False
        rest = list(two.args)
        for part in one.args:
            match = next((other for other in rest if _same_atoms(part, other)), None)
            if match is None:
                return False
            rest.remove(match)
        return True
    if one == two:
        return True
    first, second = _downward(one), _downward(two)
    if first is None or second is None or first[0] != second[0]:
        return False
    factor = _factor(first[1], second[1])
    return factor is not None and (first[0] in ("Eq", "Ne") or bool(factor > 0))


def _downward(relation: Any) -> tuple[str, Any] | None:
    """Return `a > b` as b - a < 0: the kind of relation and its left side."""
    import sympy

    if isinstance(relation, sympy.Gt | sympy.Ge):
        return ("Lt" if isinstance(relation, sympy.Gt) else "Le"), -_gap(relation)
    for name in ("Lt", "Le", "Eq", "Ne"):
        if isinstance(relation, getattr(sympy, name)):
            return name, _gap(relation)
    return None


def _same_solutions(one: Any, two: Any) -> bool | None:
    """Compare two systems of equations by their solutions, if there are finitely many."""
    import sympy

    symbols = sorted(one.free_symbols | two.free_symbols, key=str)
    found = []
    for system in (one, two):
        equations = system.args if isinstance(system, sympy.And) else (system,)
        if not all(isinstance(equation, sympy.Eq) for equation in equations):
            return None
        solutions = sympy.solve(equations, symbols, dict=True)
        if not solutions or any(len(one) < len(symbols) for one in solutions):
            return None
        found.append([[solution[symbol] for symbol in symbols] for solution in solutions])
    return all(
        any(all(same_value(*pair) for pair in zip(values, other, strict=True)) for other in right)
        for left, right in (found, found[::-1])
        for values in left
    )
