from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autodata.metrics import (
    GATES,
    Bound,
    Gate,
    Group,
    Miss,
    Verdict,
    decide,
    decide_without,
    exact,
    gate,
)

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=300)

# Coarse grades meet the limits often, which is where the mistakes are.
GRADE = st.integers(0, 20).map(lambda n: Fraction(n, 20))
BOUND = st.none() | st.builds(Bound, limit=GRADE, inclusive=st.booleans())
OWN_GATES = st.fixed_dictionaries(
    {
        "weak_mean_max": BOUND,
        "weak_best_max": BOUND,
        "weak_zeros": st.booleans(),
        "strong_mean_min": BOUND,
        "strong_zeros": st.booleans(),
        "gap_min": BOUND,
    }
).map(lambda rules: Gate.model_validate({"name": "own", **rules}))
ANY_GATE = st.sampled_from(list(GATES.values())) | OWN_GATES


def grades(*values: float) -> list[Fraction]:
    return [exact(value) for value in values]


def rules(verdict: Verdict) -> list[str]:
    return [miss.rule for miss in verdict.misses]


@pytest.mark.parametrize(
    ("weak", "strong", "group"),
    [
        ([0.7], [0.92], Group.TOO_EASY),
        ([0.1, 0.76], [0.9], Group.TOO_EASY),
        ([0.5], [0.96], Group.TOO_EASY),
        ([0.5], [0.55], Group.FAILED_ON_STRONG),
        ([0.5], [0.65], Group.FAILED_ON_STRONG),
        ([0.5], [0.9, 0.0, 0.9], Group.FAILED_ON_STRONG),
        ([0.0, 0.5], [0.9], Group.FAILED_QUALITY_CHECK),
        ([0.0, 0.9], [0.9], Group.TOO_EASY),
        ([0.7], [0.2], Group.TOO_EASY),
        ([0.0, 0.5], [0.2], Group.FAILED_QUALITY_CHECK),
        ([0.0, 0.5], [1.0], Group.FAILED_QUALITY_CHECK),
        ([0.5], [0.9], None),
    ],
)
def test_a_rejected_task_has_one_group(
    weak: list[float], strong: list[float], group: Group | None
) -> None:
    assert decide(gate("deployed"), grades(*weak), grades(*strong)).group is group


def test_a_mean_too_high_for_the_strong_solver_outweighs_its_small_gap() -> None:
    own = Gate(name="own", strong_mean_max=Bound(limit=exact(0.9)), gap_min=Bound(limit=exact(0.2)))
    assert decide(own, grades(0.9), grades(0.95)).group is Group.TOO_EASY


def test_the_reason_says_every_miss_with_its_distance() -> None:
    verdict = decide(gate("deployed"), grades(0.712), grades(0.5))
    assert verdict.reason == (
        "weak mean 0.712 must be at most 0.65 (over by 0.062); "
        "strong mean 0.5 must be at least 0.6 (short by 0.1); "
        "gap -0.212 must be at least 0.2 (short by 0.412)"
    )
    assert decide(gate("deployed"), grades(0.5), grades(0.9)).reason == ""


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0.5, "weak mean 0.5 must be below 0.5 (the limit itself is out)"),
        (0.50004, "weak mean 0.50004 must be below 0.5 (over by 0.00004)"),
        ("2/3", "weak mean 0.667 must be below 0.5 (over by 0.167)"),
        (1, "weak mean 1 must be below 0.5 (over by 0.5)"),
    ],
)
def test_a_sentence_never_rounds_the_miss_away(value: object, sentence: str) -> None:
    (miss,) = decide(
        Gate(name="own", weak_mean_max=Bound(limit=exact(0.5), inclusive=False)),
        [exact(value)],
        grades(1),
    ).misses
    assert str(miss) == sentence


def test_a_miss_without_a_demand_reads_it_from_the_side() -> None:
    fields = {"rule": "gap", "by": "0.1", "group": "TOO EASY"}
    assert "at least" in str(Miss.model_validate({**fields, "value": 0.1, "limit": 0.2}))
    assert "at most" in str(Miss.model_validate({**fields, "value": 0.3, "limit": 0.2}))


