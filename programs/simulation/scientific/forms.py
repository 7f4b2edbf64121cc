"""What a simulated problem consists of, and how its numbers are written in LaTeX."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A problem, its answer, and what else may be answered."""

    topic: str
    kind: str
    """The reasoning that it asks for, in a few words."""
    question: str
    answer: str
    """The right answer in LaTeX."""
    same: tuple[str, ...]
    """The right answer in other notations, which algebra can tell."""
    words: str
    """The right answer in words, which takes a reader to tell."""
    slips: tuple[str, ...]
    """Wrong answers, the likely ones first."""


def plus(value: int, unit: str = "") -> str:
    """Write a term that follows another: `+3x`, `-x`, or nothing for 0."""
    return "" if value == 0 else ("+" if value > 0 else "") + times(value, unit)


def times(value: int, unit: str = "") -> str:
    """Write a multiple: `3x`, `-x`, `x`, or the number alone."""
    if unit and abs(value) == 1:
        return unit if value == 1 else f"-{unit}"
    return f"{value}{unit}"


def line(slope: int, constant: int) -> str:
    """Write `slope x + constant`."""
    if slope == 0:
        return str(constant)
    return times(slope, "x") + plus(constant)


def rows(*cells: tuple[str, ...], brackets: str = "p") -> str:
    """Write a matrix from its rows."""
    body = r"\\".join("&".join(row) for row in cells)
    return rf"\begin{{{brackets}matrix}}{body}\end{{{brackets}matrix}}"


def cases(*pieces: tuple[str, str], name: str = "") -> str:
    """Write a piecewise function from values and conditions."""
    body = r"\\".join(f"{value},&{condition}" for value, condition in pieces)
    left = f"{name}=" if name else ""
    return rf"{left}\begin{{cases}}{body}\end{{cases}}"
