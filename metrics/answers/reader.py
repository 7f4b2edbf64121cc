"""Reads an answer, plain or LaTeX, as one of the forms."""

import re
from typing import Any

from .forms import Form, Items, Region, Row, Truth, Value, about_point, joined, point
from .formula import formula
from .latex import UnreadableError
from .shapes import Read, bracketed, cases, has_cases, matrix, plus_minus, split, value
from .text import ascii_math, clean, without_separators

_RELATION = re.compile(
    r"\\(?:le|leq|leqslant|ge|geq|geqslant|ne|neq|lt|gt|approx)(?![a-zA-Z])|<=|>=|=<|=>|!=|==|:=|[<>=]"
)
_SIGNS = {
    "le": "<=", "leq": "<=", "leqslant": "<=", "=<": "<=", "ge": ">=", "geq": ">=",
    "geqslant": ">=", "=>": ">=", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "==": "=",
    ":=": "=", "approx": "=",
}  # fmt: skip
_NOTHING = re.compile(
    r"(?i)\\emptyset|\\varnothing|\\{\s*\\}|{\s*}|(?:there (?:is|are) )?no (?:real )?solutions?"
    r"|(?:the )?empty set"
)
_REALS = re.compile(
    r"(?i)\\mathbb\s*{?\s*R\s*}?|\\R|\\Reals|(?:all|the) reals?(?: numbers?)?|(?-i:R)"
)
_KEYWORDS = re.compile(
    r"\\(?:text|mathrm|textrm|mbox)\s*\{\s*(,?\s*(?:if|for|when|where|and|or|otherwise|else|in|all)\s*)\}"
)
_DEPTH = 12
"""Structures inside structures."""


def read(text: str) -> Form:
    """Read an answer.

    Raises:
        UnreadableError: If it is no mathematics that can be read.
    """
    text = without_separators(ascii_math(clean(text)))
    text = re.sub(r"\\(?:left|right|displaystyle|limits)(?![a-zA-Z])", "", text)
    text = text.replace("\\lbrace", "\\{").replace("\\rbrace", "\\}").replace("&=", "=")
    text = text.replace("\\langle", "(").replace("\\rangle", ")")
    text = _KEYWORDS.sub(lambda match: f" {match[1]} ", text)
    text = re.sub(r"(?<!\\)\\[,;:! ]|\\q?quad(?![a-zA-Z])|~", " ", text).replace("\\land", " and ")
    return _read(text.replace("\\lor", " or ").replace("\\wedge", " and ").strip(), _DEPTH)


def _read(text: str, depth: int) -> Form:
    text = clean(text)
    if depth == 0 or not text:
        raise UnreadableError("too deep or empty")
    if _NOTHING.fullmatch(text):
        return Region(_false())
    if _REALS.fullmatch(text):
        return Region(~_false())

    def deeper(part: str) -> Form:
        return _read(part, depth - 1)

    if has_cases(text):
        return cases(text, deeper)
    for part in (_logic, _member, _list, _relation, _union, bracketed, matrix, plus_minus):
        if (form := part(text, deeper)) is not None:
            return form
    return value(text)


def _false() -> Any:
    import sympy

    return sympy.false


def _logic(text: str, read: Read) -> Form | None:
    for word in ("or", "and"):
        parts = split(text, rf"(?<![a-zA-Z\\]),?\s*\b{word}\b")
        if len(parts) > 1:
            if word == "and" and any(re.search(r",", part) for part in parts):
                return read(", ".join(parts))
            return joined([read(part) for part in parts], word)
    return None


def _member(text: str, read: Read) -> Form | None:
    parts = split(text, r"\\(?:not)?in(?![a-zA-Z])|\\not\s*\\in(?![a-zA-Z])|(?<![a-zA-Z\\])in\b")
    if len(parts) != 2:
        return None
    condition = about_point(read(parts[1]))
    name = formula(parts[0])
    if not name.is_Symbol:
        raise UnreadableError("only one variable can lie in a set")
    negated = re.search(r"\\not", text[len(parts[0]) :][:8])
    return Truth((~condition if negated else condition).xreplace({point(): name}))


