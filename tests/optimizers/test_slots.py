"""Slots: however processes interleave and die, every slot ends once, and nothing is lost."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from worlds import World

from autodata.optimizers import Candidate, Objective, SearchOptions, measured
from autodata.optimizers.joint.generation import EPISODES, Generation
from autodata.optimizers.joint.sharing import Timing, get_text, unpacked
from autodata.optimizers.joint.slots import DEATHS, SLOT, Slots, ended, take
from autodata.optimizers.joint.study import make_study
from autodata.optimizers.objective import Part
from autodata.optimizers.space import Space
from autodata.programs import Document, Episode

TIMING = Timing(grace=30.0)
OPTIONS = SearchOptions(sampler="random", prune=False)


class KilledError(BaseException):
    """A process ends here and cleans nothing up."""


class Crew:
    """A leader and workers, in one thread; what the others do happens while one is measuring.

    Args:
        world: Its program is the baseline.
        episodes: What every measurement gives.
        deeds: What happens before each next measurement or its result is told, the last one first;
            afterwards nobody disturbs anybody.
        count: Slots of the generation.
    """

    def __init__(
        self, world: World, episodes: list[Episode], deeds: Sequence[str], count: int
    ) -> None:
        self.world, self.known, self.count = world, episodes, count
        self.deeds, self.now, self.storage = list(deeds), 0.0, InMemoryStorage()
        own = Candidate.of(world.program)
        texts = {
            name: {f"{name.rpartition('.')[2]}-0": text} for name, text in own.instructions.items()
        }
        self.space = Space(
            instructions=texts,
            demos={"none": {}},
            temperature=(0.5, 1.5),
            memory=(0, 1),
            usual=1.0,
            openings=[],
        )
        self.names = iter(range(10**6))
        self.slots = self.listed()

    def study(self) -> optuna.Study:
        return make_study(self.storage, "g-0", OPTIONS, seed=0)

    def listed(self) -> Slots:
        return Slots(self.study(), range(self.count), self.space, TIMING, clock=lambda: self.now)

    def refill(self) -> dict[int, Any]:
        """Fill the queue; a leader that gives up is started again, as its error says."""
        try:
            return self.slots.refill()
        except RuntimeError:
            self.slots = self.listed()
            return self.slots.refill()

    def generation(self, owner: str) -> Generation:
        crew = self

        class Measuring(Objective):
            def together(
                self, parts: Sequence[Part], sample: str
            ) -> Iterator[tuple[int, list[Episode]]]:
                crew.meanwhile()
                return iter(enumerate([crew.known for _ in parts]))

        objective = Measuring(self.world.program, seed=0)
        study, validation = self.study(), self.world.validation
        tell = study.tell

        def telling(*args: Any, **options: Any) -> Any:
            crew.meanwhile()
            return tell(*args, **options)

        study.tell = telling
        return Generation(study, self.space, OPTIONS, objective, validation, owner, TIMING)

    def meanwhile(self) -> None:
        deed = self.deeds.pop() if self.deeds else "nothing"
        if deed == "die":
            raise KilledError
        if deed == "stall":
            self.now += TIMING.grace + 1
        if deed == "refill":
            self.refill()
        if deed == "restart":
            self.slots = self.listed()
            self.refill()
        if deed == "other":
            self.turn(f"worker-{next(self.names)}")

    def turn(self, owner: str) -> bool:
        """Let a process take a slot; return whether it ended it."""
        try:
            return bool(list(self.generation(owner).turn()))
        except (KilledError, UpdateFinishedTrialError):
            return False


@pytest.fixture(scope="module")
def known(documents: list[Document]) -> list[Episode]:
    world = World(documents)
    own = Candidate.of(world.program)
    return world.objective().episodes(own, world.validation, "validation")


DEEDS = st.lists(st.sampled_from(["die", "stall", "refill", "restart", "other", "nothing"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=DEEDS, count=st.integers(1, 6))
def test_every_slot_ends_exactly_once_however_processes_interleave_and_die(
    documents: list[Document], known: list[Episode], deeds: list[str], count: int
) -> None:
    crew = Crew(World(documents), known, deeds, count)
    for _ in range(20 * (count + len(deeds))):
        if len(crew.refill()) == count:
            break
        crew.turn(f"worker-{next(crew.names)}")
        crew.now += TIMING.grace / 2
    trials = crew.study().get_trials(deepcopy=False)
    once = Counter(trial.user_attrs[SLOT] for trial in trials if ended(trial))
    assert once == Counter(range(count))
    for number, trial in crew.slots.refill().items():
        told = unpacked(get_text(trial.user_attrs, EPISODES) or "")
        assert told == known
        assert trial.value == measured(told).gap
        assert number == trial.user_attrs[SLOT]
    assert not take(crew.study(), crew.space, "late", OPTIONS)
    assert all(trial.state is not TrialState.WAITING for trial in trials)


def test_a_slot_whose_process_died_waits_again_at_the_same_point(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, ["die"], 2)
    crew.refill()
    crew.turn("worker")
    (before,) = [t for t in crew.study().get_trials() if t.state is TrialState.RUNNING]
    crew.refill()
    crew.now += TIMING.grace + 1
    crew.refill()
    waiting = crew.study().get_trials(states=(TrialState.WAITING,))
    points = {one.user_attrs[SLOT]: one.system_attrs["fixed_params"] for one in waiting}
    assert points == {0: before.params, 1: {}}


def test_a_process_that_slept_while_its_slot_was_given_away_learns_it_when_it_tells(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, [], 1)
    crew.refill()
    tells: list[str] = ["nothing", "asleep"]

    def meanwhile() -> None:
        if tells and tells.pop(0) == "asleep":
            crew.refill()
            crew.now += TIMING.grace + 1
            crew.refill()

    crew.meanwhile = meanwhile
    assert not crew.turn("sleeper")
    assert crew.turn("other")
    assert len(crew.refill()) == 1


def test_a_slot_over_which_process_after_process_dies_stops_the_search(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, ["die"] * DEATHS, 1)
    with pytest.raises(RuntimeError, match="trial 0: 3 processes died over it"):
        for _ in range(DEATHS):
            crew.slots.refill()
            crew.turn("worker")
            crew.slots.refill()
            crew.now += TIMING.grace + 1
        crew.slots.refill()


def test_a_search_that_ends_takes_back_what_the_dead_have_however_many_they_were(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, ["die"] * DEATHS, 1)
    for _ in range(DEATHS):
        crew.slots.refill()
        crew.turn("worker")
        assert crew.slots.finish() == ({}, 1)
        crew.now += TIMING.grace + 1
    assert crew.slots.finish() == ({}, 0)
    assert not crew.study().get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_a_leader_that_starts_again_gives_its_own_trial_out_at_once_and_leaves_the_workers_theirs(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, [], 3)
    crew.refill()
    for owner in ("leader", "worker"):
        assert take(crew.study(), crew.space, owner, OPTIONS.model_copy(update={"parallel": 1}))
    crew.slots = crew.listed()
    crew.refill()
    waiting = crew.study().get_trials(states=(TrialState.WAITING,))
    assert [one.user_attrs[SLOT] for one in waiting] == [0, 2]


def test_a_trial_that_nobody_queued_is_not_measured(
    documents: list[Document], known: list[Episode]
) -> None:
    crew = Crew(World(documents), known, [], 1)
    study = crew.study()
    study.enqueue_trial({})
    assert not take(study, crew.space, "worker", OPTIONS)
    assert [one.state for one in study.get_trials()] == [TrialState.FAIL]
    assert sorted(crew.refill()) == []
    assert take(study, crew.space, "worker", OPTIONS)
