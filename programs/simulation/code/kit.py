"""What a simulated programming task is made of: texts with gaps, and numbers that fill them."""

import random
from collections.abc import Callable
from string import Template
from typing import NamedTuple

from ..seeds import stream

_VERIFIER = Template("""import random


$expected


def verify(solve):
    draw = random.Random($seed)
    cases = [$edges]
    for _ in range(24):
        cases.append($case)
    for case in cases:
        if solve(*case) != expected(*case):
            return False
    return True
""")


class Kind(NamedTuple):
    """One kind of task. Every text may have gaps such as `$size`."""

    numbers: Callable[[random.Random], dict[str, int]]
    """Draws what fills the gaps."""
    asked: str
    """What `solve` must do."""
    hint: str
    """What hasty programs overlook; an easy question says it."""
    reference: str
    """A right program."""
    wrong: tuple[str, ...]
    """Programs with one plausible mistake each."""
    expected: str
    """Another way to the right result, for the verifier."""
    edges: str
    """Argument tuples at the boundaries, as Python source."""
    case: str
    """An argument tuple made with `draw`, as Python source."""


class Built(NamedTuple):
    """A task's programs, and the words of its question."""

    asked: str
    hint: str
    verifier: str
    reference: str
    wrong: tuple[str, ...]


def build(kind: Kind, seed: int) -> Built:
    """Make a task of a kind; the same seed makes the same task."""
    draw = stream("program", seed)
    gaps = {name: str(value) for name, value in kind.numbers(draw).items()}

    def filled(text: str) -> str:
        return Template(text).substitute(gaps).strip()

    verifier = _VERIFIER.substitute(
        expected=filled(kind.expected),
        edges=filled(kind.edges),
        case=filled(kind.case),
        seed=draw.randrange(1000),
    )
    return Built(
        asked=filled(kind.asked),
        hint=filled(kind.hint),
        verifier=verifier,
        reference=filled(kind.reference) + "\n",
        wrong=tuple(filled(text) + "\n" for text in kind.wrong),
    )
