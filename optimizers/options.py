"""How long and how widely to search."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from ..programs.records import Record
from .joint.address import checked


class SearchOptions(Record):
    """How long and how widely to search."""

    trials: PositiveInt = 20
    """Candidates to measure, the baseline included. Other methods get the same number of
    episodes."""
    generation: PositiveInt = 4
    """Trials between two proposals of instructions: first from the baseline's, then from the best
    so far. Those beyond `instructions` are left to the sampler."""
    instructions: NonNegativeInt = 3
    """Instructions to propose for each predictor in each generation: half of them, rounded down,
    by reflection on failed rounds, the others by DSPy's grounded proposer."""
    demos: tuple[PositiveInt, ...] = (1, 2)
    """Sizes of the sets of demonstrations to try."""
    temperature: tuple[float, float] = Field(default=(0.5, 1.2))
    """Lowest and highest sampling temperature of the challenger to try."""
    memory: tuple[NonNegativeInt, ...] = (0, 1, 3)
    """How many failed rounds to show; 0 shows all."""
    sampler: Literal["auto", "tpe", "gp", "random"] = "auto"
    """Optuna's sampler; `auto` is a Gaussian process if torch is installed and TPE otherwise."""
    prune: bool = True
    """Stop a candidate early that is clearly worse on the same documents."""
    prune_after: PositiveInt = 6
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
