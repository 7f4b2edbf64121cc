from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autodata.metrics import GATES, Bound, Gate, decide, exact, gate

fixed = settings(derandomize=True, database=None, deadline=None)


def test_an_unknown_gate_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ValueError,
        match="known gates are deployed, legal, meta, prose, scientific; did you mean 'd",
    ):
        gate("deploy")
    with pytest.raises(ValueError, match="choose one of these"):
        gate("x")


def test_the_presets_cannot_be_changed() -> None:
    assert list(GATES) == ["prose", "deployed", "meta", "scientific", "legal"]
    assert all(name == preset.name for name, preset in GATES.items())
    with pytest.raises(TypeError):
        GATES["own"] = Gate(name="own")  # pyright: ignore[reportIndexIssue]
    with pytest.raises(ValidationError, match="frozen"):
        gate("meta").name = "own"


def test_a_gate_can_be_written_as_configuration() -> None:
    own = Gate.model_validate(
        {"name": "own", "weak_mean_max": {"limit": "50%", "inclusive": False}}
    )
    assert own.weak_mean_max == GATES["prose"].weak_mean_max
    with pytest.raises(ValidationError, match="Extra inputs"):
        Gate.model_validate({"name": "own", "weak_max": {"limit": 0.5}})


def test_a_gate_that_nothing_can_meet_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r'weak_mean_max=65.*write 65 percent as 0.65 or "65%"'
    ):
        Gate(name="own", weak_mean_max=Bound(limit=exact(65)))
    with pytest.raises(ValidationError, match="no mean meets both"):
        Gate(
            name="own",
            strong_mean_min=Bound(limit=exact(0.9)),
            strong_mean_max=Bound(limit=exact(0.8)),
        )


@pytest.mark.parametrize(
    ("name", "weak", "strong", "missed"),
    [
        ("prose", [0.5], [0.7], ["weak mean"]),
        ("prose", [0.499], [0.7], []),
        ("prose", [0.45], [0.65], []),
        ("prose", [0.4], [0.649], ["strong mean"]),
        ("prose", [0.46], [0.65], ["gap"]),
        ("prose", [0.0], [1.0], []),
        ("deployed", [0.5], [0.7], []),
        ("deployed", [0.5001], [0.7], ["gap"]),
        ("deployed", [0.65], [0.85], []),
        ("deployed", [0.651], [0.9], ["weak mean"]),
        ("deployed", [0.55, 0.75], [0.9, 0.9], []),
        ("deployed", [0.5, 0.751], [0.9, 0.9], ["best weak attempt"]),
        ("deployed", [0.4], [0.6], []),
        ("deployed", [0.3], [0.599], ["strong mean"]),
        ("deployed", [0.5], [0.949], []),
        ("deployed", [0.5], [0.95], ["strong mean"]),
        ("deployed", [0.5, 0.0], [0.9, 0.9], ["worst weak attempt"]),
        ("deployed", [0.1], [0.9, 0.0, 0.9], ["worst strong attempt"]),
        ("meta", [0.65], [0.85], []),
        ("meta", [0.5], [0.95], []),
        ("meta", [0.5], [0.951], ["strong mean"]),
        ("meta", [0.4], [0.6], []),
        ("meta", [0.0], [0.9, 0.9, 0.0], []),
    ],
)
def test_each_threshold_is_exact_from_both_sides(
    name: str, weak: list[float], strong: list[float], missed: list[str]
) -> None:
    verdict = decide(gate(name), list(map(exact, weak)), list(map(exact, strong)))
    assert [miss.rule for miss in verdict.misses] == missed
    assert verdict.accepted == (not missed)


@fixed
@given(st.builds(Bound, limit=st.fractions(0, 1), inclusive=st.booleans()), st.integers(-3, 3))
def test_a_bound_is_exact_at_any_distance(bound: Bound, steps: int) -> None:
    value = bound.limit + Fraction(steps, 10**12)
    assume(0 <= value <= 1)
    ceiling = Gate(name="own", weak_mean_max=bound)
    floor = Gate(name="own", strong_mean_min=bound)
    one = [Fraction(1)]
    met_at_limit = steps == 0 and bound.inclusive
    assert decide(ceiling, [value], one).accepted == (steps < 0 or met_at_limit)
    assert decide(floor, one, [value]).accepted == (steps > 0 or met_at_limit)
