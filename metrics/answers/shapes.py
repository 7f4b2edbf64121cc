"""Answers with a shape of their own: brackets, set builders, matrices, cases, plus or minus."""

import re
from collections.abc import Callable
from typing import Any

from .forms import (
    Cases,
    Form,
    Grid,
    Items,
    Region,
    Row,
    Truth,
    Value,
    about_point,
    joined,
    point,
)
from .formula import formula
from .latex import UnreadableError
from .units import figure, unit_name

Read = Callable[[str], Form]

_OPEN, _CLOSE = "([{", ")]}"
_MATRIX = re.compile(
    r"\\begin\{(?P<name>[pbB]?matrix|smallmatrix|array)\}(?:\{[clr|]*\})?(?P<body>.*?)"
    r"\\end\{(?P=name)\}",
    re.DOTALL,
)
_CALL = re.compile(
    r"(?:np\.array|array|Matrix|matrix|set|list|tuple)\s*\((?P<inside>.*)\)", re.DOTALL
)
_CASES = re.compile(
    r"\\begin\{(?P<name>[dr]?cases)\}(?P<body>.*?)\\end\{(?P=name)\}\s*$", re.DOTALL
)
_NAME = re.compile(r"^\s*[a-zA-Z](?:\([a-z]\))?\s*=(?!=)")
_IF = re.compile(r",?\s*(?<![a-zA-Z\\])(?:if|for|when|where)\b")
_ELSE = re.compile(r",?\s*(?<![a-zA-Z\\])(?:otherwise|elsewhere)\b")
_PYTHON_ELSE = re.compile(r",?\s*(?<![a-zA-Z\\])else\b(?P<last>.*\w.*)$", re.DOTALL)
_TAIL = re.compile(
    r"(?P<number>.*\S)(?P<unit>(?:\s+[a-zA-Z]{2,}[\w^/ ]*"
    r"|\s*\\(?:text|mathrm|mbox|textrm)\s*\{[^{}]*\}"
    r"(?:\^\{?[23]\}?)?|\s*\^\s*\{?\\circ\}?[CF]?|\s*\\?%))",
    re.DOTALL,
)


def split(text: str, pattern: str) -> list[str]:
    """Split where a pattern matches outside all brackets, braces and environments."""
    parts, start, level, position = [], 0, 0, 0
    compiled = re.compile(pattern)
    while position < len(text):
        if text.startswith(("\\begin{", "\\end{"), position):
            level += 1 if text.startswith("\\begin{", position) else -1
            position = text.find("}", position) + 1 or len(text)
            continue
        found = compiled.match(text, position) if level == 0 else None
        if found and found.end() > position:
            parts.append(text[start:position])
            start = position = found.end()
            continue
        level += (text[position] in _OPEN) - (text[position] in _CLOSE)
        position += 1
    return [*parts, text[start:]]


def value(text: str) -> Value:
    """Read one number or expression, with its unit if it has one."""
    import sympy

    if plain := figure(text):
        return Value(sympy.Rational(plain.value.numerator, plain.value.denominator), plain.unit)
    tail = _TAIL.fullmatch(text)
    if tail and (unit := unit_name(tail["unit"])):
        return Value(formula(tail["number"]), unit)
    return Value(formula(text))


def plus_minus(text: str, read: Read) -> Form | None:
    r"""Read `a \\pm b` as its two values."""
    parts = re.split(r"\\pm(?![a-zA-Z])|\+/-|\+-", text)
    if len(parts) != 2:
        return None
    return joined([read(f"{parts[0]}+{parts[1]}"), read(f"{parts[0]}-{parts[1]}")], ",")


def bracketed(text: str, read: Read) -> Form | None:
    """Read what stands in one pair of brackets: a set, a tuple, a list, an interval, rows."""
    if call := _CALL.fullmatch(text):
        return read(call["inside"])
    left, inside, right = _brackets(text)
    if not left:
        return None
    if left == "{":
        return _set(inside, read)
    parts = split(inside, "[,;]")
    if len(parts) < 2:
        return read(inside) if left == "(" else _row_of_numbers(inside, read)
    if left == "[" and ";" in inside and " " in inside.strip() and "," not in inside:
        return _rows([part.split() for part in inside.split(";")])
    items = tuple(read(part) for part in parts if part.strip())
    if all(isinstance(item, Row) and item.left == "[" for item in items):
        rows = [[_number(cell) for cell in item.items] for item in items if isinstance(item, Row)]
        return _grid(rows)
    return Row(items, left, right)


def _brackets(text: str) -> tuple[str, str, str]:
    """Return the outer brackets and what is in them; empty if they are not one pair."""
    text = text.replace("\\{", "{").replace("\\}", "}").strip()
    if len(text) < 2 or text[0] not in _OPEN or text[-1] not in _CLOSE:
        return "", "", ""
    level = 0
    for position, sign in enumerate(text):
        level += (sign in _OPEN) - (sign in _CLOSE)
        if level == 0 and position < len(text) - 1:
            return "", "", ""
    if (text[0] == "{") != (text[-1] == "}"):
        return "", "", ""
    return text[0], text[1:-1], text[-1]


def _set(inside: str, read: Read) -> Form:
    builder = split(inside, r"\\mid(?![a-zA-Z])|\\vert(?![a-zA-Z])|:|\|")
    if len(builder) == 2:
        name, _, domain = re.sub(r"\\in(?![a-zA-Z])", "\x00", builder[0]).partition("\x00")
        condition = about_point(_about(read(builder[1]), formula(name)))
        if domain:
            condition &= about_point(read(domain))
        return Region(condition)
    items = tuple(read(part) for part in split(inside, "[,;]") if part.strip())
    return Items(items, braces=True)


