"""The inner loop: order, racing, faults, caps, and life under DSPy's optimizers."""

import asyncio
import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from fakes import RUBRIC, TASK, Cast, fields, solver, verdicts
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.metrics import GATES, Group
from autodata.programs import Autodata, Document, Episode, Outcome, Settings
from autodata.programs import background as loop

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)


def run(cast: Cast, **settings: Any) -> Episode:
    program = Autodata(cast.models, settings=Settings(**{"rounds": 3, **settings}))
    return program(document=DOCUMENT).episode


def test_a_task_that_separates_the_solvers_is_accepted_in_the_first_round() -> None:
    cast = Cast()
    episode = run(cast)
    assert episode.stopped == "accepted"
    assert episode.score == Fraction(8, 10) - Fraction(3, 10)
    assert [len(episode.rounds[0].weak), len(episode.rounds[0].strong)] == [3, 3]
    assert [cast.calls(role) for role in ("weak", "strong", "judge")] == [3, 3, 6]


def test_strong_is_not_paid_for_when_weak_does_too_well() -> None:
    cast = Cast({"weak": solver(9)})
    episode = run(cast, rounds=2)
    assert [one.outcome for one in episode.rounds] == [Outcome.TOO_EASY] * 2
    assert cast.calls("strong") == 0
    # The best weak attempt alone decides, so that two of three attempts are skipped.
    assert cast.calls("weak") == 2
    assert episode.score == 0


def test_without_racing_every_attempt_is_made() -> None:
    cast = Cast({"weak": solver(9)})
    run(cast, rounds=1, race=False)
    assert [cast.calls("weak"), cast.calls("strong")] == [3, 3]


def test_the_next_round_is_told_what_failed_and_why() -> None:
    cast = Cast({"weak": solver(9)})
    episode = run(cast, rounds=2)
    told = cast["challenger"].requests[-1].messages[-1].text or ""
    assert Group.TOO_EASY.value in told
    assert TASK["question"] in told
    assert episode.rounds[1].lesson == "It was too easy."
    assert episode.rounds[1].brief == "Ask about limits."


def test_memory_limits_the_failures_that_are_shown() -> None:
    cast = Cast({"weak": solver(9)})
    run(cast, rounds=4, memory=1)
    told = cast["challenger"].requests[-1].messages[-1].text or ""
    assert "Round 3" in told
    assert "Round 2" not in told


def test_a_rubric_that_breaks_the_rules_is_refused_before_anyone_is_paid() -> None:
    broken = {**TASK, "rubric": RUBRIC[:3]}
    cast = Cast({"challenger": lambda r, s: fields(notes="", task=broken)})
    episode = run(cast, rounds=1)
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert "3" in episode.rounds[0].reason
    assert [cast.calls("verifier"), cast.calls("weak")] == [0, 0]


def test_the_verifier_sees_no_reference_and_the_solvers_no_document_and_no_rubric() -> None:
    cast = Cast()
    run(cast)
    seen = {role: str(cast[role].requests) for role in ("verifier", "weak", "strong", "judge")}
    assert TASK["reference"] not in seen["verifier"] + seen["weak"] + seen["judge"]
    for role in ("weak", "strong"):
        assert "Pressure and yield." not in seen[role]
        assert "Says step 1." not in seen[role]
    assert not any(word in seen["judge"] for word in ("strong-1", "'weak'", "weight"))


def test_what_calls_on_one_task_share_comes_first_so_that_servers_read_it_once() -> None:
    cast = Cast({"weak": solver(9)})  # Too easy: there are several rounds on one document.
    run(cast)
    for role, words in (
        *((role, DOCUMENT.text) for role in ("orchestrator", "challenger", "verifier")),
        ("judge", TASK["rubric"][-1]["criterion"]),
    ):
        asked = [request.messages[-1].text or "" for request in cast[role].requests]
        beginning = asked[0][: asked[0].index(words) + len(words)]
        assert len(asked) >= 3
        assert all(text.startswith(beginning) for text in asked)


def test_weak_and_strong_are_given_the_same_prompt() -> None:
    cast = Cast()
    run(cast)
    weak, strong = cast["weak"].requests[0], cast["strong"].requests[0]
    assert (weak.system, weak.messages) == (strong.system, strong.messages)


def test_malformed_output_is_repaired_once_then_recorded_against_the_writer() -> None:
    cast = Cast({"challenger": lambda r, s: "I would rather not."})
    episode = run(cast, rounds=1)
    one = episode.rounds[0]
    assert (one.outcome, one.failure and one.failure.kind) == (
        Outcome.FAILED_QUALITY_CHECK,
        "malformed",
    )
    assert cast.calls("challenger") == 2
    assert episode.score == 0