@fixed
@given(ANY_GATE, st.lists(GRADE, min_size=1, max_size=4), st.lists(GRADE, min_size=1, max_size=4))
def test_a_verdict_survives_json(rule: Gate, weak: list[Fraction], strong: list[Fraction]) -> None:
    verdict = decide(rule, weak, strong)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
    assert Gate.model_validate_json(rule.model_dump_json()) == rule
    assert all(miss.by >= 0 for miss in verdict.misses)
    assert verdict.accepted == (verdict.group is None) == (verdict.reason == "")


@st.composite
def partial(draw: st.DrawFn) -> tuple[list[Fraction], list[Fraction], int, int]:
    counts = [draw(st.integers(0, 4)) for _ in range(4)]
    assume(counts[0] + counts[2] > 0 and counts[1] + counts[3] > 0)
    weak = draw(st.lists(GRADE, min_size=counts[0], max_size=counts[0]))
    strong = draw(st.lists(GRADE, min_size=counts[1], max_size=counts[1]))
    return weak, strong, counts[2], counts[3]


@fixed
@given(ANY_GATE, partial(), st.data())
def test_a_miss_with_attempts_left_is_certain(
    rule: Gate, case: tuple[list[Fraction], list[Fraction], int, int], data: st.DataObject
) -> None:
    weak, strong, weak_left, strong_left = case
    early = decide(rule, weak, strong, weak_left=weak_left, strong_left=strong_left)
    weak_rest = data.draw(st.lists(GRADE, min_size=weak_left, max_size=weak_left))
    strong_rest = data.draw(st.lists(GRADE, min_size=strong_left, max_size=strong_left))
    full = decide(rule, weak + weak_rest, strong + strong_rest)
    by = {(miss.rule, miss.demand): miss.by for miss in full.misses}
    for miss in early.misses:
        assert by[miss.rule, miss.demand] >= miss.by


@fixed
@given(ANY_GATE, partial())
def test_each_single_miss_is_found_as_early_as_possible(
    rule: Gate, case: tuple[list[Fraction], list[Fraction], int, int]
) -> None:
    weak, strong, weak_left, strong_left = case
    early = decide(rule, weak, strong, weak_left=weak_left, strong_left=strong_left)
    extremes = [
        decide(rule, weak + [w] * weak_left, strong + [s] * strong_left)
        for w in (Fraction(0), Fraction(1))
        for s in (Fraction(0), Fraction(1))
    ]
    zeros = ("worst weak attempt", "worst strong attempt")
    always = set.intersection(*({(m.rule, m.demand) for m in v.misses} for v in extremes))
    found = {(m.rule, m.demand) for m in early.misses}
    assert {key for key in always if key[0] not in zeros} <= found


@fixed
@given(ANY_GATE, st.lists(GRADE, min_size=1, max_size=5), st.lists(GRADE, min_size=1, max_size=5))
def test_a_race_decides_as_the_full_verdict_does(
    rule: Gate, weak: list[Fraction], strong: list[Fraction]
) -> None:
    raced = race(rule, weak, strong)
    assert raced.accepted == decide(rule, weak, strong).accepted


def race(rule: Gate, weak: Sequence[Fraction], strong: Sequence[Fraction]) -> Verdict:
    verdict = Verdict()
    for seen in range(len(weak) + len(strong) + 1):
        weak_seen, strong_seen = weak[:seen], strong[: max(0, seen - len(weak))]
        verdict = decide(
            rule,
            weak_seen,
            strong_seen,
            weak_left=len(weak) - len(weak_seen),
            strong_left=len(strong) - len(strong_seen),
        )
        if not verdict.accepted:
            break
    return verdict


