"""The sequential test: what it never does, how often it errs, and what it saves."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.metrics import GATES, Gate, Group, decide
from autodata.metrics.sequential import FLOOR, RULE, Early, decide_early, lowest

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=150)
NUMBERS = ("prose", "deployed", "meta", "scientific")
"""The presets that decide by numbers: those of research, scientific and code."""
PLANNED = {"prose": 3, "deployed": 3, "meta": 3, "scientific": 4}
GRADE = st.integers(0, 20).map(lambda n: Fraction(n, 20))


def test(
    gate: Gate, weak: Sequence[Fraction], strong: Sequence[Fraction], planned: int, error: float
) -> Early | None:
    return decide_early(
        gate,
        weak,
        strong,
        weak_left=planned - len(weak),
        strong_left=planned - len(strong),
        error=error,
    )


test.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


def tried(
    gate: Gate, weak: Sequence[Fraction], strong: Sequence[Fraction], error: float | None
) -> tuple[bool, int]:
    """Return the verdict and how many attempts it took, as the contest asks for them."""
    planned = len(weak)
    for made in range(1, 2 * planned):
        seen = weak[:made], strong[: max(0, made - planned)]
        left = planned - len(seen[0]), planned - len(seen[1])
        if decide(gate, *seen, weak_left=left[0], strong_left=left[1]).misses:
            return False, made
        early = None if error is None else test(gate, *seen, planned, error)
        if early is not None:
            return early.verdict.accepted, made
    return decide(gate, weak, strong).accepted, 2 * planned


class Solver:
    """A solver whose grades are those of a rubric: criteria met out of `criteria`, by chance."""

    def __init__(self, mean: float, criteria: int, spread: float) -> None:
        self.mean, self.criteria, self.spread = mean, criteria, spread

    def grades(self, draws: Random, count: int) -> list[Fraction]:
        return [self._grade(draws) for _ in range(count)]

    def _grade(self, draws: Random) -> Fraction:
        a = self.mean * self.spread
        chance = draws.betavariate(a, self.spread - a)
        met = sum(draws.random() < chance for _ in range(self.criteria))
        return Fraction(met, self.criteria)


GRID = [(weak, strong) for weak in (0.2, 0.35, 0.5, 0.65) for strong in (0.65, 0.75, 0.85)]


def tasks(
    name: str, draws: Random, pairs: Sequence[tuple[float, float]], criteria: int, spread: float
) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    for weak, strong in pairs:
        yield (
            Solver(weak, criteria, spread).grades(draws, PLANNED[name]),
            Solver(strong, criteria, spread).grades(draws, PLANNED[name]),
        )


def measured(name: str, criteria: int, spread: float, error: float) -> tuple[float, float, int]:
    """Return the share of good tasks lost, attempts to racing's, and the number of good tasks."""
    draws, good, lost, asked, raced = Random(7), 0, 0, 0, 0
    for _ in range(25):
        for weak, strong in tasks(name, draws, GRID, criteria, spread):
            full = decide(GATES[name], weak, strong).accepted
            verdict, made = tried(GATES[name], weak, strong, error)
            good, lost = good + full, lost + (full and not verdict)
            asked, raced = asked + made, raced + tried(GATES[name], weak, strong, None)[1]
    return lost / good, asked / raced, good


@pytest.mark.parametrize("error", [0.05, 0.1])
@pytest.mark.parametrize(
    ("name", "criteria", "spread"),
    [
        ("deployed", 10, 15.0),
        ("deployed", 14, 60.0),
        ("deployed", 12, 6.0),
        ("prose", 10, 15.0),
        ("meta", 12, 15.0),
        ("scientific", 1, 5.0),
    ],
)
def test_few_of_the_tasks_that_all_attempts_accept_are_lost(
    name: str, criteria: int, spread: float, error: float
) -> None:
    lost, attempts, good = measured(name, criteria, spread, error)
    # Two standard errors above what is stated, for the finite number of tasks.
    assert lost <= error + 2 * (error / good) ** 0.5
    assert attempts <= 1


