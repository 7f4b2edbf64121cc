"""Best of N: the same gate, the same number of calls, and nothing learned in between."""

from fractions import Fraction
from typing import Any

import dspy.lm15 as lm15
import pytest
from fakes import GOOD_REPORT, TASK, Cast, Script, fields, solver
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.metrics import GATES
from autodata.programs import Document, Episode, Outcome, Settings
from autodata.programs.baselines import BestOfN

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)
WHOLE = 15
"""Calls of a round in which nothing is decided early: 3 to write, 6 answers, 6 judgements."""


def by_round(*grades: int) -> Script:
    """Answer so well in the first round, so well in the second, and so on."""

    def script(request: lm15.Request, rollout: str) -> Any:
        name = next(part for part in rollout.split("/") if part.startswith("round-"))
        number = int(name.removeprefix("round-"))
        return solver(grades[(number - 1) % len(grades)])(request, rollout)

    return script


def planned(request: lm15.Request, rollout: str) -> str:
    return fields(common="Short.", brief="Ask why.")


def cast(**scripts: Script) -> Cast:
    return Cast({"orchestrator": planned, **scripts})


def run(models: Cast, rounds: int = 4, **extras: Any) -> Episode:
    program = BestOfN(models.models, settings=Settings(rounds=rounds), **extras)
    return program(document=DOCUMENT).episode


def test_the_accepted_task_with_the_largest_gap_comes_last_with_its_own_number() -> None:
    episode = run(cast(strong=by_round(7, 9, 8, 9)))
    assert [one.number for one in episode.rounds] == [1, 3, 4, 2]
    assert episode.stopped == "accepted"
    assert episode.accepted is not None
    assert episode.accepted.number == 2
    assert episode.score == Fraction(6, 10)


def test_the_gate_decides_what_may_be_kept() -> None:
    episode = run(cast(strong=by_round(4, 7, 10, 4)))
    outcomes = {one.number: one.outcome for one in episode.rounds}
    # A strong solver that is always right makes the task too easy, however large the gap.
    assert outcomes[3] is Outcome.TOO_EASY
    assert outcomes[1] is outcomes[4] is Outcome.FAILED_ON_STRONG
    assert episode.accepted is not None
    assert episode.accepted.number == 2
    lenient = run(cast(strong=by_round(4, 7, 10, 4)), gate=GATES["prose"])
    assert lenient.accepted is not None
    assert lenient.accepted.number == 3


def test_without_an_accepted_task_there_is_none() -> None:
    episode = run(cast(weak=solver(9)))
    assert episode.accepted is None
    assert episode.score == 0
    assert episode.stopped == "rounds"
    assert len(episode.rounds) == 4


def test_no_task_is_written_or_judged_in_view_of_another() -> None:
    models = cast(weak=solver(9))
    run(models)
    told = [request.messages[-1].text or "" for request in models["challenger"].requests]
    assert len(told) == 4
    assert len(set(told)) == 1
    assert TASK["question"] not in told[0]
    assert not any("TOO EASY" in str(r.messages) for r in models["orchestrator"].requests)


def test_the_check_comes_before_the_solvers() -> None:
    bad = {**GOOD_REPORT, "question": "RECALL"}
    models = cast(verifier=lambda request, rollout: fields(report=bad))
    episode = run(models)
    assert {one.outcome for one in episode.rounds} == {Outcome.FAILED_QUALITY_CHECK}
    assert models.calls("weak") + models.calls("strong") == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 80), st.booleans())
def test_the_budget_is_used_up_and_overshot_by_less_than_a_round(calls: int, named: bool) -> None:
    episode = run(cast(), rounds=1, calls={"doc": calls, "other": 0} if named else calls)
    assert episode.usage.calls == -(-calls // WHOLE) * WHOLE
    assert episode.usage.calls < calls + WHOLE
    assert len(episode.rounds) == episode.usage.calls // WHOLE


def test_cheap_rounds_buy_more_tries_than_the_loop_has_rounds() -> None:
    episode = run(cast(weak=solver(9)), rounds=2, calls=40)
    # Plan, task, check, an answer and its judgement: the first weak answer decides.
    assert len(episode.rounds) == 8
    assert episode.usage.calls == 40


def test_a_document_without_a_budget_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="no budget for it; run the loop on it first"):
        run(cast(), calls={"other": 3})


def test_an_outage_is_a_failure_though_a_task_was_accepted_before() -> None:
    def flaky(request: lm15.Request, rollout: str) -> Any:
        return lm15.ServerError("down") if "round-2" in rollout else solver(8)(request, rollout)

    episode = run(cast(strong=flaky))
    assert episode.stopped == "failure"
    assert episode.score is None
    assert len(episode.rounds) == 2


def test_the_token_limit_ends_the_tries_and_keeps_the_best() -> None:
    plan = Settings(rounds=9, tokens=20 * WHOLE)  # A scripted call has 15 tokens.
    episode = BestOfN(cast().models, settings=plan)(document=DOCUMENT).episode
    assert len(episode.rounds) == 2
    assert episode.stopped == "accepted"
    hopeless = BestOfN(cast(weak=solver(9)).models, settings=plan)(document=DOCUMENT).episode
    assert hopeless.stopped == "tokens"


def test_selection_leaves_its_tasks_alone() -> None:
    episode = run(cast())
    program = BestOfN()
    assert program.select([episode]) == [episode]
