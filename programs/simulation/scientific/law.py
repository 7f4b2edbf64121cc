"""How hard the simulated problems are: the constants of this domain, on the scale of `irt`.

Calibrated on the paper's Table 5 (arXiv 2606.25996, section 3.3): its weak model solves 77 % of the
single-shot problems and 52 % of those that the loop accepted.
"""

import random
import re
from collections.abc import Mapping
from functools import lru_cache

from ...domains.scientific.prompts import WriteProblem
from .. import irt
from ..codec import Latent
from ..principles import SKILLS, Effect, combined, recognise
from ..seeds import character, stream

DIFFICULTY, SPREAD = -1.8, 1.0
"""Mean difficulty of a single-shot problem, in logits, and its spread from problem to problem."""
ANGLE_SPREAD = 0.5
"""Spread of what an angle adds to the difficulty on one document, in logits."""
INSIGHT = 0.5
"""How much of a call for insight turns into difficulty: a problem has one thing to see or none."""
STEER = 2.5
"""How much of the depth aimed for turns into difficulty. Briefs are few here, for each of them
serves several problems."""
LEAK = -1.5
"""What the leak of a problem differs by from that of a text: no context can give it away."""
WRONG_REFERENCE = 0.04
"""Chance that a writer errs in its own problem."""

_ANGLE = re.compile(r"^Angle for this one: (.+)$", re.MULTILINE)


def angle_of(brief: str) -> str:
    """Return the angle that a brief ends with; empty if it names none."""
    found = _ANGLE.findall(brief)
    return found[-1].strip() if found else ""


def drafted(
    advice: Mapping[str, float],
    seed: str,
    angle: str,
    steer: float,
    temperature: float,
    draw: random.Random,
) -> tuple[Latent, bool]:
    """Draw the numbers of a problem, and whether it is well-formed.

    Args:
        advice: Principles that the writer follows, with weights.
        seed: The seed problem's text.
        angle: What this one of several problems is to vary; may be empty.
        steer: Depth that the orchestrator aims for, in `irt.STEER_LIMITS`.
        temperature: The writer's, in [0, 2].
        draw: The source of chance.
    """
    law = irt.law(_beyond_shipped(advice), *character(seed), 0.0, temperature)
    turned = stream("angle", seed, angle).gauss(0.0, ANGLE_SPREAD) if angle else 0.0
    difficulty = (
        DIFFICULTY
        + (law.difficulty - irt.DIFFICULTY)
        + INSIGHT * (law.insight - irt.INSIGHT)
        + STEER * steer
        + turned
    )
    latent = Latent(
        seed=0,
        difficulty=difficulty + draw.gauss(0.0, SPREAD * law.noise),
        log_a=law.log_a + draw.gauss(0.0, irt.LOG_A_SPREAD * law.noise),
        leak=irt.sigmoid(law.leak + LEAK + draw.gauss(0.0, irt.LEAK_SPREAD * law.noise)),
        clarity=law.clarity,
        steer=steer,
        criteria=1,
        insight=1,
        negative=0,
    )
    return latent, draw.random() > irt.sigmoid(law.valid)


def chance(latent: Latent, ability: float) -> float:
    """Return the chance that a solver's answer is right, in (0, 1)."""
    hard = latent.difficulty
    return irt.solved(1.0, hard, latent.log_a, latent.leak, latent.clarity, hard, ability)


@lru_cache(maxsize=1)
def _zero() -> Effect:
    shipped = recognise(WriteProblem.instructions) - SKILLS
    return combined(dict.fromkeys(shipped, 1.0))


def _beyond_shipped(weights: Mapping[str, float]) -> Effect:
    """Return what principles do, measured from this domain's shipped instruction."""
    there = combined(weights)
    return Effect(*(value - zero for value, zero in zip(there, _zero(), strict=True)))
