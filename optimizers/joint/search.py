"""Joint search over instructions, demonstrations and settings with Optuna."""

import logging
import time
from collections.abc import Callable, Sequence

from optuna.storages import BaseStorage

from ...programs import Document, Usage
from ..candidate import Candidate
from ..files import write_whole
from ..methods import Setup
from ..objective import Objective
from ..space import Space, first_space, next_space
from ..trial import Trial, refuse_outage
from .board import GENERATION, WAITED, Board, generation_name
from .generation import SPACE, Generation
from .sharing import Timing, beating, kin, put_text
from .slots import Slots
from .storage import kept_at, open_storage
from .study import make_study

logger = logging.getLogger(__name__)


class OptunaSearch:
    """Take a slot, measure it, tell: one trial after the other, its documents in parallel.

    The process that holds the run's folder leads: it proposes, fills each generation's slots, and
    measures them with whatever workers join (docs/workers.md). On its own it is deterministic. The
    study and the spaces are kept, so that a search that was killed goes on where it was.

    Args:
        setup: What every method is given. Without a folder and without `storage` the study is kept
            in memory.
        timing: How patient the processes are with each other.
        space: What to go on from, if other methods have searched before.
        known: Their trials, as points of that space; they count among `options.trials`.
    """

    def __init__(
        self,
        setup: Setup,
        timing: Timing | None = None,
        *,
        space: Space | None = None,
        known: Sequence[Trial] = (),
    ) -> None:
        self.options = setup.options
        self.proposer = setup.proposer
        self.seed = setup.seed
        self.folder = setup.folder
        self.usage = Usage()
        self._timing = timing or Timing()
        self._begin, self._known = space, tuple(known)
        self._run = "autodata" if setup.folder is None else setup.folder.name

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure `options.trials` points, the baseline first, generation by generation.

        Raises:
            RuntimeError: If the storage cannot be used, or models or workers fail again and again.
        """
        storage = open_storage(self.options.storage, self.folder)
        with kept_at(self.options.storage):
            board = Board(storage, self._run, make=True)
            if self.options.storage is not None and self.folder is not None:
                board.claim(self.folder)
            board.open(self.options, self.seed, kin(objective, validation))
            try:
                with beating(board.write, self._timing.beat):
                    return self._generations(storage, board, objective, train, validation, watch)
            finally:
                board.close()

    def _generations(
        self,
        storage: BaseStorage,
        board: Board,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        trials, space, number = list(self._known), self._begin, 0
        while len(trials) < self.options.trials:
            end = min(len(trials) + self.options.generation, self.options.trials)
            space = self._space(number, space, trials, objective, train)
            self.usage = space.usage
            name = generation_name(self._run, number)
            study = make_study(storage, name, self.options, self.seed, before=trials, space=space)
            # First what is chosen from, then the slots.
            put_text(study.set_user_attr, SPACE, space.model_dump_json())
            board.write(GENERATION, number)
            slots = Slots(study, range(len(trials), end), space, self._timing)
            generation = Generation(
                study, space, self.options, objective, validation, timing=self._timing
            )
            self._measure(generation, slots, end, trials, watch)
            number += 1
        return trials

    def _measure(
        self,
        generation: Generation,
        slots: Slots,
        end: int,
        trials: list[Trial],
        watch: Callable[[Trial], None],
    ) -> None:
        """Measure a generation's slots, and tell of them in their order, whoever measured them."""
        own: dict[int, Trial] = {}
        waited = 0.0
        while True:
            ended = slots.refill()
            while (number := len(trials)) in ended:
                trial = own.pop(number, None) or generation.rebuilt(number, ended[number])
                trials.append(trial)
                watch(trial)
                refuse_outage(trials)
            if len(trials) == end:
                return
            if (measured := generation.turn()) is not None:
                own[measured.number] = measured
                continue
            if waited % WAITED < self._timing.poll:
                logger.info("waiting for %d trials of other processes", end - len(ended))
            time.sleep(self._timing.poll)
            waited += self._timing.poll

    def _space(
        self,
        generation: int,
        before: Space | None,
        trials: Sequence[Trial],
        objective: Objective,
        train: Sequence[Document],
    ) -> Space:
        """Propose a generation's choices, or read those of an earlier start."""
        file = self.folder / f"space-{generation}.json" if self.folder else None
        best = max(trials, key=lambda t: (t.state == "complete", t.value or 0.0), default=None)
        own = Candidate.of(objective.program)
        if file is not None and file.exists():
            start = before.candidate(best.params) if before and best else own
            objective.episodes(start, train, "train")  # Kept, and a part of what this run asked.
            return Space.model_validate_json(file.read_text())
        seed = self.seed + generation
        if before is None or best is None:
            space = first_space(objective, train, self.options, self.proposer, seed=seed)
        else:
            space = next_space(
                before, best.params, objective, train, self.options, self.proposer, seed=seed
            )
        space = space.model_copy(update={"parent": best.number if best else 0})
        if file is not None:
            write_whole(file, space.model_dump_json(indent=1))
        return space
