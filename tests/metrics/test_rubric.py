from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autodata.metrics import Criterion, RubricRules, faults, grade

fixed = settings(derandomize=True, database=None, deadline=None)


def rubric(*weights: int) -> list[Criterion]:
    return [Criterion(criterion=f"point {i}", weight=w) for i, w in enumerate(weights)]


def read(**fields: Any) -> Criterion:
    return Criterion.model_validate({"criterion": "names the cause", **fields})


WEIGHTS = st.lists(st.integers(-10, 10).filter(bool), min_size=1, max_size=20).filter(
    lambda weights: max(weights) > 0
)


@st.composite
def judged(draw: st.DrawFn) -> tuple[list[int], list[bool]]:
    weights = draw(WEIGHTS)
    return weights, draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights)))


@pytest.mark.parametrize(
    ("written", "meant"), [(8, 8), ("8", 8), ("+8", 8), ("-3", -3), (" 7 ", 7), (8.0, 8)]
)
def test_a_weight_may_be_written_in_several_ways(written: object, meant: int) -> None:
    weight = read(weight=written).weight
    assert weight == meant
    assert type(weight) is int


@pytest.mark.parametrize(
    "written", ["eight", 3.5, "8.0", "", None, [8], float("inf"), float("nan"), "\u0668"]
)
def test_a_weight_that_is_no_whole_number_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="a weight is a whole number; write 8, "):
        read(weight=written)


@pytest.mark.parametrize("written", [True, False])
def test_a_truth_value_is_no_weight(written: bool) -> None:
    with pytest.raises(ValidationError, match="a truth value is not a weight"):
        read(weight=written)


@pytest.mark.parametrize("written", [0, "0", 11, -11, "+99"])
def test_a_weight_out_of_range_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="a weight is 1 to 10 or -10 to -1"):
        read(weight=written)


def test_a_missing_category_follows_the_sign() -> None:
    assert read(weight=4).category == "positive"
    assert read(weight="-4").category == "negative"


def test_a_category_against_the_sign_is_refused_naming_both() -> None:
    with pytest.raises(ValidationError, match=r"category='negative' with weight=4.*'positive'"):
        read(weight=4, category="negative")
    with pytest.raises(ValidationError, match=r"category='positive' with weight=-4.*'negative'"):
        read(weight=-4, category="positive")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 1001])
def test_a_criterion_is_a_text_of_up_to_1000_characters(text: str) -> None:
    with pytest.raises(ValidationError, match="criterion"):
        read(weight=1, criterion=text)


def test_a_criterion_is_frozen_and_has_no_other_keys() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read(weight=1).weight = 2
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        read(weight=1, points=3)


def test_the_model_is_told_what_each_field_is() -> None:
    fields = Criterion.model_json_schema()["properties"]
    assert all(field["description"] for field in fields.values())
    assert (fields["weight"]["minimum"], fields["weight"]["maximum"]) == (-10, 10)


def test_a_criterion_survives_json() -> None:
    criterion = read(weight=-3)
    assert Criterion.model_validate_json(criterion.model_dump_json()) == criterion


@pytest.mark.parametrize(
    ("polarity", "weights"),
    [
        ("either", [5] * 10),
        ("either", [5] * 7 + [-2] * 3),
        ("either", [5] * 4 + [-2] * 16),
        ("mixed", [5] * 7 + [-2] * 3),
        ("positive", [5] * 20),
    ],
)
def test_a_rubric_within_the_rules_has_no_faults(
    polarity: Literal["mixed", "positive", "either"], weights: Sequence[int]
) -> None:
    assert faults(rubric(*weights), RubricRules(polarity=polarity)) == []


@pytest.mark.parametrize(
    ("polarity", "weights", "fault"),
    [
        ("either", [5] * 9, "9 criteria in total: at least 10 are needed; add 1."),
        ("either", [5] * 21, "21 criteria in total: at most 20 are allowed; drop 1."),
        ("either", [5] * 3 + [-1] * 7, "3 positive: at least 4 are needed; add 1."),
        ("either", [5] * 9 + [-1], "1 negative: at least 3 are needed; add 2 or drop the 1."),
        ("mixed", [5] * 10, "0 negative: at least 3 are needed; add 3."),
        ("mixed", [5] * 8 + [-1] * 2, "2 negative: at least 3 are needed; add 1."),
        (
            "positive",
            [5] * 9 + [-1],
            "1 negative: none is allowed; drop or rewrite each as an insight.",
        ),
    ],
)
def test_a_fault_names_value_rule_and_remedy(
    polarity: Literal["mixed", "positive", "either"], weights: Sequence[int], fault: str
) -> None:
    assert faults(rubric(*weights), RubricRules(polarity=polarity)) == [fault]


def test_a_weight_over_the_house_limit_is_a_fault() -> None:
    found = faults(rubric(*[5] * 9, 6), RubricRules(weight_max=5))
    assert found == ["Criterion 10 has weight 6: weights go from -5 to 5; bring it nearer to 0."]


