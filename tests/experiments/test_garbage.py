"""Python's search for garbage is as it was when a run has ended."""

import gc

import pytest

from autodata.experiments.garbage import THRESHOLD, seldom_searched


def test_garbage_is_searched_less_often_in_a_run_and_as_before_after_it() -> None:
    before = gc.get_threshold()
    with seldom_searched():
        assert gc.get_threshold() == (THRESHOLD, *before[1:])
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_a_run_that_fails_leaves_the_search_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="failed"), seldom_searched():
        raise ValueError("failed")
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
