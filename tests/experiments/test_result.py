"""The result: the numbers of `result.json`, computed by hand, and its exact keys."""

import json
from fractions import Fraction

import pytest

from autodata.experiments.result import (
    Result,
    Side,
    curse,
    difference,
    per_document,
    side,
    validated,
)
from autodata.optimizers import Choice, Finalist, measured
from autodata.programs import Episode, Failure
from tests.experiments import trials
from tests.experiments.conftest import Finished
from tests.experiments.trials import accepted, rejected, unscored

SIDE = {
    "gap",
    "gap_low",
    "gap_high",
    "acceptance",
    "weak",
    "strong",
    "rounds",
    "calls",
    "tokens_per_accepted",
    "episodes",
    "failures",
}
SCHEMA = {
    "run": None,
    "method": None,
    "seed": None,
    "documents": {"train", "validation", "test"},
    "baseline": SIDE,
    "winner": SIDE,
    "difference": {"gap", "low", "high"},
    "validation": {"trial", "selecting", "again", "baseline", "baseline_again", "rounds"},
    "curse": None,
    "heldout": None,
    "trials": {"complete", "pruned", "failed"},
    "calls": None,
    "tokens": None,
    "seconds": None,
    "compiled": None,
    "mlflow": {"tracking_uri", "experiment_id", "run_id"},
}


def test_a_side_is_what_its_episodes_add_up_to() -> None:
    # Gaps 0.4 and 0 on the first document, 0.2 on the second, none on the third.
    repeats = [
        [accepted("a", "0.4", "0.8"), unscored("b"), unscored("c")],
        [rejected("a"), accepted("b", "0.5", "0.7"), unscored("c")],
    ]
    found = side(repeats, seed=0)
    assert found.gap == pytest.approx(0.2)
    assert (found.gap_low, found.gap_high) == (pytest.approx(0.2), pytest.approx(0.2))
    assert found.acceptance == pytest.approx(2 / 3)
    assert found.weak == pytest.approx(0.45)
    assert found.strong == pytest.approx(0.75)
    assert found.rounds == pytest.approx((2 + 1 + 2) / 3)
    assert found.calls == 9 + 3 + 9
    assert found.tokens_per_accepted == (2000 + 700 + 2000) / 2
    assert (found.episodes, found.failures) == (6, 3)


def test_the_interval_lies_around_the_gap_and_in_its_range() -> None:
    repeats = [[accepted(str(i), "0.2", f"0.{4 + i}") for i in range(5)] + [rejected("x")]]
    found = side(repeats, seed=3)
    assert found.gap == pytest.approx((0.2 + 0.3 + 0.4 + 0.5 + 0.6) / 6)
    assert found.gap is not None
    assert found.gap_low is not None
    assert found.gap_high is not None
    assert 0 <= found.gap_low < found.gap < found.gap_high <= 0.6
    assert side(repeats, seed=3) == found


def test_a_side_without_a_scored_episode_has_no_numbers_and_no_zeros() -> None:
    found = side([[unscored("a")], [unscored("a")]], seed=0)
    assert found.model_dump(exclude={"calls", "episodes", "failures"}) == dict.fromkeys(
        SIDE - {"calls", "episodes", "failures"}
    )
    assert (found.calls, found.episodes, found.failures) == (0, 2, 2)


def test_a_side_without_an_accepted_task_has_a_gap_of_zero() -> None:
    found = side([[rejected("a"), rejected("b")]], seed=0)
    assert (found.gap, found.gap_low, found.gap_high, found.acceptance) == (0, 0, 0, 0)
    assert (found.weak, found.strong, found.tokens_per_accepted) == (None, None, None)


def test_documents_are_averaged_before_the_set() -> None:
    often = accepted("a", "0.4", "0.8")
    assert per_document([[often, rejected("b")], [often, unscored("b")]]) == [
        pytest.approx(0.4),
        0.0,
    ]
    assert per_document([[unscored("a")], [unscored("a")]]) == [None]


def test_a_difference_is_taken_document_by_document() -> None:
    before = [[accepted("a", "0.5", "0.7"), rejected("b"), accepted("c", "0.5", "0.6")]]
    after = [[accepted("a", "0.5", "0.9"), accepted("b", "0.3", "0.5"), unscored("c")]]
    # 0.4 - 0.2 and 0.2 - 0: the document that one program was not scored on counts for neither.
    found = difference(before, after, seed=0)
    assert found.gap == pytest.approx(0.2)
    assert found.low == pytest.approx(found.high)


