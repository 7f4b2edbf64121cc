"""The simulated challenger: draws a task as its prompts make it, and writes it down."""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import irt
from .advice import given, principles, written
from .briefing import aim
from .codec import Latent, encode
from .prompts import Prompt
from .seeds import character, stream, uniform
from .sentences import context_of, criterion_of, question_of, reference_of
from .shipped import beyond_shipped
from .words import keys, salient

_TYPES = (
    "counterfactual prediction",
    "decision under constraints",
    "resolving a contradiction",
    "weighing competing causes",
    "boundary of a conclusion",
)
_SKILLS = (
    "causal reasoning",
    "quantitative judgement",
    "experimental design",
    "weighing trade-offs",
    "reading evidence critically",
)


class Draft(NamedTuple):
    """A task before it is written down."""

    latent: Latent
    weights: tuple[int, ...]
    """Of the criteria, in order; negative where an error is named."""
    broken: bool
    """It is not well-formed."""


def write_task(prompt: Prompt, key: tuple[object, ...], *, leaked: bool = False) -> dict[str, Any]:
    """Answer a request to write a task.

    Args:
        prompt: The request, with document, brief and worked examples.
        key: What the random draws follow from.
        leaked: Give the whole answer away in the context.
    """
    document = prompt.inputs.get("document", "")
    advice = principles(given(prompt, ("brief",), ("notes",)))
    draw = stream(*key, "task")
    draft = drafted(advice, document, aim(prompt.inputs.get("brief", "")), prompt.temperature, draw)
    terms = salient(document)
    known = keys(draft.latent.seed, draft.latent.criteria, terms)
    rewards = [p for p, weight in zip(known.phrases, draft.weights, strict=True) if weight > 0]
    task = {
        "question_type": draw.choice(_TYPES),
        "skills": draw.sample(_SKILLS, 2),
        "context": context_of(draw, terms, rewards if leaked else ()),
        "question": question_of(draw, terms, encode(draft.latent)),
        "reference": reference_of(draw, rewards, terms),
        "rubric": [
            {"criterion": criterion_of(draw, phrase, terms, weight > 0), "weight": weight}
            for phrase, weight in zip(known.phrases, draft.weights, strict=True)
        ],
    }
    if draft.broken:
        task = _spoiled(task, draw, readable=_repaired(prompt, key))
    return {"notes": _notes(advice, draw), "task": task}


def drafted(
    advice: Mapping[str, float],
    document: str,
    steer: float,
    temperature: float,
    draw: random.Random,
) -> Draft:
    """Draw what the task is, before its words."""
    law = irt.law(beyond_shipped(advice), *character(document), steer, temperature)
    chance = irt.sigmoid(law.insight + draw.gauss(0.0, irt.INSIGHT_SPREAD * law.noise))
    positive = draw.random() < advice.get("positive_rubric", 0.0)
    count = draw.randint(*(irt.CRITERIA_POSITIVE if positive else irt.CRITERIA_MIXED))
    errors = 0 if positive else draw.randint(*irt.ERRORS)
    negative = sum(1 << i for i in draw.sample(range(count), errors))
    reward = irt.REWARD_POSITIVE if positive else irt.REWARD_MIXED
    weights = tuple(
        -draw.randint(*irt.COST) if negative >> i & 1 else draw.randint(*reward)
        for i in range(count)
    )
    latent = Latent(
        seed=draw.getrandbits(24),
        difficulty=law.difficulty + draw.gauss(0.0, irt.DIFFICULTY_SPREAD * law.noise),
        log_a=law.log_a + draw.gauss(0.0, irt.LOG_A_SPREAD * law.noise),
        leak=irt.sigmoid(law.leak + draw.gauss(0.0, irt.LEAK_SPREAD * law.noise)),
        clarity=law.clarity,
        steer=steer,
        criteria=count,
        insight=sum((draw.random() < chance) << i for i in range(count)),
        negative=negative,
    )
    return Draft(latent, weights, broken=draw.random() > irt.sigmoid(law.valid))


def _notes(advice: Mapping[str, float], draw: random.Random) -> str:
    """State what was kept to; a principle seen in a demonstration is kept as often as it counts."""
    kept = written(name for name, weight in advice.items() if draw.random() < weight)
    rules = " ".join(kept) if kept else "No rule of its own."
    return f"Rules kept for this task. {rules}\n\nThe idea: one place of the text decides it."


def _repaired(prompt: Prompt, key: tuple[object, ...]) -> bool:
    """Say whether the form of this request makes the task readable.

    A schema always does; asking again for JSON, as DSPy does after an unreadable answer, does half
    of the time.
    """
    if prompt.schema or not prompt.form.json:
        return prompt.schema
    return uniform(*key, "repair") < irt.REPAIRED


def _spoiled(task: dict[str, Any], draw: random.Random, *, readable: bool) -> Any:
    """Break a task in one of the ways in which language models do.

    A readable task may still have too few criteria, which no form prevents.
    """
    if draw.random() >= irt.UNREADABLE:
        return {**task, "rubric": task["rubric"][: draw.randint(4, 8)]}
    if readable:
        return task
    kind = draw.randrange(3)
    if kind == 0:
        missing = draw.choice(("reference", "question", "rubric"))
        return {name: value for name, value in task.items() if name != missing}
    if kind == 1:
        first, *others = task["rubric"]
        return {**task, "rubric": [{**first, "weight": 3.5}, *others]}
    return f"{{'question_type': {task['question_type']}, 'context': \"{task['context'][:80]}"
