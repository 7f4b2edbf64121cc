"""Randomness without state: every draw follows from a hash of what it is for."""

import random
from functools import lru_cache
from hashlib import blake2b

from .irt import DEPTH_SPREAD, HARD_SPREAD


def number(*parts: object) -> int:
    """Return 64 bits that depend on every part and on their order."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def stream(*parts: object) -> random.Random:
    """Return a generator for one purpose; equal parts give equal draws."""
    return random.Random(number(*parts))


def uniform(*parts: object) -> float:
    """Return one number in [0, 1) for one purpose."""
    return number(*parts) / 2**64


@lru_cache(maxsize=4096)
def character(document: str) -> tuple[float, float]:
    """Return a document's depth and hardness in logits, which every seed agrees on."""
    draw = stream("document", document)
    return draw.gauss(0.0, DEPTH_SPREAD), draw.gauss(0.0, HARD_SPREAD)
