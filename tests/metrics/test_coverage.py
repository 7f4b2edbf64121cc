"""Coverage of a taxonomy and evenness of answer types."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.metrics.coverage import coverage, evenness

CLASSES = ("MSC 15", "MSC 34", "MSC 60", "PhySH Networks")
TYPES = ("set", "matrix", "interval")


def test_what_is_touched_is_counted_once_and_the_rest_is_named() -> None:
    found = coverage([("MSC 34", "set"), ("MSC 34", "set"), ("MSC 15", "matrix")], CLASSES, TYPES)
    assert found.share == 0.5
    assert found.touched == ("MSC 15", "MSC 34")
    assert found.untouched == ("MSC 60", "PhySH Networks")
    assert found.types == {"set": 2, "matrix": 1, "interval": 0}
    by_hand = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)) / math.log(3)
    assert found.evenness == pytest.approx(by_hand)


def test_without_problems_nothing_is_touched_and_evenness_is_unknown() -> None:
    found = coverage([], CLASSES, TYPES)
    assert (found.share, found.touched, found.evenness) == (0.0, (), None)
    assert found.untouched == tuple(sorted(CLASSES))


@pytest.mark.parametrize(
    ("problems", "classes", "types", "message"),
    [
        ([("MSC 99", "set")], CLASSES, TYPES, "class='MSC 99'"),
        ([("MSC 15", "novel")], CLASSES, TYPES, "type='novel'"),
        ([], (), TYPES, "classes=\\[\\]"),
        ([], CLASSES, (), "types=\\[\\]"),
    ],
)
def test_what_is_not_listed_is_refused(
    problems: list[tuple[str, str]], classes: tuple[str, ...], types: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        coverage(problems, classes, types)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([5, 5, 5], 1.0), ([7, 0, 0], 0.0), ([0, 0], None), ([3], None), ([], None)],
)
def test_evenness_at_its_ends(counts: list[int], expected: float | None) -> None:
    found = evenness(counts)
    assert found is None if expected is None else found == pytest.approx(expected)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        evenness([2, -1])


@given(st.lists(st.integers(0, 40), min_size=2, max_size=8).filter(any))
def test_evenness_lies_between_0_and_1_whatever_the_order_and_the_size(counts: list[int]) -> None:
    found = evenness(counts)
    assert found is not None
    assert 0 <= found <= 1
    assert evenness(sorted(counts)) == pytest.approx(found)
    assert evenness([3 * count for count in counts]) == pytest.approx(found)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=8))
def test_a_kind_that_does_not_occur_makes_a_distribution_less_even(counts: list[int]) -> None:
    whole, short = evenness(counts), evenness([*counts, 0])
    assert whole is not None
    assert short is not None
    assert short < whole


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(TYPES)), max_size=30),
    st.tuples(st.sampled_from(CLASSES), st.sampled_from(TYPES)),
)
def test_one_more_problem_never_touches_fewer_classes(
    problems: list[tuple[str, str]], more: tuple[str, str]
) -> None:
    before = coverage(problems, CLASSES, TYPES)
    after = coverage([*problems, more], CLASSES, TYPES)
    assert after.share >= before.share
    assert sum(after.types.values()) == len(problems) + 1
    assert set(after.touched) | set(after.untouched) == set(CLASSES)
