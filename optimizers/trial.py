"""A trial: a candidate measured on the validation documents."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from ..programs import Episode
from ..programs.records import Record
from .candidate import Candidate
from .measurement import Measurement, measured

RULE = ".rule-"
"""In the name of every parameter that switches a rule on."""


class Trial(Record):
    """One candidate and what came of it."""

    number: int
    """Counted from 0; 0 is always the baseline."""
    origin: str
    """Who proposed the candidate: `baseline`, `sampler` for a point of a joint search, or the name
    of a method."""
    parent: int | None = None
    """Number of the trial that the candidate was made from; `None` for the baseline."""
    state: Literal["complete", "pruned", "failed"]
    """`pruned` stopped early because it was clearly worse; `failed` could not be scored
    on at least half of its documents."""
    candidate: Candidate
    params: dict[str, str | int | float]
    """The point of the search space, with short names for texts. Nothing that was found out by
    measuring is in here: it would look like a cause."""
    verdict: dict[str, str | float] = Field(default_factory=dict)
    """What the method made of the measurement, by short names."""
    value: float | None
    """The objective that the search was told, in [-1, 1]; an estimate if pruned."""
    measurement: Measurement
    episodes: tuple[Episode, ...]

    @property
    def choices(self) -> list[str]:
        """What it chose other than the baseline's, in short words; rules are counted."""
        words = [
            value
            for value in self.params.values()
            if isinstance(value, str) and value != "none" and not value.endswith("-0")
        ]
        rules = sum(value == 1 for name, value in self.params.items() if RULE in name)
        return [f"{rules} rule{'s' * (rules > 1)}", *words] if rules else words

    @classmethod
    def ended(
        cls,
        number: int,
        origin: str,
        candidate: Candidate,
        params: Mapping[str, str | int | float],
        episodes: Sequence[Episode],
        *,
        parent: int | None = 0,
        estimate: float | None = None,
        verdict: Mapping[str, str | float] = MappingProxyType({}),
    ) -> "Trial":
        """Close a trial.

        Args:
            number: Counted from 0.
            origin: Who proposed the candidate; trial 0 is the baseline whoever did.
            candidate: What was measured.
            params: The point of the search space.
            episodes: What came of it.
            parent: The trial that the candidate was made from; trial 0 has none.
            estimate: The value of a trial that was stopped early.
            verdict: What the method made of the measurement.
        """
        found = measured(episodes)
        # An average over the few documents that an outage has left says little, and favours luck.
        tried = found.episodes - found.unsuitable
        failed = found.gap is None or 2 * found.failures > tried
        told = found.gap if estimate is None else estimate
        return cls(
            number=number,
            origin="baseline" if number == 0 else origin,
            parent=None if number == 0 else parent,
            state="failed" if failed else "complete" if estimate is None else "pruned",
            candidate=candidate,
            params=dict(params),
            verdict=dict(verdict),
            value=None if failed else told,
            measurement=found,
            episodes=tuple(episodes),
        )


def refuse_outage(trials: Sequence[Trial]) -> None:
    """Stop instead of spending a study on models that do not answer."""
    last = trials[-3:]
    hopeless = trials[0].state == "failed" or (
        len(last) == 3 and all(trial.state == "failed" for trial in last)
    )
    if hopeless:
        failures = [e.failure for e in trials[-1].episodes if e.failure is not None]
        reason = str(failures[0]) if failures else "no document was scored"
        raise RuntimeError(
            f"no episode can be scored ({reason}); run `autodata check` on the config"
        )
