"""Acceptance: what a gate says about a task's grades, and by how much a rule was missed."""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .exact import Exact
from .gap import checked
from .gates import GATES, Bound, Gate, gate

__all__ = [
    "GATES",
    "Bound",
    "Gate",
    "Group",
    "Miss",
    "Verdict",
    "decide",
    "decide_without",
    "gate",
]

_FROZEN = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Group(StrEnum):
    """Why a task was rejected, in the paper's words (arXiv 2606.25996, Fig. 8)."""

    TOO_EASY = "TOO EASY"
    FAILED_ON_STRONG = "FAILED ON STRONG"
    FAILED_QUALITY_CHECK = "FAILED QUALITY CHECK"


def _demand(fields: dict[str, Any]) -> Literal["at most", "at least"]:
    return "at most" if fields["value"] > fields["limit"] else "at least"


class Miss(BaseModel):
    """One rule of a gate that was not met."""

    model_config = _FROZEN

    rule: str
    """What was measured, such as "weak mean"."""
    value: Exact
    """What it was; with attempts left, the most favourable it can still become."""
    limit: Exact
    """What the gate allows."""
    by: Exact
    """Distance of value and limit, at least 0; 0 if the limit itself is not allowed."""
    group: Group
    """Where the orchestrator lists it."""
    demand: Literal["at most", "below", "at least", "above"] = Field(default_factory=_demand)
    """Where the value must lie, seen from the limit."""

    def __str__(self) -> str:
        """Say it in one sentence, with enough decimals to show the distance."""
        digits = next((d for d in range(3, 15) if round(self.by, d) > 0), 3)
        value, limit, by = (_decimal(v, digits) for v in (self.value, self.limit, self.by))
        side = "over" if self.demand in ("at most", "below") else "short"
        distance = f"{side} by {by}" if self.by else "the limit itself is out"
        return f"{self.rule} {value} must be {self.demand} {limit} ({distance})"


def _decimal(value: Fraction, digits: int) -> str:
    return f"{float(round(value, digits)):.{digits}f}".rstrip("0").removesuffix(".")


class Verdict(BaseModel):
    """What a gate says about a task: the rules it missed."""

    model_config = _FROZEN

    misses: tuple[Miss, ...] = ()
    """Every rule missed for certain, weak solver first."""

    @property
    def accepted(self) -> bool:
        """Whether no rule is missed. With attempts left: whether the gate is still open."""
        return not self.misses

    @property
    def group(self) -> Group | None:
        """The one group to list the task under; `None` when accepted."""
        groups = {miss.group for miss in self.misses}
        # Weak attempts that did too well outweigh a zero among them; a strong mean that is
        # too high does not, because a zero beside it makes the task itself suspect.
        if any(m.group is Group.TOO_EASY and m.rule in _WEAK_RULES for m in self.misses):
            return Group.TOO_EASY
        order = (Group.FAILED_QUALITY_CHECK, Group.TOO_EASY, Group.FAILED_ON_STRONG)
        return next((group for group in order if group in groups), None)

    @property
    def reason(self) -> str:
        """All misses as sentences; empty when accepted."""
        return "; ".join(map(str, self.misses))


_WEAK_RULES = ("weak mean", "best weak attempt")