@pytest.mark.parametrize("error", [0.05, 0.1])
def test_few_of_the_tasks_accepted_early_would_be_rejected_by_all_attempts(error: float) -> None:
    draws, gate, planned, early, wrong = Random(11), GATES["prose"], 6, 0, 0
    for _ in range(40):
        for weak_mean, strong_mean in GRID:
            weak = Solver(weak_mean, 10, 15.0).grades(draws, planned)
            strong = Solver(strong_mean, 10, 15.0).grades(draws, planned)
            accepted, made = tried(gate, weak, strong, error)
            if accepted and made < 2 * planned:
                early, wrong = early + 1, wrong + (not decide(gate, weak, strong).accepted)
    assert early > 50
    assert wrong / early <= error + 2 * (error / early) ** 0.5


def test_a_larger_error_asks_for_fewer_attempts() -> None:
    ratios = [measured("deployed", 10, 15.0, error)[1] for error in (0.01, 0.05, 0.1, 0.2)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 0.95


def test_more_planned_attempts_save_a_larger_share() -> None:
    draws, pairs = Random(3), [(0.62, 0.72)] * 40
    shares = []
    for planned in (3, 6):
        made = [
            tried(
                GATES["prose"],
                Solver(weak, 10, 20.0).grades(draws, planned),
                Solver(strong, 10, 20.0).grades(draws, planned),
                0.05,
            )[1]
            for weak, strong in pairs
        ]
        shares.append(sum(made) / (2 * planned * len(pairs)))
    assert shares[1] < shares[0]


@fixed
@given(
    st.sampled_from(NUMBERS),
    st.lists(GRADE, min_size=1, max_size=4),
    st.lists(GRADE, max_size=4),
    st.sampled_from([0.05, 0.1]),
)
def test_an_acceptance_has_its_floor_and_a_rejection_its_reason(
    name: str, weak: list[Fraction], strong: list[Fraction], error: float
) -> None:
    gate, planned = GATES[name], 4
    strong = strong if len(weak) == planned else []
    early = test(gate, weak, strong, planned, error)
    if early is None:
        return
    left = {"weak_left": planned - len(weak), "strong_left": planned - len(strong)}
    # What is certain, or complete, is never the test's to decide.
    assert not decide(gate, weak, strong, **left).misses
    assert sum(left.values()) > 0
    if early.verdict.accepted:
        assert (len(weak), len(strong) >= FLOOR) == (planned, True)
        assert early.chance >= early.limit == 1 - error
    else:
        (miss,) = early.verdict.misses
        assert miss.rule == RULE
        assert early.chance < early.limit == lowest(gate, planned, planned, error)
        assert early.verdict.group in set(Group)


@fixed
@given(st.sampled_from(NUMBERS), st.lists(GRADE, min_size=2, max_size=3), st.randoms())
def test_the_order_of_grades_does_not_matter(
    name: str, weak: list[Fraction], draws: Random
) -> None:
    mixed = list(weak)
    draws.shuffle(mixed)
    assert test(GATES[name], weak, [], 4, 0.1) == test(GATES[name], mixed, [], 4, 0.1)


def test_three_right_answers_of_four_need_no_fourth() -> None:
    right, wrong = [Fraction(1)] * 3, [Fraction(0)] * 4
    early = test(GATES["scientific"], wrong, right, 4, 0.05)
    assert early is not None
    assert early.verdict.accepted
    assert early.chance == pytest.approx(1.0)
    assert test(GATES["scientific"], wrong, right[:2], 4, 0.05) is None


def test_a_gate_without_rules_is_never_decided_early() -> None:
    assert test(GATES["legal"], [Fraction(1)], [], 3, 0.4) is None


def test_a_gate_that_the_model_cannot_meet_rejects_nothing_early() -> None:
    high, low = {"limit": "1", "inclusive": True}, {"limit": "0", "inclusive": True}
    strict = {"name": "own", "weak_mean_max": low, "strong_mean_min": high, "gap_min": high}
    gate = Gate.model_validate(strict | {"weak_zeros": False})
    assert lowest(gate, 3, 3, 0.05) == 0.0


@pytest.mark.parametrize("error", [0.0, 0.5, -1.0, float("nan")])
def test_an_error_out_of_range_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match=r"error=.*: must lie strictly between 0 and 0.5"):
        test(GATES["prose"], [Fraction(0)], [], 3, error)