def test_a_difference_changes_its_sign_with_its_sides() -> None:
    before = [[accepted("a", "0.5", "0.7"), rejected("b")]]
    after = [[accepted("a", "0.5", "0.9"), accepted("b", "0.3", "0.9")]]
    one, other = difference(before, after, seed=0), difference(after, before, seed=0)
    assert one.gap == pytest.approx(0.4)
    assert other.gap == pytest.approx(-0.4)


def test_a_difference_of_nothing_is_nothing() -> None:
    found = difference([[unscored("a"), rejected("b")]], [[rejected("a"), unscored("b")]], seed=0)
    assert (found.gap, found.low, found.high) == (None, None, None)


def test_sides_that_are_not_of_the_same_documents_are_a_bug() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        difference([[rejected("a")]], [[rejected("a"), rejected("b")]], seed=0)


def test_an_exact_gap_has_no_rounding_error() -> None:
    episode = accepted("a", "7/10", "9/10")
    assert episode.score == Fraction(1, 5)
    assert side([[episode]], seed=0).gap == 0.2


def test_an_episode_that_nobody_could_score_is_no_zero() -> None:
    failure = Failure(role="weak", kind="duplicate", message="identical")
    failed = Episode(document_id="a", rounds=(), failure=failure)
    assert side([[failed, accepted("b", "0.2", "0.6")]], seed=0).gap == pytest.approx(0.4)


def test_the_validation_says_how_each_finalist_did_round_by_round() -> None:
    first, second = trials.study(5)[0], trials.study(5)[4]
    races = (
        Finalist(first, [[accepted("a", "0.4", "0.6")], [accepted("a", "0.4", "0.5")]]),
        Finalist(second, [[accepted("a", "0.4", "0.8")], [rejected("a")]]),
        Finalist(trials.study(3)[2], [[unscored("a")]]),
    )
    found = validated(Choice(second, races[1].fresh, races))
    assert (found.trial, found.selecting, found.baseline) == (4, second.value, first.value)
    assert found.again == pytest.approx(0.2)
    assert found.baseline_again == pytest.approx(0.15)
    assert found.rounds == [
        {"0": pytest.approx(0.2), "4": pytest.approx(0.4), "2": None},
        {"0": pytest.approx(0.1), "4": 0},
    ]


def test_the_curse_is_what_the_winner_lost_from_its_picking_to_the_test() -> None:
    won = validated(Choice(trials.study(5)[4], measured([]), (Finalist(trials.study(1)[0]),)))
    tested = side([[accepted("a", "0.4", "0.5")]], seed=0)
    assert won.selecting is not None
    assert curse(won, tested) == pytest.approx(won.selecting - 0.1)
    assert curse(won, side([[unscored("a")]], seed=0)) is None


def test_result_json_has_exactly_these_keys(finished: Finished) -> None:
    found = json.loads((finished.folder / "result.json").read_text())
    assert {key: set(found[key]) if keys else None for key, keys in SCHEMA.items()} == SCHEMA
    assert set(found) == set(SCHEMA)
    # Whoever asks for a finished run again gets the same, in another time.
    assert Result.model_validate({**found, "seconds": finished.result.seconds}) == finished.result


def test_result_json_says_what_the_run_did(finished: Finished) -> None:
    result = finished.result
    assert (result.run, result.method, result.seed) == ("demo", "optuna", 7)
    assert result.documents == {"train": 3, "validation": 3, "test": 3}
    assert sum(result.trials.values()) == 3
    assert result.validation is not None
    assert set(result.validation.rounds[0]) >= {"0", str(result.validation.trial)}
    assert result.validation.selecting is not None
    assert result.curse == pytest.approx(result.validation.selecting - (result.winner.gap or 0))
    assert result.baseline.episodes == result.winner.episodes == 3
    assert result.baseline.failures == result.winner.failures == 0
    assert result.calls > result.baseline.calls + result.winner.calls
    assert result.compiled == str(finished.folder / "compiled")
    assert result.mlflow.tracking_uri.startswith("sqlite:///")
    assert result.mlflow.run_id


def test_every_field_of_a_side_is_a_number_of_the_schema() -> None:
    assert set(Side.model_fields) == SIDE
