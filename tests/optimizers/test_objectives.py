"""Two objectives: what is told, drawn and refused, and that all else stays as it was."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from pydantic import ValidationError
from worlds import World

from autodata.experiments.config import load_config
from autodata.experiments.errors import InputError
from autodata.optimizers import METHODS, SearchOptions, Setup, Trial, find_method
from autodata.optimizers.joint.objectives import PARTS, Part, price, weighted
from autodata.optimizers.joint.search import OptunaSearch
from autodata.optimizers.joint.sharing import Timing
from autodata.optimizers.joint.slots import SLOT, STATE
from autodata.optimizers.joint.storage import open_storage
from autodata.optimizers.joint.study import make_study
from autodata.optimizers.joint.worker import Worker
from autodata.optimizers.methods import FRUGAL
from autodata.optimizers.relay import RelaySearch
from autodata.programs import PROPOSER, Document
from tests.experiments.trials import accepted, rejected, trial

BOTH = ("gap", "tokens")
OPTIONS = SearchOptions(trials=5, generation=3, rules=2, objectives=BOTH, finalists=1)


def search(world: World, folder: Path | None = None, **more: Any) -> list[Trial]:
    setup = Setup(OPTIONS.model_copy(update=more), world.models[PROPOSER], folder=folder)
    return OptunaSearch(setup).search(
        world.objective(), world.train, world.validation, lambda trial: None
    )


def told(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.params, t.value, t.candidate.id) for t in trials]


def studies(folder: Path) -> list[optuna.Study]:
    storage = open_storage(None, folder)
    names = sorted(one.study_name for one in storage.get_all_studies())
    return [optuna.load_study(study_name=name, storage=storage) for name in names if "-" in name]


def test_a_study_of_two_objectives_is_told_gap_and_price_and_stops_nothing(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    trials = search(world, folder)
    assert [one.state for one in trials] == ["complete"] * OPTIONS.trials
    expected = {one.number: [one.value, price(one.measurement)] for one in trials}
    first, second = studies(folder)
    for study in (first, second):
        assert [one.name for one in study.directions] == ["MAXIMIZE", "MINIMIZE"]
        for one in study.get_trials(states=(TrialState.COMPLETE,)):
            attributes = one.user_attrs
            number = attributes["inherited"] if "inherited" in attributes else attributes[SLOT]
            assert one.values == expected[number]
            assert len(one.user_attrs[PARTS]) == len(world.validation)
    inherited = [one.user_attrs.get("inherited") for one in second.get_trials()]
    assert [number for number in inherited if number is not None] == [0, 1, 2]


@pytest.mark.parametrize("sampler", ["linear", "tpe", "random"])
def test_every_sampler_goes_on_after_a_kill_as_if_nothing_had_happened(
    documents: list[Document], tmp_path: Path, sampler: str
) -> None:
    class KilledError(Exception):
        pass

    def watch(trial: Trial) -> None:
        if trial.number == 3:
            raise KilledError

    world = World(documents)
    options = OPTIONS.model_copy(update={"sampler": sampler})
    method = OptunaSearch(Setup(options, world.models[PROPOSER], folder=tmp_path))
    with pytest.raises(KilledError):
        method.search(world.objective(), world.train, world.validation, watch)
    resumed = search(World(documents), tmp_path, sampler=sampler)
    assert told(resumed) == told(search(World(documents), sampler=sampler))


def test_a_worker_measures_for_a_leader_with_two_objectives(
    documents: list[Document], tmp_path: Path
) -> None:
    timing, address = Timing(poll=0.02, beat=0.1), f"sqlite:///{tmp_path}/study.db"
    folder, helping = tmp_path / "run", World(documents)
    folder.mkdir()
    storage = open_storage(address, None)
    worker = Worker(
        storage, "run", helping.objective(), helping.validation, owner="other", timing=timing
    )
    measured: list[int] = []
    thread = threading.Thread(target=lambda: measured.append(worker.work()))
    thread.start()
    world = World(documents)
    options = OPTIONS.model_copy(update={"storage": address})
    method = OptunaSearch(Setup(options, world.models[PROPOSER], folder=folder), timing)
    objective = world.objective()
    trials = method.search(objective, world.train, world.validation, lambda trial: None)
    thread.join(timeout=60)
    assert [one.number for one in trials] == list(range(OPTIONS.trials))
    assert {one.state for one in trials} == {"complete"}
    assert measured[0] > 0


def test_a_relay_searches_for_both_among_what_its_feeders_found_for_the_gap(world: World) -> None:
    options = OPTIONS.model_copy(update={"trials": 6})
    relay = RelaySearch(Setup(options, world.models[PROPOSER]), {"bootstrap": 0.5})
    trials = relay.search(world.objective(), world.train, world.validation, lambda trial: None)
    assert [one.number for one in trials] == list(range(len(trials)))
    assert {one.origin for one in trials} >= {"baseline", "sampler"}


def test_what_accepted_nothing_is_priced_at_all_its_tokens() -> None:
    none, one = ([rejected("a"), last] for last in (rejected("b"), accepted("b", "0.2", "0.6")))
    assert price(trial(0, none).measurement) == sum(episode.usage.tokens for episode in none)
    assert price(trial(0, one).measurement) == sum(episode.usage.tokens for episode in one)


PARTS_OF_A_TRIAL = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(1, 999), st.booleans()), min_size=4, max_size=4
)


@given(st.lists(PARTS_OF_A_TRIAL, max_size=5))
@settings(deadline=None)
def test_all_weight_on_the_gap_leaves_the_scores_as_they_are(
    drawn: list[list[tuple[int, int, bool]]],
) -> None:
    kept = [
        [Part(i, gap / 10, tokens, float(task)) for i, (gap, tokens, task) in enumerate(one)]
        for one in drawn
    ]
    assert weighted(kept, 1.0) == [{part.document: part.score for part in one} for one in kept]


@given(st.lists(st.integers(1, 999), min_size=2, max_size=2, unique=True), st.integers(1, 9))
@settings(deadline=None)
def test_all_weight_on_the_tokens_favors_the_cheaper_task(tokens: list[int], gap: int) -> None:
    kept = [[Part(0, gap / 10 * i, one, 1.0)] for i, one in enumerate(tokens)]
    first, second = (one[0] for one in weighted(kept, 0.0))
    assert (first > second) == (tokens[0] < tokens[1])


GAINS = (0.10, 0.10, -0.05, 0.0, 0.05, -0.10)
COSTS = (600.0, 0.0, -400.0, -300.0, 500.0, 300.0)
"""What six rules of a made-up world add to a document's gap and tokens; some help one alone."""


