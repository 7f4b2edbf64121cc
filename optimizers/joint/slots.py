"""Slots: the trials that a generation is to have, handed out so that each ends exactly once.

A slot is a queued trial of the study that carries the number of ours. Optuna lets only one process
take a queued trial, and refuses whatever is written to one that has ended; all else follows.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from ..options import SearchOptions
from ..space import Point, Space, short
from .sharing import Pulse, Timing

logger = logging.getLogger(__name__)

SLOT, OWNER, STATE = "slot", "owner", "state"
"""Attributes of a trial: our number, who measures it, and how it ended by itself."""
LEADER = "leader"
"""The owner of the trials that the leader measures."""
DEATHS = 3
"""Processes that may die over one slot."""


def ended(trial: FrozenTrial) -> bool:
    """Tell a trial that ended by itself from one that a killed process left behind, told or not."""
    found = trial.user_attrs.get(STATE)
    told = trial.state is TrialState.COMPLETE and found is not None
    return told or (trial.state is TrialState.FAIL and found == "failed")


def take(
    study: optuna.Study, space: Space, owner: str, options: SearchOptions
) -> list[optuna.Trial]:
    """Take the first slot that waits, and those after it that are measured along with it."""
    taken: list[optuna.Trial] = []
    while waiting := study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        numbers = [one.user_attrs[SLOT] for one in (waiting[0], *taken) if SLOT in one.user_attrs]
        waves = {wave(number, options) for number in numbers}
        if len(waves) > 1:
            break
        asked = study.ask(distributions(space))
        if SLOT in asked.user_attrs:
            asked.set_user_attr(OWNER, owner)
            taken.append(asked)
        else:
            # Another process was quicker with the last one, and Optuna has made a new trial.
            study.tell(asked, state=TrialState.FAIL)
    return taken


def wave(number: int, options: SearchOptions) -> int:
    """Return the first of the trials that are measured side by side with one.

    The baseline is measured alone, as the others are compared with it; so is the last trial of a
    generation, which makes use of all that the others have shown. Optuna's own pruner compares a
    trial with whatever has ended, which must not depend on chance.
    """
    alone = options.prune and options.sampler != "linear"
    parallel = 1 if alone else options.parallel
    while not (
        number < 2
        or (number + 1) % options.generation == 0
        or number % options.generation % parallel == 0
    ):
        number -= 1
    return number


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return a space as Optuna wants it."""
    found: dict[str, BaseDistribution] = {
        short(name): CategoricalDistribution(list(texts))
        for name, texts in space.instructions.items()
    }
    found |= {switch: CategoricalDistribution([0, 1]) for switch in space.switches}
    found["demos"] = CategoricalDistribution(list(space.demos))
    found["temperature"] = FloatDistribution(*space.temperature)
    found["memory"] = CategoricalDistribution(list(space.memory))
    return found


class Slots:
    """The leader's list of a generation's slots.

    Made when the leader begins, or begins again: what an earlier leader left half done is closed.

    Args:
        study: The generation's study.
        numbers: The trials that it is to have, by our numbers.
        space: What they choose from, with points for the first of them.
        timing: After how long a silent process is taken for dead.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        study: optuna.Study,
        numbers: range,
        space: Space,
        timing: Timing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study, self._numbers = study, numbers
        self._openings, self._names = space.openings, set(distributions(space))
        self._grace = timing.grace
        self._pulse = Pulse(clock)
        self._deaths: Counter[int] = Counter()
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # A trial that nobody has signed may be a worker's; that one will find it closed.
            if trial.user_attrs.get(OWNER, LEADER) == LEADER:
                self._close(trial)
        self._drain()

    def refill(self) -> dict[int, FrozenTrial]:
        """Queue every slot that nobody has, the lowest first.

        Returns:
            The trials that have ended by themselves, by slot.

        Raises:
            RuntimeError: If several processes have died over one slot.
        """
        trials = self._listed()
        found = {one.user_attrs[SLOT]: one for one in trials if ended(one)}
        held = set(found)
        for trial in trials:
            if trial.state is TrialState.WAITING or (
                trial.state is TrialState.RUNNING and not self._dead(trial)
            ):
                held.add(trial.user_attrs[SLOT])
        for number in self._numbers:
            if number not in held:
                self._enqueue(number, trials)
        return found

    def finish(self) -> tuple[dict[int, FrozenTrial], int]:
        """Take back what is queued and what dead processes have, and queue nothing.

        Returns:
            The trials that have ended by themselves, by slot, and how many others are under way.
        """
        self._drain()
        trials = self._listed()
        running = [t for t in trials if t.state is TrialState.RUNNING and not self._dead(t)]
        return {one.user_attrs[SLOT]: one for one in trials if ended(one)}, len(running)

    def _enqueue(self, number: int, trials: Sequence[FrozenTrial]) -> None:
        """Queue a slot, unless it has cost too many processes."""
        if self._deaths[number] >= DEATHS:
            raise RuntimeError(
                f"trial {number}: {DEATHS} processes died over it; see what they wrote last, and "
                "run the same command again to go on"
            )
        self._study.enqueue_trial(self._point(number, trials), user_attrs={SLOT: number})

    def _listed(self) -> list[FrozenTrial]:
        trials = self._study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.user_attrs.get(SLOT) in self._numbers]

    def _point(self, number: int, trials: Sequence[FrozenTrial]) -> Point:
        """Return where a slot is: where it was before, at its opening, or left to the sampler."""
        for trial in reversed(trials):
            if trial.user_attrs[SLOT] == number and set(trial.params) == self._names:
                return trial.params  # What is paid for there is in the cache of answers.
        local = number - self._numbers.start
        return self._openings[local] if local < len(self._openings) else {}

    def _dead(self, trial: FrozenTrial) -> bool:
        """Close a trial whose process gives no sign of life any more."""
        owner, beat = trial.user_attrs.get(OWNER), trial.user_attrs.get("beat")
        if owner == LEADER or self._pulse.age(trial.number, (owner, beat)) <= self._grace:
            return False
        slot = trial.user_attrs[SLOT]
        logger.warning(
            "trial %d: no sign of life from %s for %.0f s; it is taken back",
            slot,
            owner or "the process that took it",
            self._grace,
        )
        self._close(trial)
        self._deaths[slot] += 1
        return True

    def _close(self, trial: FrozenTrial | optuna.Trial) -> None:
        self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def _drain(self) -> None:
        """Empty the queue, so that it is filled again in order and with this search's slots."""
        sampler, self._study.sampler = self._study.sampler, optuna.samplers.RandomSampler(seed=0)
        while self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._close(self._study.ask())
        self._study.sampler = sampler
