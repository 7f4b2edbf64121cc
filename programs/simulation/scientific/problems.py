"""Small problems with exact answers, of all six types: what the simulated writer has to offer.

A problem follows from a number, so that whoever reads the number in a question knows the answer,
its other notations, and the slips that lead to wrong ones.
"""

import random
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from ..seeds import stream
from . import functions as functions
from . import relations as relations
from .forms import Problem

TEMPLATES: dict[str, tuple[Callable[[random.Random], Problem], ...]] = {
    "equation": relations.EQUATIONS,
    "inequality": relations.INEQUALITIES,
    "interval": relations.INTERVALS,
    "set": functions.SETS,
    "matrix": functions.MATRICES,
    "piecewise": functions.PIECEWISE,
}
"""How problems are made, by answer type."""

TYPES = tuple(TEMPLATES)


class Posed(NamedTuple):
    """A problem and its type."""

    problem: Problem
    answer_type: str


@lru_cache(maxsize=4096)
def posed(seed: int) -> Posed:
    """Return the problem of a number with 24 bits; the type is its remainder by six."""
    answer_type = TYPES[seed % len(TYPES)]
    draw = stream("problem", seed)
    return Posed(draw.choice(TEMPLATES[answer_type])(draw), answer_type)


def number_for(answer_type: str, draw: random.Random) -> int:
    """Draw a number whose problem has an answer of this type."""
    whole = draw.getrandbits(24) // len(TYPES) * len(TYPES)
    return max(0, whole - len(TYPES)) + TYPES.index(answer_type)
