"""A small offline world for the outer loop."""

from collections.abc import Sequence
from pathlib import Path

from autodata.optimizers import Objective
from autodata.programs import (
    PROPOSER,
    ROLES,
    Autodata,
    Document,
    LanguageModels,
    ModelConfig,
    Settings,
)


class World:
    """Simulated models, a program on them, and documents."""

    def __init__(self, documents: Sequence[Document], cache: Path | None = None) -> None:
        configs = {role: ModelConfig(model=f"simulation/{role}") for role in (*ROLES, PROPOSER)}
        self.models = LanguageModels(configs, cache)
        self.program = Autodata(self.models.roles, settings=Settings(rounds=3))
        self.train, self.validation = list(documents[:3]), list(documents[3:9])

    def objective(self, seed: int = 0) -> Objective:
        return Objective(self.program, seed=seed)
