"""Joint search over instructions, demonstrations and settings with Optuna."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from ...programs import PROPOSER, Document, Usage
from ...programs.budget import BudgetError
from ...programs.usage import Call, observing
from ..candidate import Candidate
from ..files import write_whole
from ..growth import first_space, lessons, next_space
from ..methods import Setup
from ..objective import Objective
from ..space import Space, space_file
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
        known: Their trials, as points of that space; their episodes do not count.
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
        self._timing, self._said = timing or Timing(), float("-inf")
        self._begin, self._known = space, tuple(known)
        self._run = "autodata" if setup.folder is None else setup.folder.name

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure points, the baseline first, generation by generation.

        It ends when `options.trials` times as many episodes as there are validation documents are
        run, or less is left than one more trial may need.

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
        budget = self.options.trials * len(validation)
        while True:
            spent = sum(len(trial.episodes) for trial in trials[len(self._known) :])
            affordable = (budget - spent) // len(validation)
            if affordable < 1:
                return trials
            end = len(trials) + min(self.options.generation, affordable)
            with observing(self._asked):
                space = self._space(number, space, trials, objective, train)
            self.usage = space.usage
            name = generation_name(self._run, number)
            study = make_study(
                storage,
                name,
                self.options,
                self.seed,
                before=trials,
                space=space,
                documents=[document.id for document in validation],
            )
            # First what is chosen from, then the slots.
            put_text(study.set_user_attr, SPACE, space.model_dump_json())
            board.write(GENERATION, number)
            slots = Slots(study, range(len(trials), end), space, self._timing)
            generation = Generation(
                study, space, self.options, objective, validation, timing=self._timing
            )
            self._measure(generation, slots, end, trials, watch)
            number += 1

    def _measure(
        self,
        generation: Generation,
        slots: Slots,
        end: int,
        trials: list[Trial],
        watch: Callable[[Trial], None],
    ) -> None:
        """Measure a generation's slots, and tell of them in their order, whoever measured them.

        Raises:
            BudgetError: If the budget ends it. All that has ended is told before, even if a trial
                with a lower number has not.
        """
        own: dict[int, Trial] = {}

        def tell(trial: Trial) -> None:
            trials.append(trial)
            watch(trial)
            refuse_outage(trials)

        def of(number: int, ended: FrozenTrial) -> Trial:
            return own.pop(number, None) or generation.rebuilt(number, ended)

        try:
            while True:
                ended = slots.refill()
                while len(trials) in ended:
                    tell(of(len(trials), ended[len(trials)]))
                if len(trials) == end:
                    return
                idle = True
                for measured in generation.turn():
                    own[measured.number], idle = measured, False
                    while len(trials) in own:
                        tell(own.pop(len(trials)))
                if idle:
                    self._wait(end - len(ended))
        except BudgetError:
            generation.give_back()
            for number, one in self._rest(slots, trials).items():
                # An outage may have hit a document, which is then not kept and cannot be paid for.
                with suppress(BudgetError):
                    tell(of(number, one))
            raise

    def _rest(self, slots: Slots, told: Sequence[Trial]) -> dict[int, FrozenTrial]:
        """Let others end what they have begun, and return what was not told, in order."""
        ended, running = slots.finish()
        while running:
            self._wait(running)
            ended, running = slots.finish()
        numbers = ended.keys() - {trial.number for trial in told}
        return {number: ended[number] for number in sorted(numbers)}

    def _wait(self, count: int) -> None:
        """Wait a moment for trials of other processes, and say so now and then."""
        now = time.monotonic()
        if now - self._said >= WAITED:
            self._said = now
            logger.info("waiting for %d trials of other processes", count)
        time.sleep(self._timing.poll)

    def _asked(self, call: Call) -> None:
        """Count what the proposer answers, so that nothing is missing if it gets no further."""
        if call.role == PROPOSER:
            self.usage += call.usage

    def _space(
        self,
        generation: int,
        before: Space | None,
        trials: Sequence[Trial],
        objective: Objective,
        train: Sequence[Document],
    ) -> Space:
        """Propose a generation's choices, or read those of an earlier start."""
        file = space_file(self.folder, generation) if self.folder else None
        best = max(trials, key=lambda t: (t.state == "complete", t.value or 0.0), default=None)
        own = Candidate.of(objective.program)
        seed = 1000 * self.seed + generation  # No other seed's, unless it is a thousand away.
        if file is not None and file.exists():
            # Kept, and a part of what this run asked.
            if before and best:
                part = lessons(train, self.options, seed=seed)
                objective.episodes(before.candidate(best.params), part, "train")
            else:
                objective.episodes(own, train, "train")
            return Space.model_validate_json(file.read_text())
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
