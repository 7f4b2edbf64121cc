"""How long and how widely to search."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from ..programs.records import Record
from .joint.address import checked


class SearchOptions(Record):
    """How long and how widely to search."""

    trials: PositiveInt = 20
    """Candidates to measure, the baseline included, if each is measured on all validation
    documents. That many episodes are every method's budget; where candidates are stopped early, it
    lasts for more of them."""
    generation: PositiveInt = 5
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
    prune: bool = True
    """Stop a candidate early of which less is expected than of the best."""
    prune_after: PositiveInt = 3
    """Documents measured between two looks at whether to stop."""
    finalists: PositiveInt = 3
    """Best candidates that are measured once more, with fresh answers, before one is chosen."""
    storage: str | None = None
    """Database of the study, for workers on other hosts: `sqlite:///FILE`,
    `postgresql+psycopg://USER@HOST/DATABASE` or `grpc://HOST:PORT`. Without one it is in the run's
    folder."""

    @field_validator("storage")
    @classmethod
    def _known(cls, address: str | None) -> str | None:
        return None if address is None else checked(address)
