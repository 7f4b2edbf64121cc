"""The simulated challenger and orchestrator of the legal domain."""

import random
import re
from collections.abc import Mapping
from typing import Any

from ...domains.legal.extract import HEAD, forbidden
from ...domains.legal.prompts import AnalyzeLegalRounds, WriteLegalTask
from ...records import Outcome
from .. import irt
from ..advice import given, principles, skills
from ..advice import written as sentences
from ..briefing import aim, entries
from ..codec import decode
from ..principles import SKILLS, Effect, combined, recognise
from ..prompts import Prompt
from ..seeds import stream, uniform
from ..sentences import criterion_of, reference_of
from ..words import keys, salient
from .law import (
    CLASSES,
    EASE,
    FIRST_COUNT,
    HARDEN,
    LATER_COUNT,
    Case,
    drafted,
    kinds,
    written,
)
from .text import (
    FIRST_LENGTH,
    LENGTH_SPREAD,
    SHORT_OF,
    SHORT_SPREAD,
    SHORTEST,
    TERMS,
    question_of,
)

SLIP = 0.02
"""Chance of a phrase that code refuses, and of a name of the source."""

_SHIPPED = recognise(WriteLegalTask.instructions) - SKILLS
_ZERO = combined(dict.fromkeys(_SHIPPED, 1.0))
_SKILLS = len(recognise(AnalyzeLegalRounds.instructions) & SKILLS)

_KNOWING = ("naming the governing rule", "knowing the exceptions", "knowing the time limits")
_THINKING = (
    "applying a rule to the facts",
    "weighing competing interests",
    "seeing the neighbouring doctrine",
    "choosing a remedy",
    "advising on proof",
)
_CLASSED = (1, 2, 1)
"""How often a positive criterion is of each class."""
_TYPES = ("rights after a broken promise", "who bears a loss", "limits of a duty", "what to do now")
_SKILL_TAGS = ("issue spotting", "rule application", "weighing interests", "advising a client")

_LABELS = re.compile(
    r"^(?:Document type:|Topics:|Issues$|Facts$|Holdings$| +Reasoning:)", re.MULTILINE
)
_WORD = re.compile(r"[A-Za-z]+")
_PLACES = (
    "Look at the rule on {one} and at what it takes for {other} to matter.",
    "Start from the condition that ties {one} to {other}.",
    "Use the exception that {one} makes for {other}.",
)
_LIMIT = "Keep the question under {limit} characters."
_TOLD_LIMIT = re.compile(r"Keep the question under (\d{2,4}) characters")
_SEEN_LIMIT = re.compile(r"at most (\d{2,4}) (?:are allowed|characters)")
_EASED = "Drop criteria of pure recall and reward reasoning from facts that the person tells."
_HARDENED = "Add a step, a doctrine that nearly applies and an exception."
_TURNED = "Take another angle on the same source."
FLOOR, SATURATION = "knowledge floor", "saturation"
"""How the simulated referee names what is wrong; the orchestrator looks for these words."""