def test_an_answer_in_the_second_form_is_accepted() -> None:
    def second(request: lm15.Request, rollout: str) -> str:
        if "JSON object" in (request.messages[-1].text or ""):
            return json.dumps({"notes": "x", "task": TASK})
        return "no markers at all"

    assert run(Cast({"challenger": second})).stopped == "accepted"


def test_an_outage_is_a_failure_and_not_a_zero() -> None:
    cast = Cast({"strong": lambda r, s: lm15.ServerError("down")})
    episode = run(cast)
    assert episode.score is None
    assert episode.failure is not None
    assert (episode.failure.role, episode.failure.kind) == ("strong", "infrastructure")
    assert episode.stopped == "failure"
    assert episode.usage.failed == 1


def test_a_failed_attempt_does_not_hide_a_verdict_that_is_certain_without_it() -> None:
    def flaky(request: lm15.Request, rollout: str) -> Any:
        return lm15.ServerError("down") if "weak-3" in rollout else solver(9)(request, rollout)

    episode = run(Cast({"weak": flaky}), rounds=1, race=False)
    assert episode.rounds[0].outcome is Outcome.TOO_EASY


def test_a_bug_of_ours_still_raises() -> None:
    cast = Cast({"weak": lambda r, s: KeyError("a bug")})
    with pytest.raises(KeyError, match="a bug"):
        run(cast)


def test_a_truncated_answer_counts_as_zero_and_never_makes_a_gap() -> None:
    cut = Cast({"weak": lambda r, s: (fields(answer="GRADE=1 and so"), "length")})
    episode = run(cut, rounds=1)
    attempts = episode.rounds[0].weak
    assert all(a.truncated and a.grade == 0 for a in attempts)
    assert episode.rounds[0].outcome is not Outcome.ACCEPTED
    assert cut.calls("judge") == len(episode.rounds[0].strong)


@pytest.mark.parametrize("gate", ["prose", "meta"])
def test_no_gate_accepts_a_gap_of_truncated_weak_answers(gate: str) -> None:
    cut = Cast({"weak": lambda r, s: (fields(answer="GRADE=1 and so"), "length")})
    program = Autodata(cut.models, gate=GATES[gate], settings=Settings(rounds=1))
    assert program(document=DOCUMENT).task is None


@pytest.mark.parametrize(("answer", "calls"), [(fields(answer=""), 2), ("", 4)])
def test_an_empty_answer_is_asked_for_again_and_then_a_failure(answer: str, calls: int) -> None:
    cast = Cast({"strong": lambda r, s: answer})
    episode = run(cast, rounds=1)
    assert episode.rounds[0].outcome is Outcome.UNSCORED
    assert episode.rounds[0].failure is not None
    assert episode.rounds[0].failure.kind == "empty"
    assert cast.calls("strong") == calls
    assert episode.score is None


def test_identical_attempts_are_an_error_and_not_a_sample() -> None:
    same = fields(answer="GRADE=3 " + "the very same words " * 20)
    episode = run(Cast({"weak": lambda r, s: same}), rounds=1)
    assert episode.rounds[0].failure is not None
    assert episode.rounds[0].failure.kind == "duplicate"
    assert episode.rounds[0].outcome is Outcome.UNSCORED


def test_a_judge_that_miscounts_is_asked_again() -> None:
    def miscounting(request: lm15.Request, rollout: str) -> str:
        grade = 3 if "weak" in rollout else 8
        return verdicts(grade) if "again" in rollout else verdicts(2, of=4)

    assert run(Cast({"judge": miscounting})).stopped == "accepted"
    always = run(Cast({"judge": lambda r, s: verdicts(2, of=4)}), rounds=1)
    assert always.rounds[0].failure is not None
    assert always.rounds[0].failure.kind == "malformed"


def test_the_token_budget_ends_an_episode_between_rounds() -> None:
    episode = run(Cast({"weak": solver(9)}), rounds=9, tokens=100)
    assert episode.stopped == "tokens"
    assert len(episode.rounds) == 2
    assert episode.score == 0


def test_usage_is_metered_by_role() -> None:
    cast = Cast()
    episode = run(cast)
    assert {role: usage.calls for role, usage in episode.roles.items()} == {
        "orchestrator": 1,
        "challenger": 1,
        "verifier": 1,
        "weak": 3,
        "strong": 3,
        "judge": 6,
    }
    assert episode.usage.tokens == 15 * 15
    assert cast.ledger.total == episode.usage


