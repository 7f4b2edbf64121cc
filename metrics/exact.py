"""Exact numbers: thresholds and grades as fractions, so that 0.7 - 0.5 >= 0.20 holds."""

import math
import re
from fractions import Fraction
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

_FRACTION = re.compile(r"[+-]?[0-9]+/[0-9]+")
# The exponent is short on purpose: Fraction("1e999999999") would fill the memory.
_DECIMAL = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*(?P<percent>%?)"
)
_FORMS = 'write 0.65, "65%" or "13/20"'


def exact(value: object) -> Fraction:
    """Turn a number as people write it into the fraction they mean.

    A float is read through its shortest decimal text, so 0.65 is 13/20 and not the binary
    number nearest to it.

    Args:
        value: A Fraction, an int, a finite float, or text such as "13/20", "0.65" or "65%".

    Returns:
        The exact value, in any range.

    Raises:
        ValueError: If `value` is a bool, not finite, text of another form, or another type.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool):
        raise ValueError(f"{value}: a truth value is not a number; {_FORMS}")
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{float(value)}: must be finite; {_FORMS}")
        return Fraction(repr(float(value)))
    if isinstance(value, str):
        return _read(value)
    raise ValueError(f"{value!r:.60}: {type(value).__name__} is not an exact number; {_FORMS}")


def _read(text: str) -> Fraction:
    stripped = text.strip()
    if _FRACTION.fullmatch(stripped):
        numerator, denominator = stripped.split("/")
        if int(denominator) == 0:
            raise ValueError(f"{text!r:.60}: the denominator must not be 0; {_FORMS}")
        return Fraction(int(numerator), int(denominator))
    match = _DECIMAL.fullmatch(stripped)
    if match is None:
        raise ValueError(f"{text!r:.60}: not a finite number; {_FORMS}")
    return Fraction(match["number"]) / (100 if match["percent"] else 1)


Exact = Annotated[
    Fraction,
    PlainValidator(exact, json_schema_input_type=int | float | str),
    PlainSerializer(str, return_type=str),
]
"""A pydantic field read by `exact` and dumped as text such as "13/20"."""
