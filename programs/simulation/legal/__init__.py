"""The legal domain's part of the offline models."""

import random
from typing import Any

from ...domains.legal.extract import HEAD
from ...domains.legal.prompts import SolveLegalTask
from ...domains.legal.rules import LegalRules
from ..faults import due
from ..options import Options
from ..prompts import Prompt
from ..seeds import stream
from ..sentences import answer_of
from ..solving import COPIED
from ..words import keys, named
from .law import MOOD, case_of, chance, kinds
from .reading import extract, referee
from .writing import brief, write_task

_RULES = " ".join(LegalRules().describe().split())
_SOLVE = " ".join(SolveLegalTask.instructions.split())


def answer(prompt: Prompt, key: tuple[object, ...], options: Options) -> dict[str, Any] | None:
    """Answer a request of the legal domain; `None` for any other.

    Requests are told by what no search changes: output fields that only this domain has, the rules
    that its writer is given, the heading of an extract, and the solvers' instructions.

    Args:
        prompt: The request.
        key: What the random draws follow from; its last part is the sample.
        options: The model's.
    """
    wanted, inputs = set(prompt.form.outputs), prompt.inputs
    if "extract" in wanted:
        return extract(prompt)
    if {"suitability", "verdict"} <= wanted:
        return referee(prompt, key)
    if "task" in wanted:
        ours = _RULES in " ".join(inputs.get("rules", "").split())
        return write_task(prompt, key) if ours else None
    if "brief" in wanted:
        return brief(prompt, key) if inputs.get("document", "").startswith(HEAD) else None
    if "answer" in wanted and " ".join(prompt.form.instructions.split()) == _SOLVE:
        if due(options.faults.identical, *key[:-1], "identical"):
            key = key[:-1]
        return solve(prompt, key, options.ability)
    return None


def solve(prompt: Prompt, key: tuple[object, ...], ability: float) -> dict[str, Any]:
    """Answer a request to solve a task: say the key phrases of the criteria that are met.

    Args:
        prompt: The request, with the question.
        key: What the random draws follow from.
        ability: In logits.
    """
    question = prompt.inputs.get("question", "")
    case = case_of(question)
    terms = named(question)
    known = keys(case.seed, case.criteria, terms)
    draw = stream(*key, "answer")
    mood = draw.gauss(0.0, MOOD)
    said = [
        phrase
        for phrase, offset, kind in zip(known.phrases, known.offsets, kinds(case), strict=True)
        if draw.random()
        < max(
            chance(case, kind, offset, ability, mood),
            COPIED if kind != "error" and phrase in question else 0.0,
        )
    ]
    return {"answer": _answered(draw, said, terms)}


def _answered(draw: random.Random, said: list[str], terms: tuple[str, ...]) -> str:
    draw.shuffle(said)
    return answer_of(draw, said, terms)
