import math
import random
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.metrics import Interval, bootstrap_mean, paired_difference, wilson

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=40)
VALUES = [0.1, 0.4, 0.35, 0.8, 0.0, 0.55, 0.2, 0.9]


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap_mean(VALUES, seed=3) == bootstrap_mean(VALUES, seed=3)
    assert bootstrap_mean(VALUES, seed=3) != bootstrap_mean(VALUES, seed=4)


def test_the_interval_moves_no_global_generator() -> None:
    import numpy as np

    before = np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002
    bootstrap_mean(VALUES, seed=0, resamples=99)
    assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before  # noqa: NPY002


def test_an_interval_holds_its_estimate_and_widens_with_confidence() -> None:
    narrow = bootstrap_mean(VALUES, seed=0, confidence=0.8)
    wide = bootstrap_mean(VALUES, seed=0, confidence=0.99)
    assert narrow.estimate == pytest.approx(sum(VALUES) / len(VALUES))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


@pytest.mark.parametrize("values", [[0.3], [0.3] * 5, [0.0, -0.0], [1]])
def test_equal_values_have_no_width_and_no_warning(values: Sequence[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bootstrap_mean(values, seed=0) == Interval(values[0], values[0], values[0])


def test_where_bca_is_not_defined_the_percentiles_are_given() -> None:
    # Two resamples often fall on one side of the estimate; BCa is then infinite.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(20):
            interval = bootstrap_mean(VALUES, seed=seed, resamples=2)
            assert all(map(math.isfinite, interval))
            assert interval.low <= interval.high


@fixed
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_an_interval_stays_among_the_values(values: list[float]) -> None:
    interval = bootstrap_mean(values, seed=0, resamples=99)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draws = random.Random("coverage")
    covered = 0
    for seed in range(200):
        sample = [draws.betavariate(2, 3) for _ in range(30)]
        interval = bootstrap_mean(sample, seed=seed, confidence=0.9, resamples=399)
        covered += interval.low <= 0.4 <= interval.high
    assert 0.82 <= covered / 200 <= 0.96


def test_a_paired_difference_sees_what_unpaired_means_hide() -> None:
    winner = [value + 0.05 + 0.01 * (index % 3) for index, value in enumerate(VALUES)]
    paired = paired_difference(VALUES, winner, seed=0)
    assert paired.low > 0.04
    assert paired.high < 0.08
    assert bootstrap_mean(VALUES, seed=0).high > bootstrap_mean(winner, seed=0).low


def test_a_paired_difference_is_the_bootstrap_of_the_differences() -> None:
    baseline, winner = [0.25, 0.5, 0.0], [0.5, 0.25, 1.0]
    assert paired_difference(baseline, winner, seed=7) == bootstrap_mean([0.25, -0.25, 1.0], seed=7)
    assert paired_difference(VALUES, VALUES, seed=0) == Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson_gives_the_known_values(
    successes: int, trials: int, low: float, high: float
) -> None:
    interval = wilson(successes, trials)
    assert interval == pytest.approx((successes / trials, low, high), abs=5e-5)


@fixed
@given(st.integers(1, 500), st.data())
def test_wilson_is_symmetric_and_stays_in_0_to_1(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    interval, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    assert 0 <= interval.low <= interval.estimate + 1e-9
    assert interval.estimate - 1e-9 <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, r"values=\[\].*score at least 1 document"),
        ([0.1, math.nan], {}, r"values\[1\]=nan.*leave out what could not be scored"),
        ([0.1, 0.2], {"seed": -1}, "seed=-1: must be 0 or more"),
        ([0.1, 0.2], {"resamples": 1}, "resamples=1.*use at least 2"),
        ([0.1, 0.2], {"confidence": 95}, "confidence=95.*use 0.95"),
        ([0.1, 0.2], {"confidence": 1.0}, "confidence=1.0.*use 0.95"),
    ],
)
def test_an_error_names_the_remedy(
    values: list[float], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_mean(values, **{"seed": 0, **options})


def test_pairs_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 baseline and 2 winner scores.*same documents"):
        paired_difference([0.1], [0.1, 0.2], seed=0)
    with pytest.raises(ValueError, match=r"winner\[0\]=inf"):
        paired_difference([0.1], [math.inf], seed=0)


@pytest.mark.parametrize(
    ("successes", "trials", "message"),
    [(0, 0, "trials=0"), (3, 2, "successes=3: must be 0 to trials=2"), (-1, 2, "successes=-1")],
)
def test_wilson_refuses_impossible_counts(successes: int, trials: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wilson(successes, trials)


def test_importing_metrics_does_not_import_scipy() -> None:
    # What the front door imports is not for this test to say.
    code = (
        "import sys, autodata; before = set(sys.modules); import autodata.metrics; "
        "sys.exit('scipy' in set(sys.modules) - before)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
