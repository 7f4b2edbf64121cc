"""The joint space by chance: what any method that learns has to beat."""

from dataclasses import replace
from math import ceil

from .joint.search import OptunaSearch
from .methods import Setup


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
                "generation": given.trials,
                "rules": ceil(given.trials / given.generation) * given.rules,
                "instructions": ceil(given.trials / given.generation) * given.instructions,
            }
        )
        super().__init__(replace(setup, options=options))
