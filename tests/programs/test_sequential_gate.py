"""The sequential gate and the late verifier inside the loop: records, order, and restarts."""

import asyncio
from collections.abc import Sequence
from typing import Any

import dspy.lm15 as lm15
import pytest
from fakes import GOOD_REPORT, Cast, fields
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.experiments.config import LoopConfig
from autodata.metrics import GATES
from autodata.programs import Autodata, Document, Episode, Outcome, Round, Settings

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)


def graded(grades: Sequence[int]) -> Any:
    def answer(request: lm15.Request, rollout: str) -> str:
        number = int(rollout.rpartition("-")[2])
        return fields(answer=f"GRADE={grades[number - 1]} in sample {rollout}")

    return answer


def episode(
    weak: Sequence[int], strong: Sequence[int], gate: str = "deployed", **plan: Any
) -> tuple[Episode, Cast]:
    cast = Cast({"weak": graded(weak), "strong": graded(strong)})
    settings = Settings(**{"rounds": 1, **plan})
    program = Autodata(cast.models, gate=GATES[gate], settings=settings)
    return program(document=DOCUMENT).episode, cast


def told(found: Episode) -> list[Round]:
    """Return the rounds, which hold neither time nor cost."""
    return list(found.rounds)


def test_a_stopped_round_says_how_it_was_decided_and_what_was_not_asked() -> None:
    found, cast = episode([7, 7, 6], [9, 9, 9], error=0.1)
    (one,) = found.rounds
    assert one.outcome is Outcome.TOO_EASY
    assert (len(one.weak), len(one.strong)) == (2, 0)
    assert [cast.calls("weak"), cast.calls("strong"), cast.calls("judge")] == [2, 0, 2]
    assert one.sequential.startswith("stopped by sequential test (error 0.1)")
    assert one.sequential.endswith("not asked: 1 weak, 3 strong")
    assert one.reason.startswith("stopped by sequential test: chance that all attempts would pass")
    assert Round.model_validate_json(one.model_dump_json()) == one


def test_an_early_acceptance_says_what_its_gap_rests_on() -> None:
    found, cast = episode(
        [0, 0, 0, 0], [10, 10, 10, 10], "scientific", error=0.05, weak_attempts=4, strong_attempts=4
    )
    (one,) = found.rounds
    assert (one.outcome, one.reason, one.misses) == (Outcome.ACCEPTED, "", ())
    assert (len(one.weak), len(one.strong), cast.calls("strong")) == (4, 3, 3)
    assert one.sequential.endswith("not asked: 0 weak, 1 strong")


def test_three_attempts_a_side_are_all_made_before_a_task_is_accepted() -> None:
    found, _ = episode([3, 3, 3], [8, 8, 8], error=0.2)
    one = found.rounds[0]
    assert (one.outcome, len(one.weak), len(one.strong)) == (Outcome.ACCEPTED, 3, 3)
    assert one.sequential == ""


def test_truncated_answers_are_no_ground_for_an_early_acceptance() -> None:
    cast = Cast(
        {
            "weak": lambda r, s: (fields(answer="GRADE=1 and so"), "length"),
            "strong": graded([10, 10, 10, 10]),
        }
    )
    plan = Settings(rounds=1, weak_attempts=4, strong_attempts=4, error=0.1)
    program = Autodata(cast.models, gate=GATES["scientific"], settings=plan)
    one = program(document=DOCUMENT).episode.rounds[0]
    assert len(one.strong) == 4
    assert one.outcome is Outcome.FAILED_QUALITY_CHECK


def test_an_attempt_that_failed_is_no_evidence() -> None:
    def flaky(request: lm15.Request, rollout: str) -> Any:
        return (
            lm15.ServerError("down") if "weak-2" in rollout else graded([5, 5, 5])(request, rollout)
        )

    cast = Cast({"weak": flaky})
    program = Autodata(cast.models, settings=Settings(rounds=1, error=0.2))
    one = program(document=DOCUMENT).episode.rounds[0]
    assert (one.outcome, one.sequential) == (Outcome.UNSCORED, "")


@hypothesis_settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    weak=st.lists(st.integers(1, 8), min_size=3, max_size=3),
    strong=st.lists(st.integers(4, 10), min_size=3, max_size=3),
    error=st.sampled_from([0.05, 0.2]),
)
def test_the_verdict_does_not_depend_on_what_answers_first(
    weak: list[int], strong: list[int], error: float
) -> None:
    alone, together = (episode(weak, strong, error=error, in_flight=ahead)[0] for ahead in (1, 3))
    assert told(alone) == told(together)


def test_without_an_error_nothing_changes() -> None:
    grades = ([7, 7, 6], [9, 9, 9])
    plain, cast = episode(*grades)
    assert plain.rounds[0].sequential == ""
    assert [cast.calls("weak"), cast.calls("strong")] == [3, 0]
    assert "sequential" not in plain.rounds[0].reason


def test_an_error_beside_no_race_is_refused() -> None:
    with pytest.raises(ValueError, match=r"loop.error=0.05 .* loop.race=false .* leave one"):
        LoopConfig(error=0.05, race=False)
    with pytest.raises(ValueError, match=r"less than 0\.5"):
        LoopConfig(error=0.5)


def test_a_late_verifier_is_asked_about_accepted_tasks_only() -> None:
    easy, cast = episode([9, 9, 9], [9, 9, 9], verify_last=True)
    assert (easy.rounds[0].outcome, cast.calls("verifier")) == (Outcome.TOO_EASY, 0)
    good, cast = episode([3, 3, 3], [8, 8, 8], verify_last=True)
    assert (good.stopped, cast.calls("verifier")) == ("accepted", 1)


def test_a_late_verifier_still_refuses_what_it_refuses_early() -> None:
    bad = {**GOOD_REPORT, "leakage": "LEAKS_ANSWER"}
    for late in (False, True):
        cast = Cast({"verifier": lambda r, s: fields(report=bad)})
        program = Autodata(cast.models, settings=Settings(rounds=1, verify_last=late))
        one = program(document=DOCUMENT).episode.rounds[0]
        assert (one.outcome, one.reason) == (Outcome.FAILED_QUALITY_CHECK, "LEAKS_ANSWER")
        assert cast.calls("weak") == (3 if late else 0)


def test_a_late_verifier_that_is_down_leaves_the_task_undecided() -> None:
    cast = Cast({"verifier": lambda r, s: lm15.ServerError("down")})
    program = Autodata(cast.models, settings=Settings(rounds=1, verify_last=True))
    found = program(document=DOCUMENT).episode
    assert (found.stopped, found.accepted, found.score) == ("failure", None, None)
    assert found.rounds[0].outcome is Outcome.UNSCORED


def test_an_episode_that_is_run_again_is_the_same() -> None:
    cast = Cast({"weak": graded([7, 7, 6]), "strong": graded([9, 9, 9])})
    program = Autodata(cast.models, settings=Settings(rounds=2, error=0.1))

    async def twice() -> list[Episode]:
        both = await asyncio.gather(*(program.acall(DOCUMENT, rollout="0") for _ in range(2)))
        return [one.episode for one in both]

    first, second = asyncio.run(twice())
    assert told(first) == told(second)
