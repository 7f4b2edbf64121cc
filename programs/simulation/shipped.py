"""The zero point: what the shipped prompts say is what the base constants already contain."""

from collections.abc import Mapping

from ..challenger import WriteTask
from ..orchestrator import AnalyzeRounds
from .principles import SKILLS, Effect, combined, recognise

SHIPPED: frozenset[str] = recognise(WriteTask.instructions) - SKILLS
"""Principles of the shipped instruction of the challenger."""

_ZERO = combined(dict.fromkeys(SHIPPED, 1.0))
_SKILLS = len(recognise(AnalyzeRounds.instructions) & SKILLS)


def beyond_shipped(weights: Mapping[str, float]) -> Effect:
    """Return what principles do, measured from the shipped instruction."""
    there = combined(weights)
    return Effect(*(value - zero for value, zero in zip(there, _ZERO, strict=True)))


def skill(skills: float) -> float:
    """Return how well an orchestrator steers, in [0.1, 1].

    Args:
        skills: How many of `SKILLS` its prompts name; those of demonstrations count half.
    """
    return min(max(0.5 + 0.5 * (skills - _SKILLS) / (len(SKILLS) - _SKILLS), 0.1), 1.0)
