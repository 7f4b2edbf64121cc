"""How a task's latent numbers travel in its text: a short code in the question.

Solver, verifier and judge see nothing but text. The code stands for what a real task says
between the lines; its check digit tells it from text that only looks alike.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

from .irt import DIFFICULTY, LEAK, LOG_A, STEER_LIMITS, sigmoid
from .seeds import stream

MOST = 16
"""Criteria that a code can describe."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
LABEL = "Reference setting: "
"""What stands before a code."""
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){5}\b")

# Name, bits, lowest and highest value of every number, in the order in which they are packed.
_NUMBERS = (
    ("difficulty", 10, -4.0, 6.0),
    ("log_a", 7, -1.5, 1.5),
    ("leak", 6, 0.0, 1.0),
    ("clarity", 7, -2.0, 2.0),
    ("steer", 9, *STEER_LIMITS),
)
_CHECK = 20


class Latent(NamedTuple):
    """What a task is, beyond its words."""

    seed: int
    """24 bits that the key phrases and the criteria's own difficulties follow from."""
    difficulty: float
    """Of its insight criteria on average, in logits."""
    log_a: float
    """Log of the discrimination."""
    leak: float
    """How much context and question give away, in [0, 1]."""
    clarity: float
    """How clearly it asks, in logits."""
    steer: float
    """Depth that was aimed for when it was written."""
    criteria: int
    """Number of criteria, at most `MOST`."""
    insight: int
    """Bit i is set if criterion i asks for insight."""
    negative: int
    """Bit i is set if criterion i names an error."""


def encode(latent: Latent) -> str:
    """Write a code such as `QZ48-H2KM-...`; numbers are rounded and cut off at their range."""
    packed = latent.seed & 0xFFFFFF
    for name, bits, low, high in _NUMBERS:
        top = (1 << bits) - 1
        share = (getattr(latent, name) - low) / (high - low)
        packed = packed << bits | round(min(max(share, 0.0), 1.0) * top)
    packed = (packed << 5 | latent.criteria) << MOST | latent.insight
    packed = packed << MOST | latent.negative
    return _spell(packed << _CHECK | _check(packed))


def decode(text: str) -> Latent | None:
    """Read the last valid code in a text; `None` if there is none."""
    at = text.rfind(LABEL)
    while at >= 0:
        found = _CODE.match(text, at + len(LABEL))
        if found and (latent := _read(found[0])):
            return latent
        at = text.rfind(LABEL, 0, at)
    return None


def _read(code: str) -> Latent | None:
    whole = 0
    for letter in code.replace("-", ""):
        whole = whole << 5 | _VALUES[letter]
    packed, check = whole >> _CHECK, whole & ((1 << _CHECK) - 1)
    return _unpack(packed) if check == _check(packed) else None


def imagine(text: str) -> Latent:
    """Make up the numbers of a task without a code, such as one that a person wrote.

    They follow from the text and are those of a plain prompt on an average document.
    """
    draw = stream("uncoded", text)
    count = 12
    return Latent(
        seed=draw.getrandbits(24),
        difficulty=draw.gauss(DIFFICULTY, 0.5),
        log_a=LOG_A,
        leak=sigmoid(draw.gauss(LEAK, 0.5)),
        clarity=0.0,
        steer=0.0,
        criteria=count,
        insight=sum((draw.random() < 0.3) << i for i in range(count)),
        negative=0,
    )


def _unpack(packed: int) -> Latent:
    mask = (1 << MOST) - 1
    negative, packed = packed & mask, packed >> MOST
    insight, packed = packed & mask, packed >> MOST
    count, packed = packed & 31, packed >> 5
    values: dict[str, float] = {}
    for name, bits, low, high in reversed(_NUMBERS):
        top = (1 << bits) - 1
        values[name] = low + (packed & top) / top * (high - low)
        packed >>= bits
    return Latent(
        seed=packed, criteria=min(count, MOST), insight=insight, negative=negative, **values
    )


def _check(packed: int) -> int:
    digest = blake2b(packed.to_bytes(16, "big"), digest_size=4, person=b"autodata").digest()
    return int.from_bytes(digest, "big") & ((1 << _CHECK) - 1)


def _spell(whole: int) -> str:
    letters = [_ALPHABET[whole >> shift & 31] for shift in range(115, -1, -5)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 24, 4))
