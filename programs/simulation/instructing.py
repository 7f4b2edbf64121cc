"""The simulated writer of instructions: invents one beside others, and an instance of it."""

import random
from collections.abc import Mapping
from typing import Any

from .prompts import Prompt, items
from .seeds import stream
from .words import salient

COPIES, SEES, SHORT, ECHOES = 0.08, 0.04, 0.03, 0.02
"""Chance that an instruction repeats one that was shown, that it asks for what a model of texts
cannot do, and that it is too short; and that an output repeats its input."""

_LABELS = ("likely", "unlikely", "undecided")
_CHOICE = f"Answer with one of {', '.join(_LABELS)}"
_OPENINGS = (
    "Compare how {a} and {b} bear on {c}",
    "Work out what follows for {a} once {b} is fixed and {c} is not",
    "Give a rule that derives {a} from {b} whenever {c} is known",
    "Explain to a newcomer why {a} cannot be had without {b}, and where {c} comes in",
    "Find the weakest point of a plan that trusts {a} more than {b}",
    "Judge whether {a} can be blamed for {b} in the presence of {c}",
    "Construct a case in which {a} and {b} part ways although {c} stays the same",
    "Estimate how much of {a} would be left without {b}",
    "Rewrite the account so that {a} no longer depends on {c}",
    "Decide which of {a}, {b} and {c} to give up first",
)
_DEMANDS = (
    "Show each step",
    "Commit to one answer",
    "Name the condition under which the opposite holds",
    "Say what would change your mind",
    "Keep it to one paragraph",
    _CHOICE,
)
_DRAWN = "Draw a picture of how {a} depends on {b} and mark {c} in it."


def instructed(prompt: Prompt, key: tuple[object, ...]) -> Mapping[str, Any] | None:
    """Answer a request of Self-Instruct; `None` for any other.

    Args:
        prompt: The request.
        key: What the random draws follow from.
    """
    wanted = set(prompt.form.outputs)
    instruction = prompt.inputs.get("instruction", "")
    if "instruction" in wanted:
        shown = items(prompt.inputs.get("known", "[]"))
        return {"instruction": _invented(shown, stream(*key, "instruction"))}
    if "classification" in wanted:
        return {"classification": _CHOICE in instruction}
    if {"given", "result"} <= wanted:
        return _filled(instruction, stream(*key, "instance"))
    return None


def _invented(shown: list[str], draw: random.Random) -> str:
    """Invent an instruction about the words of those shown, with the faults of real models."""
    chance = draw.random()
    one, other, third = draw.sample(salient(" ".join(shown)), 3)
    terms = {"a": one, "b": other, "c": third}
    if shown and chance < COPIES:
        return f"{draw.choice(shown)} Be brief."
    if chance < COPIES + SEES:
        return _DRAWN.format(**terms)
    if chance < COPIES + SEES + SHORT:
        return f"Discuss {one}."
    return f"{draw.choice(_OPENINGS).format(**terms)}. {draw.choice(_DEMANDS)}."


def _filled(instruction: str, draw: random.Random) -> dict[str, Any]:
    """Make material and output from the instruction's own words."""
    one, other, third = draw.sample(salient(instruction), 3)
    given = (
        f"In one case {one} was raised while {other} was left alone, and {third} followed after "
        f"some time. In another {other} was changed as well, and nothing was seen of {third}."
    )
    result = (
        f"What decides is {other}: it has to stay where it is for {one} to show. The second case "
        f"says nothing against this, because there {third} had lost what it depends on."
    )
    if _CHOICE in instruction:
        result = draw.choice(_LABELS)
    elif draw.random() < ECHOES:
        result = given
    return {"given": given, "result": result}
