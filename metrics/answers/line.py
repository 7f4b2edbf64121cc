"""Conditions and piecewise functions of one variable, compared on every part of the real line."""

import itertools
from typing import Any

from .numbers import PRECISION, UndecidedError, is_real, number, same_value

Pieces = tuple[tuple[Any, Any], ...]
"""Expressions and the conditions they hold under; the first one that holds counts."""

_CLOSE = 10**-25
"""Edges and values nearer than this are the same: edges are known to 50 digits."""
_DEGREE = 40


def holds(condition: Any, at: dict[Any, Any]) -> bool:
    """Tell whether a condition is true at a place; it is not where its sides have no value."""
    import sympy
    from sympy.core.relational import Relational

    if condition in (sympy.true, sympy.false):
        return condition == sympy.true
    if isinstance(condition, sympy.And):
        return all(holds(part, at) for part in condition.args)
    if isinstance(condition, sympy.Or):
        return any(holds(part, at) for part in condition.args)
    if isinstance(condition, sympy.Not):
        return not holds(condition.args[0], at)
    if not isinstance(condition, Relational):
        raise UndecidedError(f"{type(condition).__name__} is no relation")
    gap = number(_gap(condition), at)
    if gap is None or not is_real(gap):
        return False
    gap = sympy.re(gap)
    sign = 0 if abs(gap) < _CLOSE else (1 if gap > 0 else -1)
    return sign in {
        sympy.Eq: (0,), sympy.Ne: (1, -1), sympy.Lt: (-1,), sympy.Le: (-1, 0), sympy.Gt: (1,),
        sympy.Ge: (1, 0),
    }[type(condition)]  # fmt: skip


def _gap(relation: Any) -> Any:
    return relation.lhs - relation.rhs


def same_condition(one: Any, two: Any, variable: Any) -> bool:
    """Compare two conditions about one variable: true for the same real numbers."""
    edges = _edges([one, two], variable)
    return all(
        holds(one, {variable: place}) == holds(two, {variable: place})
        for places in _parts(edges)
        for place in places[:1]
    )


def same_pieces(one: Pieces, two: Pieces, variable: Any) -> bool | None:
    """Compare two piecewise functions of one variable; other symbols may occur in the values."""
    parts = [part for pieces in (one, two) for piece in pieces for part in piece]
    verdicts = {
        _same_at(one, two, variable, place)
        for places in _parts(_edges(parts, variable))
        for place in places
    }
    return False if False in verdicts else (None if None in verdicts else True)


def _same_at(one: Pieces, two: Pieces, variable: Any, place: Any) -> bool | None:
    at = {variable: place}
    left, right = (
        next((value for value, condition in pieces if holds(condition, at)), None)
        for pieces in (one, two)
    )
    if left is None or right is None:
        return left is None and right is None
    first, second = left.xreplace(at), right.xreplace(at)
    if not (first.free_symbols | second.free_symbols):
        values = number(first, {}), number(second, {})
        if None in values:
            return values[0] is None and values[1] is None
        return bool(abs(values[0] - values[1]) <= _CLOSE * max(1, abs(values[0])))
    return same_value(first, second)


def _parts(edges: list[Any]) -> list[list[Any]]:
    """Return places on each part of the line: one on each edge, several between and outside."""
    import sympy

    if not edges:
        return [[sympy.Rational(one, 7) for one in (-7007, -12, -1, 0, 3, 16, 7008)]]
    parts = [[edge] for edge in edges]
    for low, high in itertools.pairwise(edges):
        parts.append([low + (high - low) * sympy.Rational(k, 17) for k in (8, 1, 5, 12, 16)])
    steps = [sympy.Rational(k, 7) for k in (9, 1, 40, 701, 7001)]
    return [
        *parts,
        [edges[0] - step for step in steps],
        [edges[-1] + step for step in steps],
    ]


def _edges(parts: list[Any], variable: Any) -> list[Any]:
    """Return where a condition or the form of an expression may change, in order."""
    import sympy
    from sympy.core.relational import Relational

    found: list[Any] = []
    for part in parts:
        for relation in part.atoms(Relational):
            if relation.free_symbols - {variable}:
                raise UndecidedError("a condition about more than one variable")
            found += _zeros(_gap(relation), variable)
        found += _kinks(part, variable)
    places: list[Any] = []
    for edge in sorted(found, key=lambda one: one.evalf(PRECISION)):
        if not places or edge - places[-1] > _CLOSE:
            places.append(edge)
    if any(one in (sympy.oo, -sympy.oo, sympy.nan) for one in places):
        raise UndecidedError("an edge without a place")
    return places


def _kinks(part: Any, variable: Any) -> list[Any]:
    """Return where Abs, Max, roots, logarithms and quotients inside a part change."""
    import sympy

    found: list[Any] = []
    for node in sympy.preorder_traversal(part):
        if not node.has(variable):
            continue
        if isinstance(node, sympy.floor | sympy.ceiling | sympy.Mod | sympy.tan | sympy.cot):
            raise UndecidedError("infinitely many edges")
        if isinstance(node, sympy.Abs | sympy.sign | sympy.Heaviside | sympy.log):
            found += _zeros(node.args[0], variable)
        elif isinstance(node, sympy.Max | sympy.Min):
            pairs: Any = itertools.combinations(node.args, 2)
            found += [edge for one, two in pairs for edge in _zeros(one - two, variable)]
        elif isinstance(node, sympy.Pow) and not (node.exp.is_Integer and node.exp.is_nonnegative):
            found += _zeros(node.base, variable) if node.base.has(variable) else []
    return found


def _zeros(expression: Any, variable: Any) -> list[Any]:
    """Return the real zeros and poles of an expression, as rational numbers to 50 digits."""
    import sympy

    found: set[Any] = set()
    for part in sympy.fraction(sympy.together(expression)):
        if not part.has(variable):
            continue
        polynomial = part.as_poly(variable)
        if polynomial is not None and polynomial.degree() > _DEGREE:
            raise UndecidedError("a polynomial of too high a degree")
        if polynomial is not None and polynomial.domain in (sympy.ZZ, sympy.QQ):
            found |= set(sympy.real_roots(polynomial, multiple=True))
            continue
        solutions = sympy.solveset(part, variable, sympy.Reals)
        if not isinstance(solutions, sympy.FiniteSet | type(sympy.S.EmptySet)):
            raise UndecidedError("zeros that cannot be listed")
        found |= set(solutions.args)
    return [root if root.is_Rational else sympy.Rational(str(root.evalf(60))) for root in found]
