"""Calibration: what a gate for one pair of solvers follows from, exactly."""

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.metrics import GATES, Gate, decide, exact, mean
from autodata.metrics.calibration import (
    GAP_LIMITS,
    STRONG_LIMITS,
    WEAK_LIMITS,
    Calibration,
    calibrate,
    quantile,
)

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=50)
RUBRIC = st.integers(0, 40).map(lambda points: Fraction(points, 40))
RIGHT_OR_WRONG = st.sampled_from([Fraction(0), Fraction(1)])
Grades = list[list[Fraction]]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Grades, Grades]:
    """Return the grades of both solvers on 4 to 12 tasks, by rubric or right and wrong."""
    kind = draw(st.sampled_from([RUBRIC, RIGHT_OR_WRONG]))
    tasks = draw(st.integers(4, 12))
    task = st.lists(kind, min_size=1, max_size=5)
    both = st.lists(task, min_size=tasks, max_size=tasks)
    return draw(both), draw(both)


def grades(*tasks: Sequence[float]) -> Grades:
    return [[exact(grade) for grade in task] for task in tasks]


def limits(found: Calibration | Gate) -> tuple[Fraction, Fraction, Fraction]:
    """Return the bounds on the weak mean, the strong mean and the gap; all must be inclusive."""
    gate = found.gate if isinstance(found, Calibration) else found
    bounds = (gate.weak_mean_max, gate.strong_mean_min, gate.gap_min)
    values = []
    for bound in bounds:
        assert bound is not None
        assert bound.inclusive
        values.append(bound.limit)
    return values[0], values[1], values[2]


@fixed
@given(pairs())
def test_the_proposal_is_a_gate_in_percent_that_tasks_can_meet(pair: tuple[Grades, Grades]) -> None:
    found = calibrate(*pair)
    weak, strong, gap = limits(found)
    assert all(100 % limit.denominator == 0 for limit in (weak, strong, gap))
    assert WEAK_LIMITS[0] <= weak <= WEAK_LIMITS[1]
    assert STRONG_LIMITS[0] <= strong <= STRONG_LIMITS[1]
    assert GAP_LIMITS[0] <= gap <= GAP_LIMITS[1]
    assert decide(found.gate, [Fraction(0)], [Fraction(1)]).accepted
    least_strong = max(strong, gap)
    assert decide(found.gate, [min(weak, least_strong - gap)], [least_strong]).accepted
    assert Gate.model_validate(found.gate.model_dump(mode="json")) == found.gate
    assert Calibration.model_validate_json(found.model_dump_json()) == found


@fixed
@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_tasks_and_attempts_is_irrelevant(
    pair: tuple[Grades, Grades], draw: random.Random
) -> None:
    tasks = list(zip(*pair, strict=True))
    draw.shuffle(tasks)
    weak, strong = (
        [draw.sample(one, len(one)) for one in side] for side in zip(*tasks, strict=True)
    )
    assert calibrate(weak, strong) == calibrate(*pair)


@fixed
@given(pairs(), st.data())
def test_a_stronger_weak_solver_never_lowers_its_limit(
    pair: tuple[Grades, Grades], data: st.DataObject
) -> None:
    weak, strong = pair
    raised = st.integers(0, 40).map(lambda points: Fraction(points, 40))
    better = [[max(grade, data.draw(raised)) for grade in task] for task in weak]
    assert limits(calibrate(better, strong))[0] >= limits(calibrate(weak, strong))[0]


@fixed
@given(pairs())
def test_a_quarter_of_the_single_shots_keep_the_weak_rule_and_half_the_strong_one(
    pair: tuple[Grades, Grades],
) -> None:
    weak, strong, gap = limits(calibrate(*pair))
    tasks = len(pair[0])
    if weak < WEAK_LIMITS[1]:
        assert 4 * sum(mean(task) <= weak for task in pair[0]) >= tasks
    if strong > gap:
        assert 2 * sum(mean(task) >= strong for task in pair[1]) >= tasks