def decide(
    gate: Gate,
    weak: Sequence[Fraction],
    strong: Sequence[Fraction],
    *,
    weak_left: int = 0,
    strong_left: int = 0,
) -> Verdict:
    """List the rules that are missed whatever the attempts still to come will score.

    With nothing left this is the exact verdict (arXiv 2606.25996, 2.1.2 and Fig. 7). With
    attempts left a verdict without misses means that the gate is still open, not accepted.

    Args:
        gate: The rules.
        weak: The grades so far of the weak solver, each in [0, 1].
        strong: The same for the strong solver.
        weak_left: Weak attempts still to come, 0 or more, each with any grade in [0, 1].
        strong_left: The same for the strong solver.

    Returns:
        The misses that are certain, each valued at the most favourable completion.

    Raises:
        ValueError: If a solver has no attempts and none left, a grade is not a Fraction in
            [0, 1], or a number left is negative.
    """
    weak_all = _total("weak", weak, weak_left)
    strong_all = _total("strong", strong, strong_left)
    weak_low = sum(weak, Fraction(0)) / weak_all
    strong_low = sum(strong, Fraction(0)) / strong_all
    strong_high = strong_low + Fraction(strong_left, strong_all)
    weak_best, weak_worst = max(weak, default=Fraction(0)), min(weak, default=Fraction(1))
    strong_worst = min(strong, default=Fraction(1))
    easy, hard, suspect = Group.TOO_EASY, Group.FAILED_ON_STRONG, Group.FAILED_QUALITY_CHECK
    found = (
        _over("weak mean", weak_low, gate.weak_mean_max, easy),
        _over("best weak attempt", weak_best, gate.weak_best_max, easy),
        _short("worst weak attempt", weak_worst, _floor(gate.weak_zeros), suspect),
        _short("strong mean", strong_high, gate.strong_mean_min, hard),
        _over("strong mean", strong_low, gate.strong_mean_max, easy),
        _short("worst strong attempt", strong_worst, _floor(gate.strong_zeros), hard),
        _short("gap", strong_high - weak_low, gate.gap_min, hard),
    )
    return Verdict(misses=tuple(miss for miss in found if miss is not None))


def decide_without(
    gate: Gate,
    weak: Sequence[Fraction],
    strong: Sequence[Fraction],
    weak_truncated: Sequence[bool],
    strong_truncated: Sequence[bool],
) -> Verdict:
    """Decide so that a gap made of truncated answers is never accepted.

    A truncated attempt is a real failure and counts, but a task that the full sets accept must be
    accepted by the untruncated attempts alone as well.

    Args:
        gate: The rules.
        weak: The grades of all weak attempts, each in [0, 1].
        strong: The same for the strong solver.
        weak_truncated: For each weak attempt whether its answer was cut off.
        strong_truncated: The same for the strong solver.

    Returns:
        The verdict on all attempts if it rejects or none was truncated; else the verdict on the
        untruncated ones, which a solver without any fails.

    Raises:
        ValueError: As `decide`, or if flags and grades differ in number.
    """
    full = decide(gate, weak, strong)
    weak_whole = _whole("weak", weak, weak_truncated)
    strong_whole = _whole("strong", strong, strong_truncated)
    if not full.accepted:
        return full
    missing = tuple(
        Miss(
            rule=f"untruncated {solver} attempts",
            value=Fraction(0),
            limit=Fraction(1),
            by=Fraction(1),
            group=Group.FAILED_QUALITY_CHECK,
        )
        for solver, whole in (("weak", weak_whole), ("strong", strong_whole))
        if not whole
    )
    return Verdict(misses=missing) if missing else decide(gate, weak_whole, strong_whole)


def _floor(zeros: bool) -> Bound | None:
    return None if zeros else Bound(limit=Fraction(0), inclusive=False)


def _total(solver: str, grades: Sequence[Fraction], left: int) -> int:
    if left < 0:
        raise ValueError(f"{solver}_left={left}: must be 0 or more; check the attempts counted")
    total = len(checked(solver, grades)) + left
    if total == 0:
        raise ValueError(f"{solver}=[]: no attempts and none left; raise `attempts` to at least 1")
    return total


def _whole(solver: str, grades: Sequence[Fraction], truncated: Sequence[bool]) -> list[Fraction]:
    if len(truncated) != len(grades):
        raise ValueError(
            f"{solver}_truncated has {len(truncated)} flags for {len(grades)} grades: "
            f"give one per attempt"
        )
    return [value for value, cut in zip(grades, truncated, strict=True) if not cut]


def _over(rule: str, value: Fraction, bound: Bound | None, group: Group) -> Miss | None:
    if bound is None or value < bound.limit or (bound.inclusive and value == bound.limit):
        return None
    by, demand = value - bound.limit, "at most" if bound.inclusive else "below"
    return Miss(rule=rule, value=value, limit=bound.limit, by=by, group=group, demand=demand)


def _short(rule: str, value: Fraction, bound: Bound | None, group: Group) -> Miss | None:
    if bound is None or value > bound.limit or (bound.inclusive and value == bound.limit):
        return None
    by, demand = bound.limit - value, "at least" if bound.inclusive else "above"
    return Miss(rule=rule, value=value, limit=bound.limit, by=by, group=group, demand=demand)
