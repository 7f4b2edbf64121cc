"""Rubrics: weighted criteria, the rules they keep, and the grade they give an answer."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    model_validator,
)

_WHOLE = re.compile(r"[+-]?[0-9]+")


def _whole(value: Any) -> int:
    """Read a weight; weaker models write "+8" or 8.0 where 8 is meant."""
    if isinstance(value, bool):
        raise ValueError(f"{value}: a truth value is not a weight; write a whole number")
    text = isinstance(value, str) and _WHOLE.fullmatch(value.strip())
    if not (text or isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise ValueError(f"{value!r:.60}: a weight is a whole number; write 8, +8 or -3")
    weight = int(value)
    if weight == 0 or abs(weight) > 10:
        raise ValueError(f"{weight}: a weight is 1 to 10 or -10 to -1; choose one of these")
    return weight


def _category(fields: dict[str, Any]) -> Literal["positive", "negative"]:
    return "positive" if fields["weight"] > 0 else "negative"


# The docstring and the descriptions below are shown to the model: speak to the model only.
class Criterion(BaseModel):
    """One statement that is either true or false of an answer, and what it is worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)
    ] = Field(
        description="what a judge looks for in the answer: one specific insight (positive) or "
        "one specific reasoning error (negative), decidable as true or false"
    )
    weight: Annotated[int, BeforeValidator(_whole)] = Field(
        ge=-10,
        le=10,
        description="whole number: 1 to 10 for an insight, -10 to -1 for an error, never 0; "
        "further from 0 is more important",
    )
    category: Literal["positive", "negative"] = Field(
        default_factory=_category,
        description="'positive' if the weight is above 0, 'negative' if it is below 0",
    )

    @model_validator(mode="after")
    def _signs_agree(self) -> Self:
        expected = _category({"weight": self.weight})
        if self.category != expected:
            raise ValueError(
                f"category={self.category!r} with weight={self.weight}: the category follows the "
                f"weight's sign; write {expected!r} or turn the sign around"
            )
        return self


