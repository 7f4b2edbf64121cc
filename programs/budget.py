"""How much a run may spend, in units that people know."""

import re
from decimal import Decimal
from typing import NamedTuple

FORMS = "5usd, 2.5usd, 2Mtok, 500ktok, 100000tok, 2000calls, 90s, 30min or 2h"
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([a-z]+)")
_SCALES: dict[str, tuple[str, int]] = {
    "usd": ("usd", 1),
    "mtok": ("tokens", 10**6),
    "ktok": ("tokens", 10**3),
    "tok": ("tokens", 1),
    "calls": ("calls", 1),
    "call": ("calls", 1),
    "h": ("seconds", 3600),
    "min": ("seconds", 60),
    "s": ("seconds", 1),
}
_SHORT = {"mtok": "Mtok"}


class BudgetError(RuntimeError):
    """No further request may be sent: the run's budget is used up."""


class Amount(NamedTuple):
    """So much of each thing that a budget can limit. None is negative."""

    calls: Decimal = Decimal(0)
    """Answers of models."""
    tokens: Decimal = Decimal(0)
    """Tokens of prompts and answers."""
    usd: Decimal = Decimal(0)
    """US dollars, by the configured prices."""
    seconds: Decimal = Decimal(0)
    """Time on the clock."""

    def plus(self, other: "Amount") -> "Amount":
        """Add up, one by one."""
        return Amount(*(one + two for one, two in zip(self, other, strict=True)))

    def minus(self, other: "Amount") -> "Amount":
        """Subtract, one by one."""
        return Amount(*(one - two for one, two in zip(self, other, strict=True)))

    def times(self, factor: Decimal | int) -> "Amount":
        """Multiply each."""
        return Amount(*(one * factor for one in self))


class Budget:
    """Limits in one or several units; the first one that is reached ends the run.

    Args:
        limits: A positive limit for each unit, by the names of `Amount`'s fields.
    """

    def __init__(self, limits: dict[str, Decimal]) -> None:
        self.limits = {unit: limits[unit] for unit in Amount._fields if unit in limits}

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read a budget such as `5usd`, `2Mtok`, `2000calls`, `30min` or `5usd, 2h`.

        Raises:
            ValueError: If it is none; names the text, the forms and an example.
        """
        limits: dict[str, Decimal] = {}
        for part in text.split(","):
            found = _PART.fullmatch(part.strip().lower())
            unit, scale = _SCALES.get(found[2], ("", 1)) if found else ("", 1)
            limit = Decimal(found[1]) * scale if found else Decimal(0)
            whole = unit not in ("tokens", "calls") or limit == limit.to_integral_value()
            if not unit or not limit or not whole or unit in limits:
                raise ValueError(
                    f"{text!r} is not a budget: expected an amount above 0 such as {FORMS}, or "
                    'one of each kind with commas between them, such as "5usd, 2h"'
                )
            limits[unit] = limit
        return cls(limits)

    def __str__(self) -> str:
        """Return the shortest text that `parse` reads as this budget."""
        return ",".join(_written(unit, limit) for unit, limit in self.limits.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Budget) and self.limits == other.limits

    def __hash__(self) -> int:
        return hash(tuple(self.limits.items()))

    def of(self, spent: Amount) -> str:
        """Say for people how much is spent of what, such as `1,240 of 2,000 calls`."""
        parts = (share(unit, getattr(spent, unit), limit) for unit, limit in self.limits.items())
        return ", ".join(parts)


def _scaled(unit: str, limit: Decimal) -> tuple[str, int]:
    """Return the largest name of a unit in which a limit is a whole number, and its scale."""
    named = [(name, scale) for name, (one, scale) in _SCALES.items() if one == unit]
    return next((one for one in named if limit % one[1] == 0), (named[-1][0], 1))


def _written(unit: str, limit: Decimal) -> str:
    if unit in ("usd", "calls"):
        return f"{_plain(limit)}{unit}"
    name, scale = _scaled(unit, limit)
    return f"{_plain(limit / scale)}{_SHORT.get(name, name)}"


def share(unit: str, spent: Decimal, limit: Decimal) -> str:
    """Say for people how much of one unit is spent, such as `12 of 30 min`."""
    if unit == "usd":
        return f"{spent:.{2 if limit >= 1 else 4}f} of {_plain(limit)} USD"
    if unit == "seconds":
        name, scale = _scaled(unit, limit)
        return f"{spent / scale:.{1 if name == 'h' else 0}f} of {_plain(limit / scale)} {name}"
    return f"{spent:,.0f} of {limit:,.0f} {unit}"


def _plain(number: Decimal) -> str:
    """Write a number without an exponent and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
