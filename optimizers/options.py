"""How long and how widely to search."""

from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from ..programs.records import Record
from .joint.address import checked


class SearchOptions(Record):
    """How long and how widely to search."""

    trials: PositiveInt = 20
    """Candidates to measure, the baseline included, if each is measured on all validation
    documents. That many episodes are every method's budget; where candidates are stopped early, it
    lasts for more of them."""
    generation: PositiveInt = 10
    """Trials between two proposals: first from the baseline, then from the best so far."""
    rules: NonNegativeInt = 4
    """Rules to propose for each predictor in each generation; each is tried with and without the
    others."""
    instructions: NonNegativeInt = 0
    """Whole instructions to propose for each predictor in each generation: half of them, rounded
    down, by reflection on failed rounds, the others by DSPy's grounded proposer."""
    lessons: PositiveInt = 4
    """Training documents that a generation after the first one learns from."""
    demos: tuple[PositiveInt, ...] = (1, 2)
    """Sizes of the sets of demonstrations to try."""
    temperature: tuple[float, float] = Field(default=(0.5, 1.2))
    """Lowest and highest sampling temperature of the challenger to try."""
    memory: tuple[NonNegativeInt, ...] = (0, 1, 3)
    """How many failed rounds to show; 0 shows all."""
    sampler: Literal["linear", "tpe", "gp", "random"] = "linear"
    """Where the next trial is: `linear` estimates what each choice adds from all trials together;
    the others are Optuna's own. `gp` needs torch."""
    objectives: tuple[Literal["gap", "tokens"], ...] = ("gap",)
    """What is searched for: the gap, or with `["gap", "tokens"]` also few tokens per accepted task
    (docs/methods.md). The winner has the best gap either way."""
    prune: bool = True
    """Stop a candidate early of which less is expected than of the best. With two objectives there
    is no one best, Optuna stops nothing, and the default is `false`."""
    prune_after: PositiveInt = 3
    """Documents measured before the first look at whether to stop; before each further look, as
    many as there have been."""
    parallel: PositiveInt = 4
    """Trials that a process measures side by side, at most: the baseline is measured alone, and so
    is the last trial of a generation, which learns from the others. With `tpe` and `gp` all are,
    unless nothing is stopped early."""
    finalists: PositiveInt = 3
    """Best candidates that are measured once more, with fresh answers, before one is chosen."""
    storage: str | None = None
    """Database of the study, for workers on other hosts: `sqlite:///FILE`,
    `postgresql+psycopg://USER@HOST/DATABASE` or `grpc://HOST:PORT`. Without one it is in the run's
    folder."""

    @model_validator(mode="before")
    @classmethod
    def _unpruned(cls, given: Any) -> Any:
        """Have nothing stopped early with two objectives, unless that is asked for and refused."""
        if not isinstance(given, dict):
            return given
        names = given.get("objectives")
        several = isinstance(names, list | tuple) and len(names) > 1
        return {"prune": False, **given} if several else given

    @model_validator(mode="after")
    def _consistent(self) -> "SearchOptions":
        if self.several and self.prune:
            raise ValueError(
                "prune=true: nothing is stopped early with two objectives; leave search.prune out, "
                'or set search.objectives=["gap"]'
            )
        return self

    @property
    def several(self) -> bool:
        """Whether the search has two objectives."""
        return len(self.objectives) > 1

    @field_validator("objectives")
    @classmethod
    def _combined(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names not in (("gap",), ("gap", "tokens")):
            raise ValueError('expected ["gap"] or ["gap", "tokens"]')
        return names

    @field_validator("storage")
    @classmethod
    def _known(cls, address: str | None) -> str | None:
        return None if address is None else checked(address)
