"""The world behind the legal domain's offline models: what a case is, and who gets what right.

Two kinds of criteria make up a rubric. Those of recall ask for a rule that one knows or does not:
a weak solver hardly ever does. Those of reasoning can be met from the facts that the person tells:
a weak solver meets some of them, and on some attempts more than on others. A brief that eases a
case trades recall for reasoning. So the weak solver gains and spreads out, while the strong one
stays where it is, which is what the paper reports (arXiv 2606.25996, Table 3).
"""

import math
import random
from functools import lru_cache
from typing import Literal, NamedTuple

from ..codec import Latent, decode, encode
from ..irt import STEER_LIMITS, blunders, clip, sigmoid
from ..principles import Effect
from ..seeds import character, stream

RECALL, RECALL_SPREAD = 0.75, 0.55
"""Logit of the share of recall among the criteria of a first task, and its spread over tasks."""
DEPTH_SHARE = 0.35
"""How much of a document's depth turns into recall, in logits per logit."""
RECALL_SLOPE, RECALL_AT = 2.9, 0.50
"""Slope of a recall criterion per logit of ability, and the ability that meets half of them."""
REASON_SLOPE, REASON_AT = 0.70, -0.06
"""The same for reasoning."""
MOOD = 0.2
"""Spread from attempt to attempt of how far the reasoning gets, in logits of ability."""
OFFSET = 0.5
"""How much of a criterion's own difficulty counts."""
HARDNESS = 0.4
"""How much of a document's hardness counts."""
CASE_SPREAD = 0.2
"""Spread of the difficulty over cases, in logits of ability."""

EASE, HARDEN = 1.9, 1.2
"""Most that a fully skilled orchestrator takes off the depth after a knowledge floor, adds to it
after saturation."""

FIRST_COUNT, LATER_COUNT, ERRORS = (15, 22), (15, 19), (1, 3)
"""Fewest and most criteria of a rubric; of one whose brief drops capabilities; of its errors."""
CLASSES = {"critical": (8, 10), "important": (5, 7), "slight": (2, 4)}
"""Weights of the positive criteria by class."""

Kind = Literal["recall", "reasoning", "error"]


class Case(NamedTuple):
    """What a legal task is, beyond its words."""

    seed: int
    """24 bits that key phrases, places and the criteria's own difficulties follow from."""
    difficulty: float
    """In logits of ability."""
    log_a: float
    """Log of a factor of the slopes."""
    clarity: float
    """How clearly it asks, in logits; the able profit more."""
    steer: float
    """Depth that was aimed for."""
    criteria: int
    """How many."""
    recall: int
    """Those of recall."""
    errors: int
    """Those that name an error."""


def drafted(
    effect: Effect, material: str, steer: float, count: tuple[int, int], draw: random.Random
) -> Case:
    """Draw a case as a challenger under `effect` makes it from a document."""
    depth, hard = character(material)
    total = draw.randint(*count)
    errors = draw.randint(*ERRORS)
    logit = RECALL + steer + DEPTH_SHARE * depth + draw.gauss(0.0, RECALL_SPREAD)
    share = sigmoid(logit)
    return Case(
        seed=draw.getrandbits(24),
        difficulty=HARDNESS * hard + 0.3 * effect.difficulty + draw.gauss(0.0, CASE_SPREAD),
        log_a=effect.log_a,
        clarity=effect.clarity,
        steer=steer,
        criteria=total,
        recall=sum(draw.random() < share for _ in range(total - errors)),
        errors=errors,
    )


def written(case: Case) -> str:
    """Write a case as a code.

    The codec's masks have fewer places than a legal rubric has criteria. So they carry numbers,
    and which criterion is of which kind follows from the seed.
    """
    return encode(
        Latent(
            seed=case.seed,
            difficulty=case.difficulty,
            log_a=case.log_a,
            leak=0.0,
            clarity=case.clarity,
            steer=case.steer,
            criteria=0,
            insight=case.criteria << 8 | case.recall,
            negative=case.errors,
        )
    )


def case_of(question: str) -> Case:
    """Read the case that a question carries, or make one up for a question of another origin."""
    latent = decode(question)
    if latent is None:
        return drafted(Effect(), question, 0.0, FIRST_COUNT, stream("uncoded case", question))
    count = min(latent.insight >> 8, 25)
    recall = min(latent.insight & 0xFF, count)
    return Case(
        seed=latent.seed,
        difficulty=latent.difficulty,
        log_a=latent.log_a,
        clarity=latent.clarity,
        steer=clip(latent.steer, *STEER_LIMITS),
        criteria=count,
        recall=recall,
        errors=min(latent.negative, count - recall),
    )


@lru_cache(maxsize=2048)
def kinds(case: Case) -> tuple[Kind, ...]:
    """Return the kind of every criterion, in the order of the rubric."""
    order = stream("places", case.seed).sample(range(case.criteria), case.criteria)
    found: list[Kind] = ["reasoning"] * case.criteria
    for place in order[: case.recall]:
        found[place] = "recall"
    for place in order[case.criteria - case.errors :]:
        found[place] = "error"
    return tuple(found)


def chance(case: Case, kind: Kind, offset: float, ability: float, mood: float) -> float:
    """Return the chance that an answer meets a criterion, in (0, 1).

    Args:
        case: The task's numbers.
        kind: What the criterion asks for.
        offset: The criterion's own difficulty, in logits.
        ability: The solver's, in logits.
        mood: How far the reasoning gets on this attempt, in logits of ability.
    """
    if kind == "error":
        return blunders(ability)
    helped = case.clarity * sigmoid(2.0 * ability)
    slope, at = (RECALL_SLOPE, RECALL_AT) if kind == "recall" else (REASON_SLOPE, REASON_AT)
    reach = ability + helped - at - case.difficulty - OFFSET * offset
    if kind == "reasoning":
        reach += mood
    return sigmoid(slope * math.exp(case.log_a) * reach)