class RubricRules(BaseModel):
    """What a rubric must look like: the quality verifier's counts (arXiv 2606.25996, Fig. 9)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    polarity: Literal["mixed", "positive", "either"] = "either"
    """mixed: negative criteria needed; positive: none allowed; either: none, or enough of them."""
    total_min: PositiveInt = 10
    """Fewest criteria."""
    total_max: PositiveInt = 20
    """Most criteria."""
    positives_min: PositiveInt = 4
    """Fewest criteria with a positive weight."""
    negatives_min: NonNegativeInt = 3
    """Fewest criteria with a negative weight, where the polarity asks for any."""
    weight_max: int = Field(default=10, ge=1, le=10)
    """Largest distance of a weight from 0."""

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.total_min > self.total_max:
            raise ValueError(
                f"total_min={self.total_min}, total_max={self.total_max}: no rubric has both; "
                f"lower `total_min` or raise `total_max`"
            )
        needed = self.positives_min + (_negatives(self) if self.polarity == "mixed" else 0)
        if needed > self.total_max:
            raise ValueError(
                f"total_max={self.total_max}: {needed} criteria are needed by `positives_min` and "
                f"`negatives_min`; raise `total_max` or lower these"
            )
        return self

    def describe(self) -> str:
        """Tell a writer the rules, as one imperative paragraph for a prompt."""
        least = max(1, self.negatives_min)
        total = (
            f"exactly {self.total_min}"
            if self.total_min == self.total_max
            else f"{self.total_min} to {self.total_max}"
        )
        negatives = {
            "mixed": f" and at least {least} negative",
            "positive": " and no negative",
            "either": f" and either no negative or at least {least} negative",
        }[self.polarity]
        weights = f"from 1 to {self.weight_max} for a positive criterion (an insight to reward)"
        if self.polarity != "positive":
            weights += f", from -{self.weight_max} to -1 for a negative one (an error to penalize)"
        return (
            f"Write {total} criteria, each different from the others. Include at least "
            f"{self.positives_min} positive{negatives} criteria. "
            f"Give each a whole-number weight {weights}; never 0."
        )


def _negatives(rules: RubricRules) -> int:
    return max(1, rules.negatives_min) if rules.polarity == "mixed" else rules.negatives_min


def faults(rubric: Sequence[Criterion], rules: RubricRules) -> list[str]:
    """List every rule that a rubric breaks.

    Args:
        rubric: The criteria, in any order.
        rules: The counts and weights to keep (arXiv 2606.25996, Fig. 9, check 3).

    Returns:
        One sentence a fault, with the value, the rule and the remedy; empty if there is none.
    """
    return [
        *_count_faults(rubric, rules),
        *_weight_faults(rubric, rules),
        *_duplicate_faults(rubric),
    ]


def _count_faults(rubric: Sequence[Criterion], rules: RubricRules) -> Iterator[str]:
    total = len(rubric)
    positives = sum(item.weight > 0 for item in rubric)
    negatives = total - positives
    if total < rules.total_min:
        missing = rules.total_min - total
        yield f"{total} criteria in total: at least {rules.total_min} are needed; add {missing}."
    if total > rules.total_max:
        extra = total - rules.total_max
        yield f"{total} criteria in total: at most {rules.total_max} are allowed; drop {extra}."
    if positives < rules.positives_min:
        missing = rules.positives_min - positives
        yield f"{positives} positive: at least {rules.positives_min} are needed; add {missing}."
    if rules.polarity == "positive":
        if negatives:
            yield f"{negatives} negative: none is allowed; drop or rewrite each as an insight."
        return
    least = _negatives(rules)
    if negatives < least and (negatives or rules.polarity == "mixed"):
        remedy = f"add {least - negatives}"
        if rules.polarity == "either":
            remedy += f" or drop the {negatives}"
        yield f"{negatives} negative: at least {least} are needed; {remedy}."


def _weight_faults(rubric: Sequence[Criterion], rules: RubricRules) -> Iterator[str]:
    for position, item in enumerate(rubric, start=1):
        if abs(item.weight) > rules.weight_max:
            yield (
                f"Criterion {position} has weight {item.weight}: weights go from "
                f"-{rules.weight_max} to {rules.weight_max}; bring it nearer to 0."
            )


def _duplicate_faults(rubric: Sequence[Criterion]) -> Iterator[str]:
    places: dict[str, list[int]] = {}
    for position, item in enumerate(rubric, start=1):
        places.setdefault(" ".join(item.criterion.casefold().split()), []).append(position)
    for text, positions in places.items():
        if len(positions) > 1:
            listed = ", ".join(map(str, positions))
            yield f"Criteria {listed} are the same ({text!r:.80}): each must differ; keep one."


def grade(rubric: Sequence[Criterion], satisfied: Sequence[bool]) -> Fraction:
    """Grade one attempt: the weights it earned over the weights it could earn, clipped.

    The paper gives no formula for research papers. This is the clipped score of PRBench, which
    its legal evaluation uses (arXiv 2606.25996, section 2.2): sum of the signed weights of the
    satisfied criteria over the sum of the positive weights, cut off at 0 and 1.

    Args:
        rubric: The criteria, at least one of them positive.
        satisfied: For each criterion whether it is true of the answer. For a negative criterion
            True means that the error was made.

    Returns:
        A grade in [0, 1]; higher is better.

    Raises:
        ValueError: If the lengths differ, an entry is not a bool, or no weight is positive.
    """
    if len(satisfied) != len(rubric):
        raise ValueError(
            f"{len(satisfied)} verdicts for {len(rubric)} criteria: give exactly one per criterion"
        )
    for position, entry in enumerate(satisfied, start=1):
        if type(entry) is not bool:
            raise ValueError(f"verdict {position} is {entry!r:.60}: give True or False")
    available = sum(item.weight for item in rubric if item.weight > 0)
    if available == 0:
        raise ValueError(
            f"{len(rubric)} criteria, none with a positive weight: nothing can be earned; "
            f"add a positive criterion"
        )
    earned = sum(item.weight for item, met in zip(rubric, satisfied, strict=True) if met)
    return min(max(Fraction(earned, available), Fraction(0)), Fraction(1))
