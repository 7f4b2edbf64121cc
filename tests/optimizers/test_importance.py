"""Importances: which parameter decided, and when nothing can be said."""

import random
from typing import Any

import pytest

from autodata.optimizers import Candidate, Trial, importances, measured

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