def test_a_weak_solver_that_did_too_well_ends_the_race_before_the_strong_one() -> None:
    early = decide(gate("deployed"), grades(1.0), [], weak_left=2, strong_left=3)
    assert rules(early) == ["best weak attempt"]
    late = decide(gate("deployed"), grades(0.7, 0.7, 0.7), [], strong_left=3)
    assert rules(late) == ["weak mean"]
    assert not decide(gate("deployed"), grades(0.7, 0.7), [], weak_left=1, strong_left=3).misses


def test_an_uncertain_mean_is_reported_at_its_most_favourable() -> None:
    (miss,) = decide(gate("prose"), grades(0), grades(0.2, 0.2), strong_left=1).misses
    assert (miss.rule, miss.value, miss.group) == (
        "strong mean",
        Fraction(7, 15),
        Group.FAILED_ON_STRONG,
    )


def test_no_attempts_and_none_left_is_an_error() -> None:
    for weak, strong in ([], grades(1)), (grades(1), []):
        with pytest.raises(ValueError, match=r"=\[\]: no attempts and none left; raise `attempts`"):
            decide(gate("prose"), weak, strong)
    assert decide(gate("prose"), [], [], weak_left=1, strong_left=1) == Verdict()


def test_impossible_attempts_are_refused() -> None:
    with pytest.raises(ValueError, match="strong_left=-1: must be 0 or more"):
        decide(gate("prose"), grades(0), grades(1), strong_left=-1)
    with pytest.raises(ValueError, match=r"weak\[0\]=40: a grade lies in \[0, 1\]"):
        decide(gate("prose"), grades(40), grades(1))


def test_a_gap_made_of_truncated_answers_is_not_accepted() -> None:
    weak, strong = grades(0.7, 0.1, 0.1), grades(0.9, 0.8, 0.8)
    flags = [False, True, True], [False, False, False]
    assert decide(gate("prose"), weak, strong).accepted
    verdict = decide_without(gate("prose"), weak, strong, *flags)
    assert verdict == decide(gate("prose"), grades(0.7), strong)
    assert verdict.group is Group.TOO_EASY


def test_a_truncated_attempt_still_counts_as_a_failure() -> None:
    weak, strong = grades(0.3, 0.3), grades(0.9, 0.1)
    verdict = decide_without(gate("prose"), weak, strong, [False, False], [False, True])
    assert rules(verdict) == ["strong mean"]


def test_a_solver_that_was_always_truncated_makes_the_task_suspect() -> None:
    weak, strong = grades(0.1, 0.1), grades(0.9, 0.9)
    one = decide_without(gate("prose"), weak, strong, [True, True], [False, False])
    both = decide_without(gate("prose"), weak, strong, [True, True], [True, True])
    assert rules(one) == ["untruncated weak attempts"]
    assert rules(both) == ["untruncated weak attempts", "untruncated strong attempts"]
    assert one.group is Group.FAILED_QUALITY_CHECK
    assert one.reason == "untruncated weak attempts 0 must be at least 1 (short by 1)"


def test_truncation_needs_one_flag_per_attempt() -> None:
    with pytest.raises(ValueError, match="weak_truncated has 1 flags for 2 grades: give one"):
        decide_without(gate("prose"), grades(0, 0), grades(1), [True], [False])


@st.composite
def flagged(draw: st.DrawFn) -> tuple[list[Fraction], list[bool]]:
    pairs = draw(st.lists(st.tuples(GRADE, st.booleans()), min_size=1, max_size=4))
    return [value for value, _ in pairs], [cut for _, cut in pairs]


@fixed
@given(ANY_GATE, flagged(), flagged())
def test_truncation_can_only_reject(
    rule: Gate, weak: tuple[list[Fraction], list[bool]], strong: tuple[list[Fraction], list[bool]]
) -> None:
    full = decide(rule, weak[0], strong[0])
    verdict = decide_without(rule, weak[0], strong[0], weak[1], strong[1])
    whole = [[g for g, cut in zip(*pair, strict=True) if not cut] for pair in (weak, strong)]
    assert verdict.accepted == (full.accepted and all(whole) and decide(rule, *whole).accepted)
    if not any(weak[1] + strong[1]):
        assert verdict == full
