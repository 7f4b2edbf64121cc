"""The simulated judge and quality verifier: both read what is written and now and then err."""

import random
import re
from typing import Any

from .irt import REJECT_LEAK, REJECT_OTHER
from .prompts import Prompt, items
from .seeds import number, stream, uniform
from .solving import latent_of, task_text
from .words import salient_set

NOTICED = 0.9
"""Chance that the verifier notices a context that says word for word what is asked."""
COVERED = 0.5
"""Share of a criterion's telling words that must stand in an answer, if it quotes no phrase."""

_QUOTED = re.compile(r"“([^”]{8,})”")
_NUMBER = re.compile(r"\s*(\d+)\s*[.:)]")
_ISSUES = (
    "Criterion {i} rewards style and not a step of the reasoning.",
    "Criterion {i} can be met by repeating what the context says.",
    "Criterion {i} joins two conditions that may come apart.",
)


def judge(prompt: Prompt, seed: int, error: float) -> dict[str, Any]:
    """Answer a request to judge: a criterion is met if its key phrase stands in the answer.

    Args:
        prompt: The request, with answer and criteria.
        seed: Root of the judge's errors, which follow from criterion and answer.
        error: Chance to misread one criterion, in [0, 1].
    """
    answer = " ".join(prompt.inputs.get("answer", "").lower().split())
    digest = number(answer)
    words = frozenset(re.findall(r"[a-z]+", answer))
    verdicts = []
    for place, criterion in enumerate(items(prompt.inputs.get("criteria", "[]")), 1):
        evidence = _evidence(criterion, answer, words)
        satisfied = evidence != "none"
        if uniform(seed, "judge", criterion, digest) < error:
            satisfied = not satisfied
            evidence = "the answer as a whole" if satisfied else "none"
        found = _NUMBER.match(criterion)
        verdicts.append(
            {
                "number": int(found[1]) if found else place,
                "evidence": evidence,
                "satisfied": satisfied,
            }
        )
    return {"verdicts": verdicts}


def check(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to check a task."""
    draw = stream(*key, "check")
    text = task_text(prompt)
    criteria = items(prompt.inputs.get("criteria", "[]"))
    leak = REJECT_LEAK * latent_of(text).leak
    if any(found[1] in text for one in criteria if (found := _QUOTED.search(one))):
        leak = NOTICED
    report: dict[str, Any] = {
        "leakage": "NO_LEAKAGE",
        "question": "GOOD",
        "rubric_issues": [],
        "question_type": "CONSISTENT",
        "feedback": "",
    }
    chance = draw.random()
    if chance < leak:
        report["leakage"] = "LEAKS_ANSWER"
        report["feedback"] = (
            "Context and question together say what is to be found; keep the finding out of both."
        )
    elif chance < leak + REJECT_OTHER:
        report |= _other(draw, max(len(criteria), 1))
    return {"report": report}


def _other(draw: random.Random, count: int) -> dict[str, Any]:
    """Find one of the rarer faults."""
    kind = draw.randrange(4)
    if kind == 0:
        feedback = "The answer can be looked up in the text; ask what follows from it."
        return {"question": "RECALL", "feedback": feedback}
    if kind == 1:
        feedback = "A fluent reader answers this at once; demand a decision between two accounts."
        return {"question": "TOO_EASY", "feedback": feedback}
    if kind == 2:
        issue = draw.choice(_ISSUES).format(i=draw.randint(1, count))
        feedback = "Make every criterion one concrete step of the reasoning."
        return {"rubric_issues": [issue], "feedback": feedback}
    feedback = "Name the kind of reasoning that the question really asks for."
    return {"question_type": "INCONSISTENT", "feedback": feedback}


def _evidence(criterion: str, answer: str, words: frozenset[str]) -> str:
    """Return the words of an answer that decide a criterion, or `none`."""
    quoted = _QUOTED.search(criterion)
    if quoted:
        phrase = quoted[1].lower()
        return phrase if phrase in answer else "none"
    telling = salient_set(criterion)
    shared = sorted(telling & words)
    return " ".join(shared) if telling and len(shared) >= COVERED * len(telling) else "none"