def brief(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to plan or to analyze."""
    draw = stream(*key, "brief")
    advice = given(prompt, (), ("brief", "lesson"))
    failures = prompt.inputs.get("failures", "")
    one, other = draw.sample(_terms(prompt.inputs.get("document", "")), 2)
    steer, turn = _turned(failures, _skilled(skills(advice)), key)
    kept = [name for name, weight in principles(advice).items() if draw.random() < weight]
    limits = _SEEN_LIMIT.findall(failures)
    parts = [draw.choice(_PLACES).format(one=one, other=other), " ".join(sentences(kept))]
    parts += [turn, _LIMIT.format(limit=limits[-1]) if limits else ""]
    parts.append(f"Depth to aim for: {steer:+.2f}.")
    lesson = f"The latest exercise did not show who understands {one}: {turn or 'nothing failed.'}"
    return {"brief": "\n\n".join(part for part in parts if part), "lesson": lesson}


def _skilled(found: float) -> float:
    """Return how well an orchestrator steers, in [0.1, 1]; the shipped prompts give 0.5."""
    beyond = (found - _SKILLS) / (len(SKILLS) - _SKILLS)
    return min(max(0.5 + 0.5 * beyond, 0.1), 1.0)


def _turned(failures: str, skilled: float, key: tuple[object, ...]) -> tuple[float, str]:
    """Return the next depth and what to say about it.

    The latest exercise that a referee has seen says where the episode stands.
    """
    steer, turn = 0.0, ""
    pushed = stream(*key, "steer").random() * skilled
    for group, entry in entries(failures):
        if latent := decode(entry):
            steer = latent.steer
        if group == Outcome.FAILED_QUALITY_CHECK.value:
            continue
        if FLOOR in entry or group == Outcome.FAILED_ON_STRONG.value:
            steer, turn = steer - EASE * pushed, _EASED
        elif SATURATION in entry or group == Outcome.TOO_EASY.value:
            steer, turn = steer + HARDEN * pushed, _HARDENED
        else:
            turn = _TURNED
        break
    return irt.clip(steer, *irt.STEER_LIMITS), turn


def write_task(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to write a task."""
    material, told = prompt.inputs.get("document", ""), prompt.inputs.get("brief", "")
    advice = principles(given(prompt, ("brief",), ("notes",)))
    effect = Effect(*(a - b for a, b in zip(combined(advice), _ZERO, strict=True)))
    draw = stream(*key, "task")
    count = LATER_COUNT if _EASED in told else FIRST_COUNT
    case = drafted(effect, material, aim(told), count, draw)
    terms = tuple(_terms(material)[:TERMS])
    known = keys(case.seed, case.criteria, terms)
    rewards = [p for p, kind in zip(known.phrases, kinds(case), strict=True) if kind != "error"]
    names = forbidden(material)
    named = [draw.choice(_KNOWING), *draw.sample(_THINKING, 2)]
    others = [draw.choice([one for one in _KNOWING if one not in named])]
    rubric = _rubric(case, known.phrases, terms, (*named, *others), draw)
    task = {
        "question_type": draw.choice(_TYPES),
        "skills": draw.sample(_SKILL_TAGS, 2),
        "capabilities": {
            "primary": named,
            "secondary": others,
            "rewards": f"Shows how {terms[0]} decides on these facts.",
            "penalises": f"Treats {terms[1]} as if it settled everything.",
        },
        "question": question_of(
            draw,
            terms,
            written(case),
            _length(told, draw),
            phrase=draw.random() < SLIP,
            name=draw.choice(names) if names and draw.random() < SLIP else "",
        ),
        "reference": reference_of(draw, rewards, terms),
        "rubric": rubric,
    }
    if draw.random() > irt.sigmoid(irt.VALID + effect.valid):
        task = _spoiled(task, draw, readable=_repaired(prompt, key))
    kept = sentences(name for name, weight in advice.items() if draw.random() < weight)
    return {"notes": f"Rules kept for this task. {' '.join(kept) or 'None.'}", "task": task}


def _rubric(
    case: Case,
    phrases: tuple[str, ...],
    terms: tuple[str, ...],
    capabilities: tuple[str, ...],
    draw: random.Random,
) -> list[dict[str, Any]]:
    """Write the criteria; recall goes to capabilities of knowing, the rest to thinking."""
    knowing = [one for one in capabilities if one in _KNOWING]
    thinking = [one for one in capabilities if one in _THINKING]
    found = []
    for phrase, kind in zip(phrases, kinds(case), strict=True):
        name = "negative" if kind == "error" else draw.choices(list(CLASSES), _CLASSED)[0]
        weight = -draw.randint(*irt.COST) if kind == "error" else draw.randint(*CLASSES[name])
        found.append(
            {
                "criterion": criterion_of(draw, phrase, terms, weight > 0),
                "weight": weight,
                "capability": draw.choice(knowing if kind == "recall" else thinking),
                "weight_class": name,
            }
        )
    return found


def _length(told: str, draw: random.Random) -> float:
    limit = _TOLD_LIMIT.search(told)
    if limit is None:
        return max(SHORTEST, draw.gauss(FIRST_LENGTH, LENGTH_SPREAD))
    return max(SHORTEST, draw.gauss(int(limit[1]) - SHORT_OF, SHORT_SPREAD))


def _terms(material: str) -> list[str]:
    """Return what a text is about, without the names in it; a writer avoids those."""
    # The first two lines of an extract are the heading and the names.
    body = material.split("\n", 2)[-1] if material.startswith(HEAD) else material
    body = _LABELS.sub("", body)
    avoided = {word.lower() for one in forbidden(material) for word in _WORD.findall(one)}
    plain = {word for word in _WORD.findall(body) if word[0].islower()} - avoided
    return list(salient(" ".join(word for word in _WORD.findall(body) if word.lower() in plain)))


def _repaired(prompt: Prompt, key: tuple[object, ...]) -> bool:
    """Say whether the form of this request makes the task readable."""
    if prompt.schema or not prompt.form.json:
        return prompt.schema
    return uniform(*key, "repair") < irt.REPAIRED


def _spoiled(task: Mapping[str, Any], draw: random.Random, *, readable: bool) -> Any:
    """Break a task as language models do: against a rule of code, or beyond reading."""
    rubric = task["rubric"]
    if draw.random() >= irt.UNREADABLE:
        way = draw.randrange(3)
        if way == 0:
            return {**task, "rubric": rubric[: draw.randint(6, 12)]}
        wrong = {"capability": "general diligence"} if way == 1 else {"weight_class": "critical"}
        last = next(one for one in rubric if one["weight_class"] == "negative")
        return {**task, "rubric": [{**one, **wrong} if one is last else one for one in rubric]}
    if readable:
        return dict(task)
    if draw.random() < 0.5:
        return {name: value for name, value in task.items() if name != "capabilities"}
    return {**task, "rubric": [{**rubric[0], "weight": 3.5}, *rubric[1:]]}
