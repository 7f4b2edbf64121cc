"""Gates as data: the bounds that a task's grades must keep, with the paper's presets."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from .exact import Exact, exact

_FROZEN = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Bound(BaseModel):
    """A limit and whether the limit itself is allowed."""

    model_config = _FROZEN

    limit: Exact
    """A grade in [0, 1], or a gap in [-1, 1]."""
    inclusive: bool = True
    """True: the limit itself passes. False: it does not."""


class Gate(BaseModel):
    """The rule that accepts a task from the grades of its attempts. A rule left out always holds.

    The paper has several (arXiv 2606.25996, section 3.1, Fig. 7 and section 4): see `GATES`.
    """

    model_config = _FROZEN

    name: str
    """What config, journal and MLflow call it."""
    weak_mean_max: Bound | None = None
    """Highest mean grade of the weak attempts."""
    weak_best_max: Bound | None = None
    """Highest grade that any weak attempt may have."""
    weak_zeros: bool = True
    """Whether a weak attempt may have a grade of exactly 0."""
    strong_mean_min: Bound | None = None
    """Lowest mean grade of the strong attempts."""
    strong_mean_max: Bound | None = None
    """Highest mean grade of the strong attempts."""
    strong_zeros: bool = True
    """Whether a strong attempt may have a grade of exactly 0."""
    gap_min: Bound | None = None
    """Lowest strong mean minus weak mean."""

    @property
    def open(self) -> bool:
        """Whether it has no rule at all, so that every set of grades passes."""
        return self == Gate(name=self.name)

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for field in ("weak_mean_max", "weak_best_max", "strong_mean_min", "strong_mean_max"):
            _check_limit(field, getattr(self, field), lowest=0)
        _check_limit("gap_min", self.gap_min, lowest=-1)
        low, high = self.strong_mean_min, self.strong_mean_max
        if low and high and low.limit > high.limit:
            raise ValueError(
                f"strong_mean_min={low.limit}, strong_mean_max={high.limit}: no mean meets both; "
                f"lower `strong_mean_min` or raise `strong_mean_max`"
            )
        return self


def _check_limit(field: str, bound: Bound | None, lowest: int) -> None:
    if bound is not None and not lowest <= bound.limit <= 1:
        raise ValueError(
            f'{field}={bound.limit}: must lie in [{lowest}, 1]; write 65 percent as 0.65 or "65%"'
        )


def _bound(limit: str, *, inclusive: bool = True) -> Bound:
    return Bound(limit=exact(limit), inclusive=inclusive)


_META: dict[str, Any] = {
    "weak_mean_max": _bound("0.65"),
    "weak_best_max": _bound("0.75"),
    "strong_mean_min": _bound("0.60"),
    "strong_mean_max": _bound("0.95"),
    "gap_min": _bound("0.20"),
}
_DEPLOYED = _META | {
    "weak_zeros": False,
    "strong_mean_max": _bound("0.95", inclusive=False),
    "strong_zeros": False,
}
_PROSE: dict[str, Any] = {
    "weak_mean_max": _bound("0.50", inclusive=False),
    "strong_mean_min": _bound("0.65"),
    "gap_min": _bound("0.20"),
}

# Four answers a solver, each right or wrong: at most one weak and at least three strong are right.
_COUNTS: dict[str, Any] = {"weak_mean_max": _bound("1/4"), "strong_mean_min": _bound("3/4")}

_PRESETS: dict[str, dict[str, Any]] = {
    "prose": _PROSE,
    "deployed": _DEPLOYED,
    "meta": _META,
    "scientific": _COUNTS,
    "legal": {},
}

GATES: Mapping[str, Gate] = MappingProxyType(
    {name: Gate(name=name, **rules) for name, rules in _PRESETS.items()}
)
"""The paper's gates: `prose` (section 3.1), `deployed` (Fig. 7), `meta` (section 4), `scientific`
(section 3.3), and `legal` (section 3.2), which has no rule because a referee decides."""


def gate(name: str) -> Gate:
    """Return one of the paper's gates by name.

    Raises:
        ValueError: If there is none of this name; the message lists them and the nearest.
    """
    if name in GATES:
        return GATES[name]
    near = difflib.get_close_matches(name, GATES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; choose one of these"
    raise ValueError(f"gate={name!r:.60}: known gates are {', '.join(sorted(GATES))}{hint}")
