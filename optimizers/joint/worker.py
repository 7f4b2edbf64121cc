"""A worker: measures slots of a search that another process leads."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage

from ...programs import Document
from ...programs.budget import BudgetError
from ..objective import Objective
from ..options import SearchOptions
from ..space import Space
from .board import ENDED, GENERATION, SEARCHING, WAITED, Board, generation_name
from .generation import SPACE, Generation
from .sharing import Pulse, Timing, get_text, kin
from .study import make_study


class Worker:
    """Measures slots until the leader says that there are no more, or has long been silent.

    Args:
        storage: Where the studies are.
        run: The run's name.
        objective: Measures; its store is this process's own.
        validation: The documents to measure on, in the leader's order.
        owner: This process's name, different from all others'.
        timing: How patient the processes are with each other.
        say: Told in a line what is waited for.
        orphaned: Whether to end before the next slot.
        prepare: Called before a slot is taken, once the leader searches.
    """

    def __init__(
        self,
        storage: BaseStorage,
        run: str,
        objective: Objective,
        validation: Sequence[Document],
        *,
        owner: str,
        timing: Timing | None = None,
        say: Callable[[str], None] = lambda line: None,
        orphaned: Callable[[], bool] = lambda: False,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._storage, self._run = storage, run
        self._objective, self._validation = objective, validation
        self._owner, self._timing = owner, timing or Timing()
        self._say, self._orphaned, self._prepare = say, orphaned, prepare
        self._pulse, self._joined, self._measured = Pulse(), False, 0
        self._generations: dict[int, Generation] = {}

    def work(self) -> int:
        """Work until there is nothing more to do; return how many slots were measured.

        A budget that is used up ends the work like a leader that has no more of it.

        Raises:
            RuntimeError: If the run has other documents, models or settings than this process.
        """
        try:
            self._work()
        except BudgetError:
            self._say(f"{self._run}: the budget of the search is used up; ending")
        return self._measured

    def _work(self) -> None:
        idle = 0.0
        while not self._orphaned():
            read = self._read()
            if self._joined and read.get("state") == ENDED:
                break
            if self._pulse.age("leader", read.get("beat")) > self._timing.patience:
                self._say(f"{self._run}: no sign of life from its leader; ending")
                break
            if read.get("state") == SEARCHING and self._turn(read):
                idle = 0.0
                continue
            if idle % WAITED < self._timing.poll:
                self._say(f"{self._run}: waiting for {'a trial' if self._joined else 'its leader'}")
            time.sleep(self._timing.poll)
            idle += self._timing.poll

    def _read(self) -> dict[str, Any]:
        try:
            return Board(self._storage, self._run, make=False).read()
        except KeyError:
            return {}

    def _turn(self, read: dict[str, Any]) -> bool:
        """Measure a slot of the generation that is published, if one waits."""
        self._join(read)
        generation = self._generation(read)
        if generation is None:
            return False
        self._prepare()
        before = self._measured
        try:
            for trial in generation.turn():
                self._measured += 1
                value = "-" if trial.value is None else f"{trial.value:+.3f}"
                self._say(f"{self._run}: trial {trial.number} {trial.state}, gap {value}")
        except UpdateFinishedTrialError:
            generation.give_back()
            self._say(f"{self._run}: another process was given this trial; going on with the next")
            return False
        except BaseException:
            generation.give_back()
            raise
        return self._measured > before

    def _join(self, read: dict[str, Any]) -> None:
        if not self._joined and read["kin"] != kin(self._objective, self._validation):
            raise RuntimeError(
                f"{self._run}: its leader has other documents, models or settings; give the worker "
                "the leader's configuration and the same documents"
            )
        self._joined = True

    def _generation(self, read: dict[str, Any]) -> Generation | None:
        """Return the generation that is measured; `None` while its instructions are proposed."""
        number = read.get(GENERATION)
        if number is None:
            return None
        if number not in self._generations:
            options = SearchOptions.model_validate_json(read["options"])
            *earlier, study = (self._study(one, options, read["seed"]) for one in range(number + 1))
            self._generations[number] = Generation(
                study,
                Space.model_validate_json(get_text(study.user_attrs, SPACE) or ""),
                options,
                self._objective,
                self._validation,
                owner=self._owner,
                timing=self._timing,
                earlier=earlier,
            )
        return self._generations[number]

    def _study(self, number: int, options: SearchOptions, seed: int) -> optuna.Study:
        return make_study(self._storage, generation_name(self._run, number), options, seed)