def _list(text: str, read: Read) -> Form | None:
    for sign in (";", ","):
        parts = [part for part in split(text, sign) if part.strip()]
        if len(parts) > 1:
            return joined([read(part) for part in parts], ",")
    return None


def _relation(text: str, read: Read) -> Form | None:
    import sympy

    parts = split(text, _RELATION.pattern)
    if len(parts) == 1:
        return None
    if not all(part.strip() for part in parts):
        raise UnreadableError("a relation needs two sides")
    signs, position = [], 0
    for part in parts[:-1]:
        found = _RELATION.match(text, position + len(part))
        sign = found[0].lstrip("\\") if found else ""
        signs.append(_SIGNS.get(sign, sign))
        position = found.end() if found else position
    sides = [read(part) for part in parts]
    if any(not isinstance(side, Value) or side.unit for side in sides):
        return _named(sides, signs)
    values = _values(tuple(sides))
    if not any(value.free_symbols for value in values):
        raise UnreadableError("a relation needs a variable")
    if set(signs) == {"="}:
        return Truth(_equation(values[0], values[-1]))
    makers = {
        "=": sympy.Eq, "<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge,
        "!=": sympy.Ne,
    }  # fmt: skip
    return Truth(
        sympy.And(
            *(
                makers[sign](one, two)
                for sign, one, two in zip(signs, values, values[1:], strict=False)
            )
        )
    )


def _named(sides: list[Form], signs: list[str]) -> Form:
    """Read `A = matrix`, `S = {1, 2}`, `x = ±2`, `(x, y) = (1, 2)`."""
    import sympy

    if set(signs) != {"="}:
        raise UnreadableError("an order needs numbers")
    name, last = sides[0], sides[-1]
    if isinstance(name, Row) and isinstance(last, Row) and len(name.items) == len(last.items):
        pairs = zip(_values(name.items), _values(last.items), strict=True)
        return Truth(sympy.And(*(_equation(one, two) for one, two in pairs)))
    if not isinstance(name, Value) or not _is_name(name.value):
        raise UnreadableError("two sides that cannot be equal")
    if isinstance(last, Items) and not last.braces and name.value.is_Symbol:
        return Truth(sympy.Or(*(_equation(name.value, one) for one in _values(last.items))))
    return last


def _is_name(value: Any) -> bool:
    """Tell whether an expression is a name: `x`, `f(x)`, `AB`."""
    import sympy
    from sympy.core.function import AppliedUndef

    return all(isinstance(part, sympy.Symbol | AppliedUndef) for part in sympy.Mul.make_args(value))


def _equation(one: Any, two: Any) -> Any:
    import sympy

    return sympy.Eq(one, two, evaluate=False)


def _values(forms: tuple[Form, ...]) -> list[Any]:
    found = [form.value for form in forms if isinstance(form, Value) and not form.unit]
    if len(found) != len(forms):
        raise UnreadableError("numbers and expressions are expected")
    return found


def _union(text: str, read: Read) -> Form | None:
    import sympy

    for pattern in (r"\\cup(?![a-zA-Z])|(?<=[\])}])\s*U(?=\s*[\[({\\])", r"\\cap(?![a-zA-Z])"):
        parts = split(text, pattern)
        if len(parts) > 1:
            maker = sympy.And if "cap" in pattern else sympy.Or
            return Region(maker(*(about_point(read(part)) for part in parts)))
    parts = split(text, r"\\(?:setminus|backslash)(?![a-zA-Z])|\\(?=\s*\\?\{)(?!\{)")
    if len(parts) > 1:
        first, *others = (about_point(read(part)) for part in parts)
        return Region(sympy.And(first, *(~other for other in others)))
    return None