def test_duplicates_are_found_through_case_and_space() -> None:
    items = [*rubric(*[5] * 10), read(criterion="Point   3", weight=1)]
    (fault,) = faults(items, RubricRules())
    assert fault == "Criteria 4, 11 are the same ('point 3'): each must differ; keep one."


def test_every_fault_is_listed_at_once() -> None:
    assert len(faults(rubric(9, 9, -1), RubricRules(polarity="positive", weight_max=8))) == 5


@pytest.mark.parametrize("polarity", ["mixed", "either", "positive"])
def test_the_description_names_every_number(
    polarity: Literal["mixed", "positive", "either"],
) -> None:
    rules = RubricRules(
        polarity=polarity, total_min=11, total_max=17, positives_min=5, negatives_min=2
    )
    text = rules.describe()
    assert "11 to 17 criteria" in text
    assert "at least 5 positive" in text
    assert ("at least 2 negative" in text) == (polarity != "positive")
    assert ("no negative" in text) == (polarity != "mixed")
    assert "\n" not in text


def test_rules_that_no_rubric_can_keep_are_refused() -> None:
    with pytest.raises(ValidationError, match="lower `total_min` or raise `total_max`"):
        RubricRules(total_min=12, total_max=11)
    with pytest.raises(ValidationError, match="raise `total_max`"):
        RubricRules(polarity="mixed", total_min=1, total_max=6)
    with pytest.raises(ValidationError, match="Extra inputs"):
        RubricRules.model_validate({"positive_min": 3})


@pytest.mark.parametrize(
    ("weights", "satisfied", "expected"),
    [
        ([7, 3], [True, False], Fraction(7, 10)),
        ([7, 3, -2], [True, True, True], Fraction(8, 10)),
        ([7, 3, -10], [False, False, True], Fraction(0)),
        ([7, 3, -10], [False, False, False], Fraction(0)),
        ([2, 1], [True, True], Fraction(1)),
        ([1, 1, 1], [True, False, False], Fraction(1, 3)),
    ],
)
def test_the_grade_is_what_was_earned_of_what_could_be(
    weights: list[int], satisfied: list[bool], expected: Fraction
) -> None:
    result = grade(rubric(*weights), satisfied)
    assert result == expected
    assert isinstance(result, Fraction)


@fixed
@given(judged())
def test_a_grade_lies_in_0_to_1(case: tuple[list[int], list[bool]]) -> None:
    weights, satisfied = case
    assert 0 <= grade(rubric(*weights), satisfied) <= 1


@fixed
@given(st.lists(st.sampled_from([-2, -1, 1, 2]), max_size=9), st.lists(st.booleans(), min_size=10))
def test_a_grade_does_not_change_with_the_scale(weights: list[int], satisfied: list[bool]) -> None:
    weights = [*weights, 1]
    satisfied = satisfied[: len(weights)]
    scaled = [5 * weight for weight in weights]
    assert grade(rubric(*weights), satisfied) == grade(rubric(*scaled), satisfied)


@fixed
@given(judged(), st.data())
def test_one_more_satisfied_criterion_moves_the_grade_its_way(
    case: tuple[list[int], list[bool]], data: st.DataObject
) -> None:
    weights, satisfied = case
    index = data.draw(st.integers(0, len(weights) - 1))
    without, having = satisfied.copy(), satisfied.copy()
    without[index], having[index] = False, True
    before, after = (grade(rubric(*weights), verdicts) for verdicts in (without, having))
    assert after >= before if weights[index] > 0 else after <= before


@fixed
@given(judged(), st.randoms())
def test_the_order_of_the_criteria_does_not_matter(
    case: tuple[list[int], list[bool]], random: Any
) -> None:
    pairs = list(zip(*case, strict=True))
    before = grade(rubric(*case[0]), case[1])
    random.shuffle(pairs)
    assert grade(rubric(*[w for w, _ in pairs]), [met for _, met in pairs]) == before


@fixed
@given(WEIGHTS)
def test_the_ideal_answer_has_1_and_the_empty_one_0(weights: list[int]) -> None:
    assert grade(rubric(*weights), [weight > 0 for weight in weights]) == 1
    assert grade(rubric(*weights), [False] * len(weights)) == 0


def test_a_grade_needs_one_verdict_per_criterion() -> None:
    with pytest.raises(ValueError, match="1 verdicts for 2 criteria: give exactly one"):
        grade(rubric(1, 2), [True])


@pytest.mark.parametrize("entry", [1, 0.0, "true", None])
def test_a_verdict_is_a_truth_value(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"verdict 2 is .*: give True or False"):
        grade(rubric(1, 2), [True, entry])


@pytest.mark.parametrize("weights", [[], [-1, -2]])
def test_a_grade_needs_something_to_earn(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="add a positive criterion"):
        grade(rubric(*weights), [True] * len(weights))
