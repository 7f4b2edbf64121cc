"""Solutions in words around a final answer, no two of them alike."""

import random

from .problems import Problem

IN_WORDS = 0.12
"""Chance that a right answer is given in words, which only a reader can compare."""
REWRITTEN = 0.6
"""Chance that a right answer comes in another notation than the reference."""
_LIKELIER = (0.55, 0.3, 0.15)
"""Chances of the slips, the likely one first."""

_OPENINGS = (
    "Start from what is given and write it down in the form in which it can be worked with.",
    "There are two ways to do this; I take the direct one and keep the other as a check.",
    "First I fix the notation, since most of the errors in such problems are errors of sign.",
    "Nothing deep is needed here, but the order of the steps matters.",
    "Let me first look at the simplest special case and then return to the general one.",
    "The statement determines the answer completely, so it is enough to follow it.",
)
_STEPS = (
    "Collecting terms leaves one relation between the quantities.",
    "The condition at the boundary has to be treated by itself, and it decides about equality.",
    "Here the sign is determined by the middle term.",
    "Substituting back removes the auxiliary quantity.",
    "The two contributions do not cancel, since they enter with different signs.",
    "Differentiating once and comparing both sides gives the same relation again.",
    "A factor of two appears at this place and is easily lost.",
    "Completing the square shows the structure at once.",
    "Only one of the two candidates satisfies the original condition.",
    "By symmetry it suffices to treat one half of the cases.",
    "The remaining parameter drops out.",
    "Both sides are now of the same form, and comparing them gives what is wanted.",
)
_CHECKS = (
    "As a check, the simplest special case comes out as it should.",
    "A quick test at one point confirms this.",
    "The limiting case is the expected one.",
    "Putting this back into the statement leaves an identity.",
    "Dimensions and signs agree.",
    "I have gone through the steps once more and find the same.",
    "The degenerate case agrees as well.",
)
_BOXED = (
    "Hence the final answer is\n\n\\[\\boxed{{{0}}}\\]",
    "This gives $\\boxed{{{0}}}$.",
    "Therefore:\n\n$\\boxed{{{0}}}$",
    "So the result is $\\boxed{{{0}}}$ and nothing else.",
    "Answer: ${0}$",
    "**Answer:** ${0}$",
    "Final answer: ${0}$.",
)
_SAID = ("Answer: {0}.", "Final answer: {0}", "**Answer:** {0}")


def solution(draw: random.Random, problem: Problem, right: bool) -> str:
    """Write a solution that ends in the right answer, in some notation, or in a wrong one."""
    if not right:
        final = draw.choices(problem.slips, _LIKELIER)[0]
    elif draw.random() < IN_WORDS:
        return _told(draw, draw.choice(_SAID).format(problem.words))
    else:
        final = draw.choice(problem.same) if draw.random() < REWRITTEN else problem.answer
    return _told(draw, draw.choice(_BOXED).format(final))


def unfinished(draw: random.Random) -> str:
    """Write a solution that stops before it has a result."""
    return _told(draw, "At this point \\boxed{")


def _told(draw: random.Random, ending: str) -> str:
    steps = draw.sample(_STEPS, draw.randint(3, 5))
    return f"{draw.choice(_OPENINGS)} {' '.join(steps)} {draw.choice(_CHECKS)}\n\n{ending}"


def worked(draw: random.Random, problem: Problem) -> str:
    """Write what a writer notes beside a problem."""
    steps = " ".join(draw.sample(_STEPS, 3))
    return f"{steps} {draw.choice(_CHECKS)} A likely slip is {draw.choice(problem.slips)}."
