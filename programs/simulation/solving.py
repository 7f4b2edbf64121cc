"""The simulated solvers: see context and question, and say what their ability lets them."""

import random
from typing import Any

from .codec import Latent, decode, imagine
from .irt import blunders, solved
from .prompts import Prompt
from .seeds import stream
from .sentences import answer_of
from .words import Keys, keys_of

COPIED = 0.95
"""Chance that a solver repeats what the context gives away word for word."""


def task_text(prompt: Prompt) -> str:
    """Return what a reader sees of a task."""
    return f"{prompt.inputs.get('context', '')}\n{prompt.inputs.get('question', '')}"


def latent_of(text: str) -> Latent:
    """Read the numbers that a task carries, or make them up for a task of another origin."""
    return decode(text) or imagine(text)


def solve(prompt: Prompt, key: tuple[object, ...], ability: float) -> dict[str, Any]:
    """Answer a request to solve a task.

    Args:
        prompt: The request, with the question and usually a context.
        key: What the random draws follow from.
        ability: In logits.
    """
    text = task_text(prompt)
    latent = latent_of(text)
    known = keys_of(latent, text)
    draw = stream(*key, "answer")
    said = met(latent, known, ability, text, draw)
    draw.shuffle(said)
    return {"answer": answer_of(draw, said, known.terms)}


def met(latent: Latent, known: Keys, ability: float, text: str, draw: random.Random) -> list[str]:
    """Return the key phrases of the criteria that an answer meets, errors included."""
    wrong = blunders(ability)
    fluent, deep = (
        [
            solved(i, d, latent.log_a, latent.leak, latent.clarity, latent.difficulty, ability)
            for d in offsets
        ]
        for i, offsets in (
            (0, (latent.difficulty,)),
            (1, [latent.difficulty + offset for offset in known.offsets]),
        )
    )
    found = []
    for i, phrase in enumerate(known.phrases):
        if latent.negative >> i & 1:
            chance = wrong
        else:
            chance = deep[i] if latent.insight >> i & 1 else fluent[0]
            if phrase in text:
                chance = max(chance, COPIED)
        if draw.random() < chance:
            found.append(phrase)
    return found
