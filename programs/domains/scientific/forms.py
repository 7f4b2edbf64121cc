r"""What form an answer in LaTeX has, told from its outermost signs and nothing else.

Nothing is computed here: whether the answer can be read as mathematics is asked elsewhere, in a
process of its own.
"""

import re
from collections.abc import Iterator

_SPACES = re.compile(
    r"(?<!\\)\\(?:(?:left|right|big|Big|bigg|Bigg)[lr]?(?![a-zA-Z])|[,;:! ]|q?quad\b)|~"
)
_CASES = re.compile(r"\\begin\{[dr]?cases\}.*?\\\\.*?\\end\{[dr]?cases\}", re.DOTALL)
_MATRIX = re.compile(r"\\begin\{(?:[pbB]|small)?(?:matrix|array)\}.*\\end\{\w+\}", re.DOTALL)
_ORDER = re.compile(r"<|>|\\(?:le|leq|leqslant|ge|geq|geqslant|lt|gt|ne|neq)(?![a-zA-Z])|≤|≥|≠")
_EQUALS = re.compile(r"(?<![<>!:])=(?![<>])")
_MEMBER = re.compile(r"\\in(?![a-zA-Z])|∈")
_JOIN = re.compile(r"\\(?:cup|cap|setminus)(?![a-zA-Z])|[\u222a\u2229]")
_SYMBOL = re.compile(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)?(?:\([^()]*\))?")
_NAME = re.compile(r"[^=(][^=]{0,39}")
_NUMBER = re.compile(r"(?=.*\d)[-+]?\d*(?:\.\d*)?\\?%?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?\\?%?")
_DECIMAL = re.compile(r"\d\.\d|(?<!\d)\.\d")
_TOKEN = re.compile(r"\\begin\{\w+\}|\\end\{\w+\}|\\[a-zA-Z]+|\\.|.", re.DOTALL)


def form_of(answer: str) -> str | None:
    """Return the answer type that an answer has the form of; `None` if it is none of the six."""
    text = tidy(answer)
    if _CASES.search(text):
        return "piecewise"
    value = text
    sides = split(text, _EQUALS)
    if len(sides) == 2 and _NAME.fullmatch(sides[0]):
        value = sides[1]
    if _MATRIX.search(value) and not split(value, _ORDER)[1:]:
        return "matrix"
    if split(text, _ORDER)[1:]:
        return "inequality" if all(part.strip() for part in split(text, _ORDER)) else None
    if members := split(value, _MEMBER)[1:]:
        return _collection(members[0]) if len(members) == 1 else None
    if found := _collection(value):
        return found
    return "equation" if len(sides) > 1 and all(side.strip() for side in sides) else None


def _collection(text: str) -> str | None:
    """Tell a set, an interval, or a union of them from a single value."""
    kinds = [_part(part) for part in split(text, _JOIN)]
    if None in kinds:
        return None
    return "interval" if "interval" in kinds else "set"


def _part(text: str) -> str | None:
    text = text.strip()
    if re.fullmatch(r"\\(?:emptyset|varnothing)|∅|\\mathbb\s*\{?[RZQCN]\}?", text):
        return "interval" if "R" in text else "set"
    if text.startswith("\\{") and text.endswith("\\}"):
        return "set"
    two = len(split(text[1:-1], re.compile(","))) == 2
    return "interval" if two and text[0] in "([" and text[-1] in ")]" else None


def is_bare_number(answer: str) -> bool:
    """Tell whether an answer is one integer or decimal, with a name or brackets around it."""
    name, *values = split(tidy(answer), _EQUALS)
    named = len(values) == 1 and _SYMBOL.fullmatch(name.strip())
    text = values[0].strip() if named else tidy(answer)
    if _THOUSANDS.fullmatch(text):  # In brackets, 1,200 would be two numbers.
        return True
    for _ in range(4):
        shorter = re.sub(r"^(?:\\\{|[\[({])\s*(.*?)\s*(?:\\\}|[\])}])$", r"\1", text)
        if shorter == text:
            break
        text = shorter
    return bool(_NUMBER.fullmatch(text))


def has_decimal(answer: str) -> bool:
    """Tell whether an answer has a number with a decimal point, which is right only to a digit."""
    return bool(_DECIMAL.search(answer))


def tidy(text: str) -> str:
    """Return an answer without dollar signs, sizes of brackets and spaces that mean nothing."""
    text = text.strip().strip("$").strip()
    return " ".join(_SPACES.sub(" ", text).split()).rstrip(".")


def split(text: str, sign: re.Pattern[str]) -> list[str]:
    """Split at a sign that stands outside all brackets and environments."""
    parts, start = [], 0
    for position, end in _outside(text):
        if position >= start and sign.match(text, position):
            parts.append(text[start:position])
            start = end
    return [*parts, text[start:]]


def _outside(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every token that no bracket encloses.

    Half-open intervals close with another bracket than they open with, so all kinds count alike.
    """
    depth = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in ("(", "[", "{", "\\{") or token.startswith("\\begin"):
            depth += 1
        elif token in (")", "]", "}", "\\}") or token.startswith("\\end"):
            depth = max(0, depth - 1)
        elif depth == 0:
            yield found.span()
