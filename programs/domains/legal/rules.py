"""What code demands of a legal task, and what nobody can lift once code has found it.

In the paper the overrides come after the referee and turn an acceptance around (arXiv 2606.25996,
Figs 12 and 13). Here they come first: since no verdict can save such a task, its attempts would be
paid for and thrown away. The check for a case recap needs the document and is the verifier's
(`roles.CaseRecap`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ....metrics import RubricRules, faults
from ...records import CapabilityTask

LONGEST = 1000
"""Characters of the longest question."""

BANDS: dict[str, tuple[int, int]] = {
    "critical": (8, 10),
    "important": (5, 7),
    "slight": (2, 4),
    "negative": (-10, -1),
}
"""Lowest and highest weight of each class."""

PHRASES = (
    "court of appeals",
    "supreme court of",
    "in the case of",
    "in re",
    "you are an",
    "act as",
    "as a law clerk",
    "draft the arguments",
    "draft the brief",
    "the trial court held",
    "on appeal",
)
"""Words of case reports and of instructions to a model (arXiv 2606.25996, Fig. 12)."""

# Not part of a longer word: "in re-opening the shop" cites no case.
_PHRASES = {
    phrase: re.compile(r"\b" + r"\s+".join(phrase.split()) + r"(?![\w-])", re.IGNORECASE)
    for phrase in PHRASES
}
# A sum of money such as $1850 or 1850.00 is no year.
_YEAR = re.compile(r"(?<![\w$€£])(?<!\d[.,])(?:18\d\d|19[0-3]\d)(?!\d|[.,]\d)")
_RUBRIC = RubricRules(polarity="mixed", total_min=15, total_max=25, negatives_min=1)


@dataclass(frozen=True)
class LegalRules:
    """The rules of tasks with capabilities: counts, classes of weight, names and wording."""

    rubric: RubricRules = _RUBRIC
    longest: int = LONGEST
    """Characters of the longest question."""

    def describe(self) -> str:
        """Tell the writer the rules."""
        classes = ", ".join(
            f"{name} for {low} to {high}"
            for name, (low, high) in BANDS.items()
            if name != "negative"
        )
        return (
            f"{self.rubric.describe()} The weight class of a criterion is {classes}, and negative "
            "for every weight below 0; a positive weight of 1 has no class. The capability of "
            "every criterion is one of the primary or secondary capabilities, word for word. "
            f"The question has at most {self.longest} characters, names no party and no case of "
            "the document, mentions no year from 1800 to 1939, and has none of these phrases: "
            f"{', '.join(PHRASES)}."
        )

    def faults(self, task: CapabilityTask) -> list[str]:
        """List every rule that a task breaks, each with its remedy."""
        return [
            *overrides(task.question, self.longest),
            *faults(task.rubric, self.rubric),
            *_class_faults(task),
            *_capability_faults(task),
        ]


def overrides(question: str, longest: int = LONGEST) -> list[str]:
    """Return why a question is refused whatever a referee would think of it; empty if it is not.

    Args:
        question: What the solvers would see.
        longest: Most characters.
    """
    found = []
    if len(question) > longest:
        found.append(
            f"The question has {len(question)} characters: at most {longest} are allowed; "
            f"shorten it by {len(question) - longest}."
        )
    found += [
        f"The question says {phrase!r}, as a case report or an instruction does: let the person "
        "speak in everyday words."
        for phrase, pattern in _PHRASES.items()
        if pattern.search(question)
    ]
    years = sorted(set(_YEAR.findall(question)))
    if years:
        found.append(
            f"The question mentions {', '.join(years)}: no year from 1800 to 1939 is allowed; "
            "move the story to the present."
        )
    return found


def same(name: str) -> str:
    """Return a capability's name as it is compared: without case and surplus space."""
    return " ".join(name.casefold().split())


def _class_faults(task: CapabilityTask) -> Iterator[str]:
    for position, item in enumerate(task.rubric, 1):
        low, high = BANDS[item.weight_class]
        if not low <= item.weight <= high:
            yield (
                f"Criterion {position} is {item.weight_class} with weight {item.weight}: this "
                f"class goes from {low} to {high}; change the class or the weight."
            )


def _capability_faults(task: CapabilityTask) -> Iterator[str]:
    named = {same(one) for one in (*task.capabilities.primary, *task.capabilities.secondary)}
    for position, item in enumerate(task.rubric, 1):
        if same(item.capability) not in named:
            yield (
                f"Criterion {position} tests {item.capability!r:.80}, which is not among the "
                "capabilities; name it there or assign the criterion to one of them."
            )
