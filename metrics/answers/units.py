"""Numbers with units, read and compared exactly, without a computer algebra system."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, NamedTuple, TypeVar

from .text import without_separators

Value = TypeVar("Value")
Told = TypeVar("Told", bound=bool | None)

DIGITS = Fraction(5, 10**6)
"""A decimal stands for a value that it does not reach within this relative distance: six digits."""

_TABLE = {
    "length": "mm 1/1000 cm 1/100 dm 1/10 m 1 km 1000 inch 127/5000 in 127/5000 ft 381/1250 "
    "foot 381/1250 feet 381/1250 yard 1143/1250 yd 1143/1250 mile 201168/125 mi 201168/125 "
    "meter 1 metre 1 centimeter 1/100 centimetre 1/100 millimeter 1/1000 kilometer 1000 "
    "kilometre 1000 inche 127/5000 nm 1/1000000000",
    "mass": "mg 1/1000000 g 1/1000 kg 1 gram 1/1000 kilogram 1 ton 1000 tonne 1000 "
    "lb 45359237/100000000 pound 45359237/100000000 oz 45359237/1600000000 "
    "ounce 45359237/1600000000",
    "time": "ms 1/1000 s 1 sec 1 second 1 min 60 minute 60 h 3600 hr 3600 hour 3600 "
    "day 86400 week 604800",
    "volume": "ml 1/1000 mL 1/1000 l 1 L 1 liter 1 litre 1 milliliter 1/1000",
    "dollar": "$ 1 dollar 1 usd 1 cent 1/100 ¢ 1/100",
    "euro": "€ 1 euro 1 eur 1",
    "sterling": "£ 1 gbp 1",
    "yen": "¥ 1 yen 1",
    "angle": "degree 1 deg 1 ° 1",
    "radian": "radian 1 rad 1",
    "force": "N 1 newton 1 kN 1000",
    "energy": "J 1 joule 1 kJ 1000",
    "power": "W 1 watt 1 kW 1000",
    "frequency": "Hz 1 hertz 1 kHz 1000 MHz 1000000",
    "potential": "V 1 volt 1",
    "kelvin": "K 1 kelvin 1",
    "celsius": "°C 1",
    "fahrenheit": "°F 1",
    "pressure": "Pa 1 kPa 1000 pascal 1",
}
_UNITS: dict[str, tuple[str, Fraction]] = {
    name: (dimension, Fraction(factor))
    for dimension, entries in _TABLE.items()
    for name, factor in zip(entries.split()[::2], entries.split()[1::2], strict=True)
}
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALE = re.compile(rf"\s*({'|'.join(_SCALES)})s?\b")
_PERCENT = frozenset({"%", "percent", "percentage", "pct"})
_NOT_UNITS = re.compile(
    r"(?:.* )?(?:sin|cos|tan|log|ln|exp|sqrt|pi|if|for|or|and|when|otherwise|else|theta|alpha|"
    r"beta|gamma|lambda|in|infinity|inf|oo|to|is|not|x|y|z|mod)(?: .*)?"
)


class Figure(NamedTuple):
    """A number as it was written."""

    value: Fraction
    unit: str = ""
    decimal: bool = False
    """Whether it was written with a decimal point, and so may be rounded."""


_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_PLAIN = re.compile(
    rf"(?:(?P<money>\\?\$|[€£¥])\s*(?P<minus>-?))?\s*(?P<number>{_NUMBER})"
    r"(?:\s*(?:[eE](?P<e>[-+]?\d{1,3})(?![\w.])"
    r"|(?:\\times|\\cdot|\*)\s*10\s*(?:\^|\*\*)\s*(?:\{\s*(?P<p>-?\d{1,3})\s*\}|(?P<q>-?\d{1,3}))))?"
    r"(?:\s*/\s*(?P<under>\d+))?(?P<rest>.*)",
    re.DOTALL,
)
_MIXED = re.compile(r"(?P<whole>\d+)\s+(?P<over>\d+)\s*/\s*(?P<under>\d+)(?P<rest>.*)", re.DOTALL)
_LATEX = re.compile(
    r"(?P<whole>\d+)?\s*\\[dt]?frac\s*\{\s*(?P<sign>-?)\s*(?P<over>\d+)\s*\}\s*\{\s*(?P<under>\d+)\s*\}"
    r"(?P<rest>.*)",
    re.DOTALL,
)


def figure(text: str) -> Figure | None:
    """Read a plain number: integer, decimal, power of ten, fraction or mixed, with a unit.

    Returns:
        The number, or `None` if the text is anything else.
    """
    text = without_separators(text).strip()
    sign = re.match(r"[-+\s]*", text)
    signs, text = (sign[0], text[sign.end() :]) if sign else ("", text)
    if len(signs.strip()) > 1:
        return None
    found = _MIXED.fullmatch(text) or _LATEX.fullmatch(text)
    if found:
        parts = found.groupdict()
        inner = -1 if parts.get("sign") else 1
        if int(parts["under"]) == 0 or (inner < 0 and parts["whole"]):
            return None
        value = int(parts["whole"] or 0) + Fraction(inner * int(parts["over"]), int(parts["under"]))
        money, decimal = "", False
    elif found := _PLAIN.fullmatch(text):
        power = int(found["e"] or found["p"] or found["q"] or 0)
        under = int(found["under"] or 1)
        if under == 0:
            return None
        value = Fraction(found["number"]) * Fraction(10) ** power / under
        value = -value if found["minus"] else value
        money, decimal = (found["money"] or "").lstrip("\\"), "." in found["number"]
    else:
        return None
    rest = found["rest"]
    if scale := _SCALE.match(rest):
        value, rest = value * _SCALES[scale[1]], rest[scale.end() :]
    unit = unit_name(rest)
    if unit is None or (money and unit not in ("", "dollar", "usd", "euro")):
        return None
    return Figure(-value if "-" in signs else value, money or unit, decimal)


def unit_name(text: str) -> str | None:
    """Return what follows a number as a unit in one spelling; `None` if it is no unit."""
    spaced = text[:1].isspace() or text.startswith(("\\", "^\\circ", "%", "$", "¢"))
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|\\degree", "°", text)
    text = re.sub(r"\\(?:text|mathrm|mbox|textrm|rm)\s*\{([^{}]*)\}", r" \1 ", text)
    text = re.sub(r"\\[,;! ]|\\quad|~", " ", text).replace("\\%", "%").replace("\\$", "$")
    text = re.sub(r"\^\s*\{\s*([23])\s*\}", r"^\1", text).strip(" .")
    if not text:
        return ""
    if text.casefold() in _PERCENT:
        return "%"
    text = re.sub(r"°\s*", "°", text)
    text = re.sub(r"^(?:square|sq\.?) (\w+)$", r"\1^2", text)
    text = re.sub(r"^cubic (\w+)$", r"\1^3", re.sub(r"\s+per\s+", "/", text))
    if not re.fullmatch(r"[^\W\d_°]+(?:[ /-][^\W\d_]+){0,3}(?:\^[23])?|[°$€£¥¢%][CF]?", text):
        return None
    names = [_singular(name) for name in text.replace("^", "/").split("/")]
    known = all(name in _UNITS or name in "23" for name in names)
    shortest = max(len(name) for name in names)
    # "5m" may be five times m, and "5 ab" a product: only a space or \text makes them units.
    if not known and (shortest < 3 or _NOT_UNITS.fullmatch(text)):
        return None
    if not spaced and shortest < 2 and names[0] not in "°":
        return None
    return re.sub(r"[^/^]+", lambda match: _singular(match[0]), text)


def _singular(name: str) -> str:
    name = name.strip()
    name = name if name in _UNITS or len(name) < 3 else name.casefold()
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith("ss") else name


def _size(unit: str) -> tuple[str, Fraction] | None:
    """Return a unit's dimension and its size in that dimension's base unit."""
    name, _, power = unit.partition("^")
    if power:
        base = _UNITS.get(name)
        return (f"{base[0]}^{power}", base[1] ** int(power)) if base else None
    over, slash, under = unit.partition("/")
    first, second = _UNITS.get(over), _UNITS.get(under)
    if not slash:
        return first
    return (f"{first[0]}/{second[0]}", first[1] / second[1]) if first and second else None


def same_amount(
    one: Value, unit: str, two: Value, other: str, same: Callable[[Value, Value, Fraction], Told]
) -> Told | Literal[False] | None:
    """Compare two amounts with units.

    A unit on one side only is ignored, except that 50 % is as well one half. Known units of one
    kind are converted; different unknown ones cannot be told.

    Args:
        one: The first amount's number.
        unit: Its unit, as `unit_name` writes it.
        two: The second number.
        other: Its unit.
        same: Compares the first number times a factor with the second number.
    """
    if unit == other:
        return same(one, two, Fraction(1))
    if not unit or not other:
        plain = same(one, two, Fraction(1))
        if plain or "%" not in (unit, other):
            return plain
        return same(one, two, Fraction(1, 100) if unit == "%" else Fraction(100))
    first, second = _size(unit), _size(other)
    if first is None or second is None:
        return None
    return same(one, two, first[1] / second[1]) if first[0] == second[0] else False


def same_figure(one: Figure, two: Figure) -> bool | None:
    """Compare two plain numbers: exactly, or to six digits a decimal with what none can reach."""

    def same(left: Figure, right: Figure, factor: Fraction) -> bool:
        return close(left.value * factor, right.value, left.decimal, right.decimal)

    return same_amount(one, one.unit, two, two.unit, same)


def close(one: Fraction, two: Fraction, one_decimal: bool, two_decimal: bool) -> bool:
    """Compare exactly, unless one is a decimal and the other has no end as a decimal."""
    if one == two:
        return True
    rounded = (one_decimal and not ends(two)) or (two_decimal and not ends(one))
    return rounded and abs(one - two) <= DIGITS * max(abs(one), abs(two))


def ends(value: Fraction) -> bool:
    """Tell whether a fraction has finitely many decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
