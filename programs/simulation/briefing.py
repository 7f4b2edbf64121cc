"""The simulated orchestrator: where to look, what to keep to, and how deep to aim."""

import random
import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from ..records import Outcome
from .advice import given, principles, skills, written
from .codec import decode
from .irt import EASIER, HARDER, STEER_LIMITS, clip
from .prompts import Prompt
from .seeds import stream
from .shipped import skill
from .words import salient

_MARK = re.compile(
    rf"^({'|'.join(re.escape(one.value) for one in Outcome)})$|^- Round (\d+):.*$", re.MULTILINE
)
_AIM = re.compile(r"Depth to aim for: ([+-]\d+\.\d+)")

_PLACES = (
    "Look at the passage where {one} and {other} pull apart.",
    "Start from the place where {one} no longer predicts {other}.",
    "Use the part in which {one} changes what {other} means.",
    "Work from the comparison of {one} with {other}.",
    "Turn to the limits that the text sets on {one} in view of {other}.",
)
_LESSONS = {
    Outcome.TOO_EASY.value: "The latest question could be answered by general knowledge of {one}; "
    "nothing in it hung on {other}.",
    Outcome.FAILED_ON_STRONG.value: "The latest question left open what was wanted about {one}, "
    "and {other} could not be inferred.",
    Outcome.FAILED_QUALITY_CHECK.value: "The latest question did not pass the check, so nothing "
    "is known about how {one} and {other} separate readers.",
}
_NOTHING = "Nothing has failed yet; {one} and {other} are as good a start as any."


def brief(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to plan or to analyze.

    Args:
        prompt: The request, with the document and perhaps the failures.
        key: What the random draws follow from.
    """
    draw = stream(*key, "brief")
    advice = given(prompt, (), ("brief", "lesson"))
    terms = salient(prompt.inputs.get("document", ""))
    one, other = draw.sample(terms, 2)
    steer, group = _steer(prompt.inputs.get("failures", ""), skill(skills(advice)), key)
    parts = [
        draw.choice(_PLACES).format(one=one, other=other),
        *_passed_on(advice, draw),
        f"Depth to aim for: {steer:+.2f}.",
    ]
    lesson = _LESSONS.get(group, _NOTHING).format(one=one, other=other)
    return {"brief": "\n\n".join(parts), "lesson": lesson}


def aim(text: str) -> float:
    """Read the depth that a brief aims for, within its limits; 0 if it names none."""
    found = _AIM.search(text)
    return clip(float(found[1]), *STEER_LIMITS) if found else 0.0


def _passed_on(advice: Mapping[str, float], draw: random.Random) -> list[str]:
    """Pass principles on to the writer; those of demonstrations as often as they count."""
    chosen = [name for name, weight in principles(advice).items() if draw.random() < weight]
    return [" ".join(sentences)] if (sentences := written(chosen)) else []


def _steer(failures: str, skilled: float, key: tuple[object, ...]) -> tuple[float, str]:
    """Return the next depth, and the group of the latest failure.

    The latest question with a code says where the episode stands. Rounds after it had no question
    at all, and teach nothing.
    """
    latest = steer_group = ""
    steer = 0.0
    for group, entry in entries(failures):
        latest = latest or group
        if (latent := decode(entry)) is not None:
            steer, steer_group = latent.steer, group
            break
    pushed = stream(*key, "steer").random() * skilled
    if steer_group == Outcome.TOO_EASY.value:
        steer += EASIER * pushed
    elif steer_group == Outcome.FAILED_ON_STRONG.value:
        steer -= HARDER * pushed
    return clip(steer, *STEER_LIMITS), latest


def entries(failures: str) -> list[tuple[str, str]]:
    """Return the failed rounds with their groups, the latest first."""
    group, found = "", []
    marks = list(_MARK.finditer(failures))
    for mark, after in zip_longest(marks, marks[1:]):
        if mark[1]:
            group = mark[1]
        else:
            entry = failures[mark.start() : after.start() if after else len(failures)]
            found.append((int(mark[2]), group, entry))
    return [(group, entry) for _, group, entry in sorted(found, reverse=True)]