def _about(form: Form, name: Any) -> Form:
    if isinstance(form, Truth):
        return Region(form.condition.xreplace({name: point()}))
    return form


def _number(form: Form) -> Any:
    if not isinstance(form, Value) or form.unit:
        raise UnreadableError("a matrix has numbers and expressions")
    return form.value


def _row_of_numbers(inside: str, read: Read) -> Form:
    item = read(inside)
    return _grid([[_number(cell) for cell in item.items]]) if isinstance(item, Row) else item


def _rows(rows: list[list[str]]) -> Form:
    return _grid([[formula(cell) for cell in row] for row in rows])


def _grid(rows: list[list[Any]]) -> Form:
    import sympy

    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise UnreadableError("the rows of a matrix differ in length")
    return Grid(sympy.ImmutableMatrix(rows))


def matrix(text: str, read: Read) -> Form | None:
    """Read a LaTeX matrix, with a factor before it and a transposition after it."""
    found = list(_MATRIX.finditer(text))
    if len(found) != 1:
        return None
    rows = [row for row in re.split(r"\\\\|\\cr\b", found[0]["body"]) if row.strip(" \\")]
    form = _rows([row.replace("\\hline", "").split("&") for row in rows])
    before, after = text[: found[0].start()].strip(), text[found[0].end() :].strip()
    before, after = _inside_brackets(before, after)
    if not isinstance(form, Grid):
        raise UnreadableError("no matrix")
    if re.fullmatch(r"\^\s*\{?\s*(?:T|\\top|\\mathrm\{T\}|\\intercal)\s*\}?", after):
        form, after = Grid(form.matrix.T), ""
    if after:
        raise UnreadableError("a matrix with something after it")
    if before == "-":
        return Grid(-form.matrix)
    return (
        Grid(form.matrix * formula(re.sub(r"\\(?:cdot|times)\s*$", "", before))) if before else form
    )


def _inside_brackets(before: str, after: str) -> tuple[str, str]:
    if before[-1:] and before[-1] in "([" and after[:1] and after[0] in ")]":
        return before[:-1].strip(), after[1:].strip()
    return before, after


def has_cases(text: str) -> bool:
    """Tell whether a text is a piecewise function, in LaTeX or in words."""
    return "cases}" in text or bool(_ELSE.search(text) or _IF.search(text)) or " else " in text


def cases(text: str, read: Read) -> Form:
    """Read a piecewise function.

    Its pieces are the rows of a LaTeX `cases`, or `x if x > 0, 0 otherwise`, or Python's
    `x if x > 0 else 0`.
    """
    found = _CASES.search(text)
    if found:
        before = text[: found.start()].strip()
        if before and not re.fullmatch(r"[^=<>]*=", before):
            raise UnreadableError("something else before the cases")
        rows = [
            _halves(row) for row in re.split(r"\\\\(?:\[[^\]]*\])?", found["body"]) if row.strip()
        ]
    else:
        text = _NAME.sub("", text, count=1)
        text = _brackets(text)[1] or text
        rows = _pieces(_PYTHON_ELSE.sub(r", \g<last> otherwise", text))
    pieces = []
    for row_value, row_condition in rows:
        pieces.append((_number(read(row_value)), _condition(row_condition, read)))
    if not pieces:
        raise UnreadableError("no cases")
    return Cases(tuple(pieces))


def _halves(row: str) -> tuple[str, str]:
    """Split one row of LaTeX cases at its &, or at its "if"."""
    first, _, second = row.partition("&")
    if not second.strip():
        return _pieces(row)[0]
    second = re.sub(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}", r" \1 ", second)
    return first.strip().rstrip(",;"), _IF.sub("", second, count=1).strip(" ,;.")


def _pieces(text: str) -> list[tuple[str, str]]:
    """Split `x if x > 0, 0 otherwise` into values and conditions."""
    rows: list[tuple[str, str]] = []
    for part in split(text, r"[,;\n]|(?<![a-zA-Z])and\b(?=[^,;]*\b(?:if|otherwise|for|when)\b)"):
        first, *rest = _IF.split(part, maxsplit=1)
        last = _ELSE.split(part, maxsplit=1)
        if rest:
            before = first.strip() or (rows.pop()[0] if rows and not rows[-1][1] else "")
            rows.append((before, rest[0].strip(" :")))
        elif len(last) == 2:
            before = last[0].strip() or last[1].strip(" :")
            rows.append(
                (before or (rows.pop()[0] if rows and not rows[-1][1] else ""), "otherwise")
            )
        elif part.strip() and rows and rows[-1][1] and _IF.search(text) and _loose(part):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]}, {part.strip()}")
        elif part.strip():
            rows.append((part.strip(), ""))
    return rows


def _loose(part: str) -> bool:
    """Tell whether a part between commas goes on with the condition before it."""
    return bool(re.search(r"[<>=]|\\(?:le|ge|ne|in)", part))


def _condition(text: str, read: Read) -> Any:
    import sympy

    if not text.strip() or _ELSE.fullmatch(" " + text.strip()) or text.strip() == "else":
        if not text.strip():
            raise UnreadableError("a case without its condition")
        return sympy.true
    form = read(text)
    if not isinstance(form, Truth):
        raise UnreadableError("a case needs a condition")
    return form.condition