@fixed
@given(pairs())
def test_the_shares_are_what_each_gate_decides(pair: tuple[Grades, Grades]) -> None:
    found = calibrate(*pair, name="mine")
    assert list(found.acceptance_now) == ["mine", *GATES]
    gates = {"mine": found.gate, **GATES}
    for name, share in found.acceptance_now.items():
        passed = [decide(gates[name], w, s).accepted for w, s in zip(*pair, strict=True)]
        assert share == Fraction(sum(passed), len(passed))
    assert found.acceptance_now["legal"] == 1
    assert found.tasks == len(pair[0])
    assert all("\n" not in reason for reason in found.reasons)


# Weak means 0.40, 0.50, 0.60, 0.70, 0.80: the lower quartile is 0.50. Strong means have the median
# 0.70. Every pair of attempts is 0.20 apart: variance 0.02, error of a mean of two 0.01.
WEAK = grades((0.3, 0.5), (0.4, 0.6), (0.5, 0.7), (0.6, 0.8), (0.7, 0.9))
STRONG = grades((0.5, 0.7), (0.5, 0.7), (0.6, 0.8), (0.7, 0.9), (0.8, 1.0))


def test_the_numbers_follow_from_quartile_median_and_noise() -> None:
    weak, strong, gap = limits(calibrate(WEAK, STRONG))
    # 1.645 times the root of 0.02 is 0.2327; the standard error of a strong mean is 0.1.
    assert (weak, strong, gap) == (exact("0.50"), exact("0.60"), exact("0.24"))


@pytest.mark.parametrize(
    ("weak", "strong", "accepted"),
    [
        ("0.36", "0.60", True),
        ("0.361", "0.60", False),
        ("0.36", "0.599", False),
        ("0.50", "0.74", True),
        ("0.501", "0.95", False),
        ("0.50", "0.739", False),
        ("0", "0.60", True),
        ("0.50", "1", True),
    ],
)
def test_each_limit_itself_passes_and_what_lies_beyond_does_not(
    weak: str, strong: str, accepted: bool
) -> None:
    gate = calibrate(WEAK, STRONG).gate
    assert decide(gate, [exact(weak)], [exact(strong)]).accepted is accepted


def test_rounding_keeps_the_tasks_that_a_limit_comes_from() -> None:
    third = Fraction(1, 3)
    weak = [[third, third, third]] * 5
    strong = [[2 * third, 2 * third, 2 * third]] * 5
    weak_max, strong_min, _ = limits(calibrate(weak, strong))
    assert (weak_max, strong_min) == (exact("0.34"), exact("0.66"))


def test_right_and_wrong_give_the_gate_of_the_scientific_tasks() -> None:
    weak = grades(*[(0, 0, 0, 1)] * 4, *[(1, 1, 1, 1)] * 4)
    strong = grades(*[(1, 1, 1, 1)] * 6, *[(0, 1, 1, 1)] * 2)
    found = calibrate(weak, strong)
    scientific = GATES["scientific"]
    assert found.gate.weak_mean_max == scientific.weak_mean_max
    assert found.gate.strong_mean_min == scientific.strong_mean_min


def test_solvers_without_any_spread_get_the_least_gap_and_limits_within_reach() -> None:
    perfect, hopeless = grades(*[(1, 1, 1)] * 4), grades(*[(0, 0, 0)] * 4)
    assert limits(calibrate(perfect, perfect)) == (exact("0.95"), exact("0.75"), exact("0.05"))
    assert limits(calibrate(hopeless, hopeless)) == (exact("0.25"), exact("0.05"), exact("0.05"))
    assert limits(calibrate(hopeless, perfect)) == (exact("0.25"), exact("0.75"), exact("0.05"))


def test_one_attempt_a_task_takes_its_noise_from_the_spread_between_tasks() -> None:
    single = grades((0.4,), (0.5,), (0.5,), (0.6,))
    many = grades((0.5, 0.5), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5))
    # Squares of the distances from 0.5 add up to 0.02; over 3 that is 0.00667, its root 0.0817.
    assert limits(calibrate(single, many))[2] == exact("0.14")
    assert limits(calibrate(many, many))[2] == exact("0.05")


