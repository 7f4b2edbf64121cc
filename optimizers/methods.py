"""The methods of searching, by name. A method's libraries are imported when it is asked for."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import dspy

from ..programs import Document, Usage
from .objective import Objective
from .options import SearchOptions
from .trial import Trial

METHODS = {
    "optuna": "joint.search.OptunaSearch",
    "gepa": "teleprompters.gepa.Gepa",
    "miprov2": "teleprompters.miprov2.MiproV2",
    "copro": "teleprompters.copro.Copro",
    "simba": "teleprompters.simba.Simba",
    "bootstrap": "teleprompters.bootstrap.Bootstrap",
    "infer-rules": "teleprompters.rules.InferRules",
    "random": "random_search.RandomSearch",
    "evolution": "evolution.EvolutionSearch",
    "relay": "relay.RelaySearch",
}
"""Where each method is, below this package."""

OPEN_ENDED = frozenset({"optuna", "evolution"})
"""Methods whose next step does not depend on how many trials there will be: they can go on until a
budget ends them, where the others need a plan."""


FRUGAL = ("optuna", "relay")
"""Methods that can search for few tokens besides the gap."""


@dataclass(frozen=True)
class Setup:
    """What every method is given."""

    options: SearchOptions
    """How long and how widely to search."""
    proposer: dspy.LM
    """The model that proposes instructions."""
    seed: int = 0
    """Root of the method's randomness."""
    folder: Path | None = None
    """Where a method keeps what it needs to go on after an interruption; nowhere without one."""
    in_flight: int = 16
    """Documents under way at a time."""


class Method(Protocol):
    """A way to search. Everything else about an experiment is the same for all of them."""

    usage: Usage
    """What the search asked of models besides the objective's episodes; known once it has ended."""

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure candidates on the validation documents, the baseline first.

        Args:
            objective: What to optimize. Its program is the baseline.
            train: Documents to learn from.
            validation: Documents to compare candidates on.
            watch: Told of every trial as it ends. A resumed search tells again of earlier ones.

        Raises:
            RuntimeError: If the baseline cannot be scored.
        """
        ...


def find_method(name: str, setup: Setup) -> Method:
    """Return a method, ready to search.

    Raises:
        ValueError: If there is no method of that name, or it cannot search for these objectives.
    """
    if name not in METHODS:
        raise ValueError(f"method={name!r}: expected one of {', '.join(METHODS)}")
    check_objectives(name, setup.options)
    module, _, attribute = METHODS[name].rpartition(".")
    made: Callable[[Setup], Method] = getattr(
        importlib.import_module(f".{module}", __package__), attribute
    )
    return made(setup)


def check_objectives(name: str, options: SearchOptions) -> None:
    """Refuse two objectives for a method that would look at one of them only.

    Raises:
        ValueError: If it would.
    """
    if options.several and name not in FRUGAL:
        raise ValueError(
            f"method={name!r}: searches for the gap alone; leave search.objectives out, or set "
            f"method to {' or '.join(FRUGAL)}"
        )
