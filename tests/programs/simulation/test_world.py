from fractions import Fraction

import numpy as np
import pytest

from autodata.metrics import GATES, decide
from autodata.programs.simulation import irt
from autodata.programs.simulation.principles import HARMFUL, PRINCIPLES
from autodata.programs.simulation.seeds import character, number, stream, uniform
from autodata.programs.simulation.shipped import SHIPPED, beyond_shipped, skill
from autodata.programs.simulation.world import (
    BEST,
    BEST_OBJECTIVE,
    PLAIN,
    SKILLED,
    _verdicts,  # pyright: ignore[reportPrivateUsage]
    achievable,
    expected,
    optimum,
)

GOOD = frozenset(PRINCIPLES) - HARMFUL
MANY = SKILLED._replace(documents=12000)


def test_the_kept_optimum_is_what_the_search_finds() -> None:
    best, value = optimum(SKILLED._replace(documents=6000))
    assert best == BEST
    assert value == pytest.approx(BEST_OBJECTIVE, abs=0.012)


def test_nothing_next_to_the_optimum_is_better() -> None:
    there = achievable(BEST, MANY)
    assert there == pytest.approx(BEST_OBJECTIVE, abs=0.006)
    for name in PRINCIPLES:
        assert achievable(BEST ^ {name}, MANY) < there + 0.003


def test_no_single_principle_comes_near_the_optimum() -> None:
    for name in GOOD:
        assert achievable({name}) < 0.9 * BEST_OBJECTIVE
        assert achievable(SHIPPED | {name}) < 0.9 * BEST_OBJECTIVE


def test_all_good_principles_are_near_the_best_and_not_better() -> None:
    assert 0.92 * BEST_OBJECTIVE < achievable(GOOD, MANY) < BEST_OBJECTIVE


@pytest.mark.parametrize("name", sorted(HARMFUL))
def test_harmful_advice_hurts(name: str) -> None:
    assert achievable(BEST | {name}, MANY) < BEST_OBJECTIVE - 0.008


def test_shipped_prompts_are_the_zero_point() -> None:
    assert all(value == 0 for value in beyond_shipped(dict.fromkeys(SHIPPED, 1.0)))
    assert skill(1) == 0.5
    assert skill(3) == 1.0
    assert skill(0) < 0.5


def test_a_demonstration_counts_less_than_an_instruction() -> None:
    shipped = dict.fromkeys(SHIPPED, 1.0)
    half = expected({**shipped, "specific": 0.5}, PLAIN._replace(documents=12000))
    full = expected({**shipped, "specific": 1.0}, PLAIN._replace(documents=12000))
    none = expected(shipped, PLAIN._replace(documents=12000))
    assert none.objective < half.objective < full.objective


def test_steering_better_helps() -> None:
    better = achievable(SHIPPED, MANY)
    assert achievable(SHIPPED, MANY._replace(skill=0.25)) < better - 0.01


@pytest.mark.parametrize("principles", [SHIPPED, BEST])
def test_the_best_temperature_is_in_the_middle(principles: frozenset[str]) -> None:
    at = {t: achievable(principles, MANY._replace(temperature=t)) for t in (0.0, 0.85, 1.5)}
    assert at[0.85] > at[0.0] + 0.01
    assert at[0.85] > at[1.5] - 0.004


def test_equal_seeds_give_equal_numbers_and_others_do_not() -> None:
    setting = PLAIN._replace(documents=300)
    assert expected(SHIPPED, setting) == expected(SHIPPED, setting)
    assert expected(SHIPPED, setting) != expected(SHIPPED, setting._replace(seed=1))


def test_verdicts_are_those_of_the_deployed_gate() -> None:
    draws = np.random.default_rng(0)
    twentieths = draws.integers(0, 21, (4000, 6))
    twentieths[::2] = np.sort(twentieths[::2], axis=1)
    low, high = twentieths[:, :3], twentieths[:, 3:]
    groups = _verdicts(low / 20, high / 20, np.ones(len(low), bool))
    names = ("TOO EASY", "FAILED ON STRONG", "FAILED QUALITY CHECK")
    for i in range(len(low)):
        weak = [Fraction(int(n), 20) for n in low[i]]
        strong = [Fraction(int(n), 20) for n in high[i]]
        verdict = decide(GATES["deployed"], weak, [], strong_left=3)
        if verdict.accepted:
            verdict = decide(GATES["deployed"], weak, strong)
        found = [name for name, group in zip(names, groups, strict=True) if group[i]]
        assert found == ([verdict.group.value] if verdict.group else [])


def test_the_formulas_take_floats_and_arrays() -> None:
    one = irt.solved(1, 0.3, 0.1, 0.4, 0.2, 0.3, 1.0)
    many = irt.solved(np.ones(2), np.full(2, 0.3), 0.1, 0.4, 0.2, np.full(2, 0.3), 1.0)
    assert many == pytest.approx([one, one])


def test_an_able_solver_gains_most_where_insight_is_asked_for() -> None:
    def gain(insight: int) -> float:
        weak, strong = (irt.solved(insight, 0.2, 0.15, 0.3, 0.0, 0.2, a) for a in (-0.75, 1.0))
        return strong - weak

    assert gain(1) > 0.35
    assert 0 < gain(0) < 0.02


def test_a_document_keeps_its_character() -> None:
    assert character("some text") == character("some text")
    depths = [character(f"text {i}")[0] for i in range(2000)]
    assert np.mean(depths) == pytest.approx(0, abs=0.05)
    assert np.std(depths) == pytest.approx(irt.DEPTH_SPREAD, abs=0.05)


def test_draws_follow_from_their_purpose() -> None:
    assert number("a", "bc") != number("ab", "c")
    assert stream(1, "x").random() == stream(1, "x").random()
    assert 0 <= uniform("anything") < 1
