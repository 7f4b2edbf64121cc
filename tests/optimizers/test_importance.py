"""Importances: which parameter decided, and when nothing can be said."""

import random
from pathlib import Path
from typing import Any

import pytest
from worlds import World

from autodata.optimizers import (
    Candidate,
    SearchOptions,
    Setup,
    Trial,
    importances,
    last_space,
    measured,
    rule_effects,
)
from autodata.optimizers.joint.search import OptunaSearch
from autodata.optimizers.relay import RelaySearch
from autodata.programs import PROPOSER

CANDIDATE = Candidate(instructions={"challenger.write": "Write."})


def trial(number: int, params: dict[str, Any], value: float | None) -> Trial:
    return Trial(
        number=number,
        origin="sampler",
        state="complete",
        candidate=CANDIDATE,
        params=params,
        value=value,
        measurement=measured([]),
        episodes=(),
    )


def search(count: int, seed: int = 0) -> list[Trial]:
    """Return a search in which `write` decides, `demos` does not, and `memory` never changes."""
    draw = random.Random(seed)
    trials: list[Trial] = []
    for number in range(count):
        write = draw.randrange(4)
        params = {
            "write": f"write-{write}",
            "demos": draw.choice(["none", "best-2"]),
            "temperature": draw.uniform(0.5, 1.2),
            "memory": 0,
            "own": f"text-{number}",
        }
        trials.append(trial(number, params, 0.1 * write + draw.gauss(0, 0.02)))
    return trials


@pytest.mark.parametrize("seed", range(3))
def test_the_parameter_that_decides_is_the_most_important(seed: int) -> None:
    found = importances(search(40, seed))
    assert next(iter(found)) == "write"
    assert found["write"] > 0.6
    assert sum(found.values()) == pytest.approx(1)


def test_what_never_changes_and_what_is_every_trials_own_have_no_importance() -> None:
    assert set(importances(search(40))) == {"write", "demos", "temperature"}


def test_few_trials_and_trials_without_a_value_say_nothing() -> None:
    assert importances(search(14)) == {}
    assert importances(search(15)) != {}
    unscored = [one.model_copy(update={"value": None}) for one in search(40)]
    assert importances(unscored) == {}


def test_equal_values_and_single_points_say_nothing() -> None:
    level = [one.model_copy(update={"value": 0.2}) for one in search(40)]
    assert importances(level) == {}
    assert importances([trial(i, {"demos": "none"}, i / 40) for i in range(40)]) == {}


def test_what_a_single_trial_lacks_is_no_matter_for_people(
    recwarn: pytest.WarningsRecorder,
) -> None:
    first, *others = search(40)
    bare = first.model_copy(update={"params": {"memory": 0}})
    assert next(iter(importances([bare, *others]))) == "write"
    assert [str(one.message) for one in recwarn if issubclass(one.category, UserWarning)] == []


def test_trials_of_several_methods_may_have_different_parameters() -> None:
    mixed = [
        one.model_copy(update={"params": {"examples": "yes" if one.number % 3 else "no"}})
        if one.number % 2
        else one
        for one in search(60)
    ]
    found = importances(mixed)
    assert set(found) == {"write", "demos", "temperature", "examples"}
    assert max(found, key=lambda name: found[name]) == "write"


@pytest.mark.parametrize("feeders", [None, {"bootstrap": 0.5}])
def test_rules_are_worth_something_in_a_search_of_its_own_and_in_a_relay(
    world: World, tmp_path: Path, feeders: dict[str, float] | None
) -> None:
    options = SearchOptions(trials=6, generation=3, rules=2)
    setup = Setup(options, world.models[PROPOSER], folder=tmp_path)
    method = OptunaSearch(setup) if feeders is None else RelaySearch(setup, feeders)
    trials = method.search(world.objective(), world.train, world.validation, lambda trial: None)
    space = last_space(tmp_path)
    assert space is not None
    found = rule_effects(trials, space)
    assert found
    assert found == sorted(found, key=lambda one: (-one.effect, one.switch))
    for one in found:
        others = [trial for trial in trials[1:] if trial.value is not None]
        tried = [trial for trial in others if trial.params.get(one.switch) == 1]
        assert one.trials == len(tried) > 0
        assert all(one.text in t.candidate.instructions[one.predictor] for t in tried)
        assert 0 < one.error < 0.07
    assert rule_effects(trials[:1], space) == []
