"""Effects of choices: what many noisy trials say together, and what a search makes of it."""

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial

from autodata.optimizers import SearchOptions
from autodata.optimizers.joint.effects import Effects, Scored, features
from autodata.optimizers.joint.slots import SLOT, STATE
from autodata.optimizers.joint.thompson import EffectsPruner, EffectsSampler

SWITCHES: dict[str, BaseDistribution] = {f"r{i}": CategoricalDistribution([0, 1]) for i in range(6)}
OPTIONS = SearchOptions(prune_after=3)
EFFECTS = (0.15, -0.1, 0.0, 0.05, 0.0, -0.15)


def measured(
    on: tuple[int, ...],
    documents: range,
    draws: np.random.Generator,
    state: str = "pruned",
    slot: int | None = None,
) -> FrozenTrial:
    """Return a trial of which the effects are known, with noise."""
    total = sum(EFFECTS[i] for i in on)
    scores = {d: float(0.05 * d + total + draws.normal(0, 0.15)) for d in documents}
    return optuna.trial.create_trial(
        value=0.0,
        params={name: int(i in on) for i, name in enumerate(SWITCHES)},
        distributions=SWITCHES,
        user_attrs={STATE: state} | ({} if slot is None else {SLOT: slot}),
        intermediate_values=scores,
    )


def factorial(count: int, seed: int = 0) -> list[FrozenTrial]:
    """Return trials of random choices on three documents each, after a whole baseline."""
    draws = np.random.default_rng(seed)
    found = [measured((), range(12), draws, "complete")]
    for number in range(count):
        on = tuple(i for i in range(6) if draws.random() < 0.5)
        start = number * 3 % 12
        found.append(measured(on, range(start, start + 3), draws))
    return found


def scored(trials: list[FrozenTrial]) -> list[Scored]:
    return [Scored(one.params, one.intermediate_values) for one in trials]


def study_of(trials: list[FrozenTrial]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def asked(study: optuna.Study, sampler: EffectsSampler) -> set[str]:
    study.sampler = sampler
    point = study.ask(SWITCHES).params
    return {name for name, value in point.items() if value}


def test_a_point_is_what_sets_it_off_from_the_baseline() -> None:
    space: dict[str, BaseDistribution] = {
        "rule": CategoricalDistribution([0, 1]),
        "demos": CategoricalDistribution(["none", "best-1"]),
        "temperature": FloatDistribution(0.5, 1.5),
    }
    assert features({"rule": 0, "demos": "none"}, space) == {}
    assert features({"rule": 1, "demos": "best-1"}, space) == {
        ("rule", 1): 1,
        ("demos", "best-1"): 1,
    }
    assert features({"temperature": 1.5}, space) == {
        ("temperature", "linear"): 1,
        ("temperature", "quadratic"): 1,
    }
    assert set(features({"temperature": 1.0}, space).values()) == {0}


def test_effects_are_found_though_no_trial_shows_them() -> None:
    means = Effects(scored(factorial(80)), SWITCHES).means()
    for i, effect in enumerate(EFFECTS):
        assert means[f"r{i}", 1] == pytest.approx(effect, abs=0.06)


def test_without_scores_nothing_is_claimed() -> None:
    assert Effects([], {}).means() == {}
    assert Effects([], {}).drawn(np.random.default_rng(0)) == {}


@given(st.lists(st.floats(-0.5, 0.5), min_size=12, max_size=12))
@settings(max_examples=25)
def test_a_documents_own_level_moves_no_effect(levels: list[float]) -> None:
    trials = scored(factorial(20))
    shifted = [
        Scored(one.params, {d: s + levels[d] for d, s in one.scores.items()}) for one in trials
    ]
    before, after = Effects(trials, SWITCHES).means(), Effects(shifted, SWITCHES).means()
    assert after == pytest.approx(before, abs=1e-9)


def test_the_order_of_parameters_changes_no_draw() -> None:
    trials = scored(factorial(10))
    turned = [Scored(dict(reversed(list(one.params.items()))), one.scores) for one in trials]
    one, other = (
        Effects(found, SWITCHES).drawn(np.random.default_rng(3)) for found in (trials, turned)
    )
    assert one == pytest.approx(other)


def test_the_expected_best_has_every_helpful_rule_and_no_other() -> None:
    study = study_of(factorial(150))
    assert asked(study, EffectsSampler(0, greedy=True)) == {"r0", "r3"}


def test_a_rule_is_tried_less_the_surer_it_is_that_it_harms() -> None:
    few, many = study_of(factorial(2)), study_of(factorial(80))
    tried = [
        sum("r5" in asked(study, EffectsSampler(seed)) for seed in range(40))
        for study in (few, many)
    ]
    assert tried[1] < tried[0]
    assert tried[1] < 4


def test_a_trial_goes_on_only_while_more_is_expected_of_it_than_of_the_best() -> None:
    draws = np.random.default_rng(1)
    study = study_of([*factorial(80), measured((3,), range(12), draws, "complete")])
    pruner = EffectsPruner(OPTIONS)
    assert pruner.prune(study, measured((3, 5), range(3), draws, slot=9))
    assert not pruner.prune(study, measured((0, 3), range(3), draws, slot=9))
    assert not pruner.prune(study, measured((3, 5), range(2), draws, slot=9))


def test_nothing_is_stopped_before_there_is_a_best() -> None:
    draws = np.random.default_rng(2)
    assert not EffectsPruner(OPTIONS).prune(study_of([]), measured((5,), range(3), draws, slot=1))


def test_whether_a_trial_is_stopped_does_not_depend_on_those_measured_along_with_it() -> None:
    draws = np.random.default_rng(3)
    best = measured((), range(12), draws, "complete", slot=0)
    mate = measured((0, 3), range(12), draws, "complete", slot=1)
    one = measured((4,), range(3), draws, slot=2)
    stopped = [
        EffectsPruner(OPTIONS.model_copy(update={"parallel": parallel})).prune(study, one)
        for parallel in (4, 1)
        for study in (study_of([best]), study_of([best, mate]))
    ]
    assert stopped == [False, False, False, True]