def test_an_episode_survives_json() -> None:
    episode = run(Cast({"weak": solver(9)}))
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    weak=st.lists(st.integers(0, 10), min_size=3, max_size=3),
    strong=st.lists(st.integers(0, 10), min_size=3, max_size=3),
    ahead=st.integers(1, 3),
    gate=st.sampled_from(sorted(GATES)),
)
def test_racing_changes_what_is_paid_and_never_the_verdict(
    weak: list[int], strong: list[int], ahead: int, gate: str
) -> None:
    def graded(grades: list[int]) -> Any:
        def answer(request: lm15.Request, rollout: str) -> str:
            number = int(rollout.rpartition("-")[2])
            return fields(answer=f"GRADE={grades[number - 1]} in sample {rollout}")

        return answer

    episodes, paid = [], []
    for settings in ({"race": True, "in_flight": ahead}, {"race": False}):
        cast = Cast({"weak": graded(weak), "strong": graded(strong)})
        plan = Settings(rounds=1, **settings)
        program = Autodata(cast.models, gate=GATES[gate], settings=plan)
        episodes.append(program(document=DOCUMENT).episode)
        paid.append(cast.calls("weak") + cast.calls("strong"))
    raced, full = episodes
    assert (raced.stopped == "accepted") == (full.stopped == "accepted")
    assert raced.score == full.score
    assert paid[0] <= paid[1]


def test_only_orchestrator_and_challenger_may_be_optimized() -> None:
    names = [name for name, _ in Autodata().named_predictors()]
    assert names == ["orchestrator.plan", "orchestrator.analyze", "challenger.write"]


def test_copies_share_models_and_keep_their_prompts_apart() -> None:
    program = Autodata(Cast().models)
    copy: Autodata = program.deepcopy()
    assert copy.weak.role_lm is program.weak.role_lm
    changed = copy.optimizable()["challenger.write"]
    changed.signature = changed.signature.with_instructions("Something else.")
    assert "exam question" in program.optimizable()["challenger.write"].signature.instructions


def test_state_goes_through_json(tmp_path: Path) -> None:
    program = Autodata(Cast().models)
    write = program.optimizable()["challenger.write"]
    write.signature = write.signature.with_instructions("Write it otherwise.")
    write.demos = [dspy.Example(document="d", rules="r", brief="b", notes="n", task=TASK)]
    program.save(str(tmp_path / "program.json"))
    cast = Cast()
    loaded = Autodata(cast.models)
    loaded.load(str(tmp_path / "program.json"))
    assert loaded.optimizable()["challenger.write"].signature.instructions == "Write it otherwise."
    assert loaded(document=DOCUMENT).task is not None
    assert "Write it otherwise." in (cast["challenger"].requests[0].system or "")


def test_it_runs_on_the_callers_own_loop_and_from_synchronous_code() -> None:
    program = Autodata(Cast().models)
    awaited = asyncio.run(program.acall(document=DOCUMENT))
    assert awaited.score == program(document=DOCUMENT).score


def test_a_synchronous_call_on_the_background_loop_is_refused() -> None:
    program = Autodata(Cast().models)

    async def wrong() -> None:
        program(document=DOCUMENT)

    with pytest.raises(RuntimeError, match="await `acall`"):
        loop.run(wrong())


def test_the_trace_sees_every_call_of_the_optimizable_roles() -> None:
    program = Autodata(Cast({"weak": solver(9)}).models, settings=Settings(rounds=2))
    with dspy.context(trace=[]):
        program(document=DOCUMENT)
        seen = [predictor for predictor, _, _ in dspy.settings.trace]
    for predictor in program.predictors():
        assert any(one is predictor for one in seen)


def test_evaluate_and_bootstrap_of_dspy_run_the_program() -> None:
    program = Autodata(Cast().models, settings=Settings(rounds=1))
    examples = [
        dspy.Example(document=Document(id=str(i), text=f"{i} " * 50)).with_inputs("document")
        for i in range(3)
    ]

    def metric(example: dspy.Example, pred: Any, trace: Any = None) -> float:
        return float(pred.score)

    found = dspy.Evaluate(devset=examples, metric=metric, num_threads=2)(program)
    assert found.score == pytest.approx(50.0)
    teacher = dspy.BootstrapFewShot(metric=metric, metric_threshold=0.1, max_bootstrapped_demos=1)
    compiled: Any = teacher.compile(program, trainset=examples)
    assert compiled.challenger.write.demos
    assert compiled.weak.role_lm is program.weak.role_lm


def test_results_do_not_depend_on_how_many_attempts_are_under_way() -> None:
    results = []
    for ahead, race in itertools.product((1, 2, 3), (True,)):
        cast = Cast({"weak": solver(7), "strong": solver(8)})
        plan = Settings(rounds=2, in_flight=ahead, race=race)
        episode = Autodata(cast.models, settings=plan)(document=DOCUMENT).episode
        results.append([(r.outcome, r.grades("weak"), r.grades("strong")) for r in episode.rounds])
    assert results[0] == results[1] == results[2]
