"""What code demands of the form of a legal task: its rubric, classes of weight, capabilities."""

from collections.abc import Iterator
from dataclasses import dataclass

from ....metrics import RubricRules, faults
from ...records import CapabilityTask
from .overriding import LONGEST, PHRASES

BANDS: dict[str, tuple[int, int]] = {
    "critical": (8, 10),
    "important": (5, 7),
    "slight": (2, 4),
    "negative": (-10, -1),
}
"""Lowest and highest weight of each class."""

_RUBRIC = RubricRules(polarity="mixed", total_min=15, total_max=25, negatives_min=1)


@dataclass(frozen=True)
class LegalRules:
    """The rules of tasks with capabilities: counts, classes of weight, names and wording."""

    rubric: RubricRules = _RUBRIC

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
            f"The question has at most {LONGEST} characters, names no party and no case of "
            "the document, mentions no year from 1800 to 1939, and has none of these phrases: "
            f"{', '.join(PHRASES)}."
        )

    def faults(self, task: CapabilityTask) -> list[str]:
        """List every rule that a task breaks, each with its remedy."""
        return [
            *faults(task.rubric, self.rubric),
            *_class_faults(task),
            *_capability_faults(task),
        ]


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
