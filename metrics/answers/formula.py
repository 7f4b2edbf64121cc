"""One formula, plain or LaTeX, read by latex2sympy as a sympy expression.

Only text that `rewrite` has put together from known tokens reaches that parser, which builds
sympy objects from a grammar and evaluates no Python.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import Any

from .latex import UnreadableError, rewrite

_FUNCTION_LETTERS = frozenset("fghuvwyFGHP") | {"phi", "psi", "varphi", "\\phi", "\\psi"}
_natural = False


@contextmanager
def natural_logarithms() -> Iterator[None]:
    """Read logarithms without a base as natural ones in this block, not as those of base 10."""
    global _natural
    _natural = True
    try:
        yield
    finally:
        _natural = False


def formula(text: str) -> Any:
    r"""Read one formula.

    Args:
        text: A formula without a relation, such as `2x^2`, `\frac{1}{2}\sin x` or `sqrt(2)/2`.

    Returns:
        A sympy expression with exact numbers and real symbols.

    Raises:
        UnreadableError: If it cannot be read.
    """
    return _parse(rewrite(text), _natural)


@lru_cache(maxsize=512)
def _parse(latex: str, natural: bool) -> Any:
    if natural:
        latex = re.sub(r"\\log(?!\s*_)", r"\\ln", latex)
    try:
        converter = _converter()
        parser = converter.create_parser(latex)
        tree = parser.expr()
        end: Any = parser.getCurrentToken()
        if end.type != -1:
            raise UnreadableError("more than one formula")
        return _exact(converter.convert_expr(tree))
    except Exception as error:
        # The parser raises bare exceptions, and sympy whatever a strange formula leads to.
        raise UnreadableError(
            f"{latex!r:.60}: no formula that can be read: {error!r:.60}"
        ) from error


def _converter() -> Any:
    """Return the library's converter, with exact numbers."""
    import sympy
    from latex2sympy2_extended import latex2sympy2 as library

    class Converter(library._Latex2Sympy):  # pyright: ignore[reportPrivateUsage]
        # The public function tries sets and intervals first, and so takes twice as long for each
        # pair of brackets inside another: ten pairs take seconds.

        def parse_number(self, text: str) -> Any:
            # The library's own method gives the text to `sympify`, which evaluates it as Python.
            value = Fraction(text.replace(",", ""))
            return sympy.Rational(value.numerator, value.denominator)

    return Converter(is_real=True, config=library.ConversionConfig(lowercase_symbols=False))


def _exact(found: Any) -> Any:
    """Make numbers exact, `i` the imaginary unit, and products of what is no function."""
    import sympy

    if not isinstance(found, sympy.Expr):
        raise UnreadableError("not a single expression")
    if found.has(sympy.nan, sympy.zoo):
        raise UnreadableError("not a value")
    floats = {one: sympy.Rational(str(one)) for one in found.atoms(sympy.Float)}
    found = found.xreplace(floats)
    names = {str(symbol): symbol for symbol in found.free_symbols}
    if "i" in names and not {"j", "k"} & set(names) and not found.has(sympy.Sum, sympy.Product):
        found = found.xreplace({names["i"]: sympy.I})
    for call in found.atoms(sympy.core.function.AppliedUndef):
        if call.func.__name__ not in _FUNCTION_LETTERS and len(call.args) == 1:
            factor = sympy.Symbol(call.func.__name__.lstrip("\\"), real=True)
            found = found.xreplace({call: factor * call.args[0]})
    for one in found.atoms(sympy.Derivative):
        if not one.expr.has(sympy.core.function.AppliedUndef) and one.expr.is_Symbol:
            found = found.xreplace(
                {one: sympy.Symbol(f"d{one.expr}/d{one.variables[0]}", real=True)}
            )
    found = found.replace(sympy.UnevaluatedExpr, lambda inside: inside).doit()
    if not isinstance(found, sympy.Expr) or found.has(sympy.nan, sympy.zoo):
        raise UnreadableError("not a value")
    if found.has(sympy.oo, -sympy.oo) and found not in (sympy.oo, -sympy.oo):
        raise UnreadableError("infinity is no number to calculate with")
    return found
