"""The joint space by chance: what any method that learns has to beat."""

from dataclasses import replace

from .methods import Setup
from .search import OptunaSearch


class RandomSearch(OptunaSearch):
    """Optuna's search without learning: random points of one space, none stopped early.

    All instructions are proposed from the baseline: as many as the generations would have brought.
    """

    def __init__(self, setup: Setup) -> None:
        given = setup.options
        options = given.model_copy(
            update={
                "sampler": "random",
                "prune": False,
                "generations": 1,
                "instructions": given.generations * given.instructions,
            }
        )
        super().__init__(replace(setup, options=options))
