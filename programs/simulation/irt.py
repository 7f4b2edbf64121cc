"""The three-parameter logistic model that decides what a solver gets right (Birnbaum 1968).

Every formula takes plain floats or numpy arrays, so that the models that speak text and the
numeric world (`world.py`) share one implementation.
"""

import math
from typing import Any, NamedTuple

from .principles import Effect

WEAK, STRONG = -0.75, 1.0
"""Abilities of the two solvers, in logits. The formulas below scale between these two."""

INSIGHT = -4.2
"""Logit of a criterion's chance to ask for insight, for a plain prompt on an average document."""
INSIGHT_SPREAD = 2.0
"""Standard deviation of that logit from task to task."""
DIFFICULTY, DIFFICULTY_SPREAD, CRITERION_SPREAD = -0.10, 0.35, 0.4
"""Mean difficulty of an insight criterion, in logits; its spread over tasks and within a task."""
STEER = 0.45
"""How much of the depth aimed for turns into difficulty; all of it turns into insight."""
LOG_A, LOG_A_SPREAD = 0.15, 0.15
"""Mean and spread of the log discrimination."""
LEAK, LEAK_SPREAD = -0.3, 0.5
"""Mean and spread of the logit of how much context and question give away."""
DEPTH_SPREAD, HARD_SPREAD = 0.6, 0.25
"""Spread over documents of the insight they can yield and of how hard that is."""
GENERIC = 0.68
"""Chance that a fluent answer meets a criterion that asks for no insight."""
VALID = 3.0
"""Logit of the chance that a task is well-formed."""
REJECT_LEAK, REJECT_OTHER = 0.10, 0.008
"""Chance that the verifier rejects a task that leaks all, and one without any fault."""
EASIER, HARDER = 0.5, 0.35
"""Most that a fully skilled orchestrator adds to the steer after TOO EASY, takes off after FAILED
ON STRONG."""
STEER_LIMITS = (-2.0, 3.0)

JUDGE_ERROR = 0.02
"""Chance that the judge misreads one criterion."""

CRITERIA_MIXED, CRITERIA_POSITIVE, ERRORS = (12, 16), (10, 14), (3, 4)
"""Fewest and most criteria of a rubric with errors, of one without, and of its errors."""
REWARD_MIXED, REWARD_POSITIVE, COST = (4, 8), (1, 3), (2, 4)
"""Least and most weight of an insight in a rubric with errors, in one without; and of an error."""

REPAIRED = 0.5
"""Chance that a malformed task is well-formed when it is asked for again."""
UNREADABLE = 0.75
"""Share of malformed tasks that cannot be read at all; the others break a rule of the rubric."""


class Law(NamedTuple):
    """How the next task is drawn: means in logits, after prompts, document and steer."""

    insight: Any
    difficulty: Any
    log_a: Any
    leak: Any
    clarity: Any
    valid: Any
    noise: Any
    """Factor of all spreads from task to task; 1 at temperature 1."""


def law(effect: Effect, depth: Any, hard: Any, steer: Any, temperature: float = 1.0) -> Law:
    """Say how a challenger under `effect` writes about a document.

    Args:
        effect: What the prompts do, beyond the shipped ones.
        depth: The document's insight, in logits.
        hard: The document's difficulty, in logits.
        steer: Depth that the orchestrator aims for, in `STEER_LIMITS`.
        temperature: The challenger's sampling temperature, in [0, 2]. Low ones repeat the obvious,
            high ones lose the form; 0.7 to 1.0 does neither.
    """
    stale, wild = max(0.0, 0.7 - temperature), max(0.0, temperature - 1.0)
    return Law(
        insight=INSIGHT + effect.insight + depth + steer - 0.6 * stale,
        difficulty=DIFFICULTY + effect.difficulty + STEER * steer + hard,
        log_a=LOG_A + effect.log_a,
        leak=LEAK + effect.leak,
        clarity=effect.clarity - 0.3 * wild,
        valid=VALID + effect.valid - 2.0 * wild,
        noise=0.9 + 0.1 * min(temperature, 1.5),
    )


def sigmoid(x: Any) -> Any:
    """Return the logistic function of a float or an array; |x| up to 700."""
    return 1.0 / (1.0 + math.e**-x)


def solved(
    insight: Any, difficulty: Any, log_a: Any, leak: Any, clarity: Any, hardness: Any, ability: Any
) -> Any:
    """Return the chance that an answer meets a positive criterion, in (0, 1).

    Args:
        insight: 1 if the criterion asks for insight, 0 if any fluent answer meets it.
        difficulty: The criterion's own difficulty in logits.
        log_a: Log of the discrimination.
        leak: How much the task gives away, in (0, 1).
        clarity: How clearly it asks, in logits; the able profit more.
        hardness: The task's difficulty in logits, without the criterion's own part.
        ability: The solver's, in logits.
    """
    rank = (ability - WEAK) / (STRONG - WEAK)
    helped = clarity * (0.3 + 0.7 * rank)
    guess = 0.25 * leak
    deep = guess + (1 - guess) * sigmoid(1.7 * math.e**log_a * (ability + helped - difficulty))
    fluent = GENERIC + 0.005 * rank - 0.02 * clip(hardness, -1.0, 2.0)
    chance = insight * deep + (1 - insight) * fluent
    return chance + 0.20 * leak * (1 - chance)


def blunders(ability: float) -> float:
    """Return the chance that an answer commits the error of one negative criterion."""
    return min(max(0.04 - 0.02 * (ability - WEAK) / (STRONG - WEAK), 0.01), 0.10)


def clip(x: Any, low: float, high: float) -> Any:
    """Cut a float or an array off at both ends."""
    return min(max(x, low), high) if isinstance(x, int | float) else x.clip(low, high)
