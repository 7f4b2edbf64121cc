"""DSPy's optimizers first, then a joint search among what they have found."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ..programs import Document, Usage
from .growth import known_space
from .joint.search import OptunaSearch
from .methods import Method, Setup, find_method
from .objective import Objective
from .trial import Trial

logger = logging.getLogger(__name__)

FEEDERS: Mapping[str, float] = MappingProxyType({"infer-rules": 0.2, "gepa": 0.2})
"""Methods that work first, in this order, and the part of the budget that each of them gets."""
LEAST = 3
"""Passes over the validation documents below which a feeder is left out: the baseline takes one,
its lessons another."""


class RelaySearch:
    """Lets other methods find candidates, and a joint search decide among them and go on.

    What they measured is inherited, not measured again: the study begins with their trials, its
    space has their instructions and demonstrations as choices, and its first proposals start from
    the best of them. The rest of the budget is the study's, which stops early what is clearly
    worse.

    Args:
        setup: `options.trials` times the number of validation documents is the budget of episodes
            of all methods together.
        feeders: Who works first, with which part of the budget; the parts add up to less than 1.
    """

    def __init__(self, setup: Setup, feeders: Mapping[str, float] = FEEDERS) -> None:
        self.setup = setup
        self.feeders = feeders
        self.usage = Usage()

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Run the feeders one after the other, then the study."""
        options = self.setup.options
        found: list[Trial] = []
        spent = 0
        for name, share in self.feeders.items():
            part = round(share * options.trials)
            if part < LEAST:
                logger.info("%s is left out: %d trials are too few for it", name, options.trials)
                continue
            spent += part
            feeder = find_method(name, self._setup(part, name))
            self._run(feeder, objective, train, validation, _numbered(found, watch))
        candidates = {f"{one.origin}-{one.number}": one.candidate for one in found[1:]}
        space = known_space(objective, train, options, candidates)
        known = [one.model_copy(update={"params": space.point(one.candidate)}) for one in found]
        joint = OptunaSearch(self._setup(max(1, options.trials - spent)), space=space, known=known)
        return found + self._run(joint, objective, train, validation, watch)[len(found) :]

    def _setup(self, trials: int, feeder: str = "") -> Setup:
        """Return what a method is given: a part of the budget.

        A feeder has a folder of its own, and searches for the gap alone.
        """
        folder = self.setup.folder
        options = self.setup.options.model_copy(update={"trials": trials})
        if feeder:
            options = options.model_copy(update={"objectives": ("gap",)})
        if folder is not None and feeder:
            folder = folder / feeder
            folder.mkdir(exist_ok=True)
        return replace(self.setup, options=options, folder=folder)

    def _run(
        self,
        method: Method,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Let a method search, and count what it asked for, however it ends."""
        try:
            return method.search(objective, train, validation, watch)
        finally:
            self.usage += method.usage


def _numbered(found: list[Trial], watch: Callable[[Trial], None]) -> Callable[[Trial], None]:
    """Number a feeder's trials on from those before; a candidate that was there before stays it."""
    numbers: dict[int | None, int | None] = {None: None}

    def told(trial: Trial) -> None:
        for one in found:
            if one.candidate.id == trial.candidate.id:
                numbers[trial.number] = one.number
                return
        numbers[trial.number] = len(found)
        update = {"number": len(found), "parent": numbers[trial.parent]}
        found.append(trial.model_copy(update=update))
        watch(found[-1])

    return told
