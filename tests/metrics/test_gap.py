import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.metrics import Average, Score, average, best, exact, gap, mean

fixed = settings(derandomize=True, database=None, deadline=None)
GRADES = st.lists(st.fractions(0, 1, max_denominator=100), min_size=1, max_size=6)


def test_the_gap_is_exact_where_floats_are_not() -> None:
    assert gap([exact(0.5)], [exact(0.7)]) == exact("0.20")


def test_the_gap_is_the_strong_mean_minus_the_weak_mean() -> None:
    weak, strong = [Fraction(1, 3), Fraction(0)], [Fraction(1), Fraction(1, 2), Fraction(0)]
    assert gap(weak, strong) == Fraction(1, 2) - Fraction(1, 6)
    assert best(strong) == 1


@fixed
@given(GRADES, GRADES)
def test_the_gap_is_antisymmetric_and_bounded(weak: list[Fraction], strong: list[Fraction]) -> None:
    assert gap(weak, strong) == -gap(strong, weak) == mean(strong) - mean(weak)
    assert -1 <= gap(weak, strong) <= 1


@fixed
@given(GRADES)
def test_mean_and_best_are_grades(grades: list[Fraction]) -> None:
    assert min(grades) <= mean(grades) <= best(grades) == max(grades)
    assert isinstance(mean(grades), Fraction)
    assert mean(grades * 2) == mean(grades)


def test_no_attempts_have_no_gap() -> None:
    some = [Fraction(1, 2)]
    with pytest.raises(ValueError, match=r"weak=\[\].*raise `attempts` to at least 1"):
        gap([], some)
    with pytest.raises(ValueError, match=r"strong=\[\].*raise `attempts` to at least 1"):
        gap(some, [])
    for function in (mean, best):
        with pytest.raises(ValueError, match="raise `attempts`"):
            function([])


@pytest.mark.parametrize("value", [Fraction(65), Fraction(-1, 10), Fraction(101, 100)])
def test_a_grade_outside_0_to_1_is_refused(value: Fraction) -> None:
    with pytest.raises(ValueError, match=r"strong\[1\]=.*lies in \[0, 1\]; divide by"):
        gap([Fraction(0)], [Fraction(1), value])


@pytest.mark.parametrize("value", [0.5, 1, True, "1/2", None])
def test_a_grade_that_is_not_exact_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"grades\[0\]=.*use exact"):
        mean([value])


def test_failures_are_not_zeros() -> None:
    assert average([Score(0.75, ""), None, 0.25]) == Average(0.5, 2, 1)
    assert average([None]) == Average(None, 0, 1)
    assert average([]) == Average(None, 0, 0)
    assert average([0.0]) == Average(0.0, 1, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="pass None for what failed"):
        average([0.5, Score(value, "")])


@fixed
@given(st.lists(st.none() | st.floats(-1, 1)), st.randoms())
def test_an_average_does_not_depend_on_the_order(scores: list[float | None], random: Any) -> None:
    result = average(scores)
    random.shuffle(scores)
    assert average(scores) == result
    assert result.scored + result.skipped == len(scores)