def front_of(objectives: tuple[str, ...], seed: int) -> float:
    """Return the hypervolume of what a search of 20 trials of that world was told, without noise.

    It is measured from a gap of 0 and the baseline's price times 1.5.
    """
    draws = np.random.default_rng(seed)
    options = SearchOptions(objectives=objectives, prune=False)  # pyright: ignore[reportArgumentType]
    study = make_study(InMemoryStorage(), "g-0", options, seed)
    ranges = {f"r{i}": optuna.distributions.CategoricalDistribution([0, 1]) for i in range(6)}
    points: list[tuple[float, float]] = []
    for number in range(20):
        study.enqueue_trial({} if number else dict.fromkeys(ranges, 0), user_attrs={SLOT: number})
        asked = study.ask({**ranges})
        on = [i for i in range(6) if asked.params[f"r{i}"]]
        gap = 0.15 + sum(GAINS[i] for i in on)
        tokens = 2000 + sum(COSTS[i] for i in on)
        rows = [
            Part(d, gap + draws.normal(0, 0.1), tokens + draws.normal(0, 300), 1.0)
            for d in range(12)
        ]
        asked.set_user_attr(STATE, "complete")
        if options.several:
            asked.set_user_attr(PARTS, rows)
            study.tell(asked, [fmean(p.score for p in rows), fmean(p.tokens for p in rows)])
        else:
            for part in rows:
                asked.report(part.score, step=part.document)
            study.tell(asked, fmean(part.score for part in rows))
        points.append((tokens, gap))
    volume, best = 0.0, 0.0
    for tokens, gap in sorted(points):
        volume += max(0.0, 3000 - tokens) * max(0.0, gap - best)
        best = max(best, gap)
    return volume


def test_with_two_objectives_the_front_is_wider() -> None:
    one, two = (
        fmean(front_of(names, seed) for seed in range(100, 110)) for names in (("gap",), BOTH)
    )
    assert two > 1.1 * one


def test_with_two_objectives_nothing_is_stopped_unless_that_is_asked_for_and_refused() -> None:
    assert SearchOptions().prune
    both = SearchOptions(objectives=BOTH)
    assert not both.prune
    assert SearchOptions.model_validate_json(both.model_dump_json()) == both
    with pytest.raises(ValidationError, match="nothing is stopped early with two objectives"):
        SearchOptions(objectives=BOTH, prune=True)


@pytest.mark.parametrize("names", [[], ["tokens"], ["tokens", "gap"], ["gap", "gap"], "gap", 3])
def test_other_objectives_are_refused(names: Any) -> None:
    with pytest.raises(InputError, match=r"search\.objectives"):
        load_config("demo", [f"search.objectives={json.dumps(names)}"])


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_looks_at_the_gap_alone_says_so(method: str, world: World) -> None:
    overrides = [f"method={method}", 'search.objectives=["gap", "tokens"]']
    if method in FRUGAL:
        assert load_config("demo", overrides).search.several
        return
    rule = rf"method='{method}': searches for the gap alone; leave .* set method to optuna or relay"
    with pytest.raises(InputError, match=rule):
        load_config("demo", overrides)
    with pytest.raises(ValueError, match=rule):
        find_method(method, Setup(OPTIONS, world.models[PROPOSER]))