def test_more_attempts_allow_a_smaller_gap() -> None:
    few = calibrate(grades(*[(0.4, 0.8)] * 6), grades(*[(0.5, 0.9)] * 6))
    many = calibrate(grades(*[(0.4, 0.8) * 4] * 6), grades(*[(0.5, 0.9) * 4] * 6))
    assert limits(many)[2] < limits(few)[2]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ((WEAK, STRONG), "weak means from 0.40 to 0.80, median 0.60, lower quartile 0.50"),
        (
            (WEAK, STRONG),
            "strong means from 0.60 to 0.90, median 0.70, less a standard error of 0.1",
        ),
        ((WEAK, STRONG), "differ by more than 0.24 on one task in twenty, so gap at least 0.24"),
        ((WEAK, STRONG), "5 tasks, 2 weak and 2 strong attempts each"),
        ((WEAK, WEAK), "none of these tasks would pass"),
        ((WEAK, WEAK), "the strong solver is no better than the weak one"),
        ((grades(*[(0.0,)] * 4), STRONG[1:]), "single shots separate this pair"),
        ((grades(*[(0.0,)] * 4), STRONG[1:]), "at most 0.25 (not 0.00: held within"),
        ((grades(*[(1.0, 0.0)] * 4), STRONG[1:]), "so gap at least 0.50 (not "),
    ],
)
def test_the_reasons_say_how_the_numbers_came_about(pair: tuple[Grades, Grades], said: str) -> None:
    assert said in "\n".join(calibrate(*pair).reasons)


def test_nothing_is_cautioned_against_without_need() -> None:
    assert len(calibrate(WEAK, [[exact(1), exact("0.9")], *STRONG[1:]]).reasons) == 4


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("weak", "strong", "few"),
    [(0.80, 0.90, True), (0.42, 0.80, False)],
    ids=["a pair that solves most", "a pair far apart"],
)
def test_a_pair_that_the_papers_gate_does_not_fit_gets_one_that_does(
    weak: float, strong: float, few: bool, seed: int
) -> None:
    draw = random.Random(f"{seed}/{weak}")

    def solver(middle: float) -> Grades:
        tasks = [draw.gauss(middle, 0.05) for _ in range(60)]
        return grades(
            *[[round(min(max(draw.gauss(m, 0.05), 0.01), 1), 3) for _ in range(3)] for m in tasks]
        )

    shares = calibrate(solver(weak), solver(strong)).acceptance_now
    assert shares["deployed"] < 0.05 if few else shares["deployed"] > 0.9
    assert 0.1 < shares["calibrated"] < 0.5


@pytest.mark.parametrize(
    ("weak", "strong", "match"),
    [
        (WEAK[:3], STRONG[:3], "3 tasks: a quartile needs at least 4; probe more documents"),
        ([], [], "0 tasks"),
        (WEAK, STRONG[1:], "5 weak and 4 strong tasks: give the grades of both"),
        ([*WEAK[1:], []], STRONG, r"weak\[4\]=\[\]: no attempts; leave the task out"),
        (WEAK, [[Fraction(2)], *STRONG[1:]], r"strong\[0\]\[0\]=2: a grade lies in \[0, 1\]"),
    ],
)
def test_grades_that_make_no_gate_are_refused(weak: Grades, strong: Grades, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        calibrate(weak, strong)


def test_a_quantile_lies_between_two_values_by_straight_line() -> None:
    values = [Fraction(0), Fraction(1), Fraction(3)]
    shares = [Fraction(share) for share in ("0", "1/4", "1/2", "3/4", "1")]
    assert [quantile(values, share) for share in shares] == [0, Fraction(1, 2), 1, 2, 3]
    assert quantile(values[1:2], Fraction(1, 4)) == 1
