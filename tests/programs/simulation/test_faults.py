import asyncio
from collections.abc import Mapping
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest

from autodata.programs import ROLES, Autodata, Settings
from autodata.programs.adapters import CHAT
from autodata.programs.lms import LanguageModels, ModelConfig
from autodata.programs.records import Document, Episode, Outcome
from autodata.programs.simulation import SimulatedModel
from autodata.programs.solver import SolveTask

DOCUMENT = Document(
    id="d",
    text="Hexanal binds lysine in protein slurry. Stripping frees hexanal, heating fixes it on "
    "lysine. The order of stripping and heating decides how much hexanal protein keeps. " * 3,
)


def asked(question: str = "What decides whether the protein keeps its hexanal?") -> lm15.Request:
    inputs = {"context": "Protein slurry is stripped and heated.", "question": question}
    system, user = CHAT.format(SolveTask, [], inputs)
    return lm15.Request(
        model="simulation/weak",
        system=system["content"],
        messages=(lm15.Message.user(user["content"]),),
    )


def faulty(**faults: float) -> SimulatedModel:
    return SimulatedModel("weak", {"faults": faults})


def episode(
    faults: Mapping[str, Mapping[str, float]], rollout: str = "0", **settings: Any
) -> Episode:
    models = LanguageModels(
        {
            role: ModelConfig(
                model=f"simulation/{role}", extra={"faults": dict(faults.get(role, {}))}
            )
            for role in ROLES
        }
    )
    program = Autodata(models.roles, settings=Settings(**settings))
    return asyncio.run(program.acall(DOCUMENT, rollout=rollout)).episode


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit", lm15.RateLimitError),
        ("timeout", lm15.TimeoutError),
        ("server_error", lm15.ServerError),
    ],
)
def test_an_outage_raises_and_a_retry_can_succeed(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        faulty(**{fault: 1.0}).answer(asked(), "0")
    assert 0 < getattr(caught.value, "retry_after", 0) < 0.1
    model = faulty(**{fault: 0.5})
    history = [_tries(model, str(i)) for i in range(60)]
    assert max(history) > 1
    assert sum(history) / len(history) == pytest.approx(2, abs=0.6)
    assert [_tries(model, str(i)) for i in range(60)] == history
    assert [_tries(faulty(**{fault: 0.5}), str(i)) for i in range(60)] == history


def _tries(model: SimulatedModel, rollout: str) -> int:
    for number in range(1, 50):
        try:
            model.answer(asked(), rollout)
        except lm15.LM15Error:
            continue
        return number
    raise AssertionError("never answered")


@pytest.mark.parametrize("fault", ["malformed", "wrong_markers"])
@pytest.mark.parametrize("adapter", [CHAT, dspy.JSONAdapter()])
def test_an_answer_in_the_wrong_form_cannot_be_read(fault: str, adapter: dspy.ChatAdapter) -> None:
    system, user = adapter.format(SolveTask, [], {"context": "c", "question": "q"})
    request = lm15.Request(
        model="simulation/weak",
        system=system["content"],
        messages=(lm15.Message.user(user["content"]),),
    )
    text = faulty(**{fault: 1.0}).answer(request, "0").message.text or ""
    assert len(text) > 200
    with pytest.raises(dspy.AdapterParseError):
        adapter.parse(SolveTask, text)


def test_a_truncated_answer_says_so() -> None:
    whole = SimulatedModel("weak").answer(asked(), "0")
    cut = faulty(truncated=1.0).answer(asked(), "0")
    assert cut.finish_reason == "length"
    assert whole.finish_reason == "stop"
    assert (whole.message.text or "").startswith(cut.message.text or "-")


def test_an_empty_answer_has_no_text_or_empty_fields() -> None:
    texts = {faulty(empty=1.0).answer(asked(), str(i)).message.text for i in range(20)}
    assert texts == {"", "[[ ## answer ## ]]\n\n[[ ## completed ## ]]"}


def test_faults_come_as_often_as_asked_for() -> None:
    model = faulty(truncated=0.3)
    cut = [model.answer(asked(), str(i)).finish_reason == "length" for i in range(500)]
    assert sum(cut) == pytest.approx(150, abs=40)


def test_identical_attempts_do_not_depend_on_the_sample() -> None:
    same = faulty(identical=1.0)
    answers = {same.answer(asked(), f"0/round-1/weak-{i}").message.text for i in range(3)}
    assert len(answers) == 1
    assert same.answer(asked("Why?"), "0").message.text not in answers


def test_the_program_survives_outages() -> None:
    broken = {role: {"rate_limit": 0.1, "server_error": 0.05, "timeout": 0.05} for role in ROLES}
    disturbed, calm = episode(broken, rounds=3), episode({}, rounds=3)
    assert disturbed.rounds == calm.rounds
    assert disturbed.usage.failed > 0
    assert calm.usage.failed == 0


def test_an_endpoint_that_is_down_is_infrastructure_and_no_score() -> None:
    down = episode({"weak": {"server_error": 1.0}}, rounds=2)
    assert down.score is None
    assert down.failure is not None
    assert down.failure.kind == "infrastructure"


def test_repeated_attempts_are_reported() -> None:
    rounds = episode({"weak": {"identical": 1.0}}, rounds=4, race=False).rounds
    kinds = {a.failure.kind for one in rounds for a in one.weak if a.failure is not None}
    assert kinds == {"duplicate"}


def test_truncated_answers_count_as_zero_and_prove_nothing() -> None:
    rounds = episode({"strong": {"truncated": 1.0}}, rounds=4, race=False).rounds
    attempts = [a for one in rounds for a in one.strong]
    assert attempts
    assert all(a.truncated and a.grade == 0 for a in attempts)
    assert all(one.outcome is not Outcome.ACCEPTED for one in rounds)


def test_empty_answers_are_failures_and_never_zeros() -> None:
    rounds = episode({"weak": {"empty": 1.0}}, rounds=3, race=False).rounds
    attempts = [a for one in rounds for a in one.weak]
    assert attempts
    assert all(a.failure is not None and a.grade is None for a in attempts)


def test_a_challenger_that_cannot_keep_the_form_fails_the_quality_check() -> None:
    rounds = episode({"challenger": {"wrong_markers": 1.0}}, rounds=2).rounds
    assert [one.outcome for one in rounds] == [Outcome.FAILED_QUALITY_CHECK] * 2


def test_a_leaked_answer_is_noticed_or_makes_the_task_easy() -> None:
    outcomes = [
        one.outcome
        for i in range(4)
        for one in episode({"challenger": {"leak": 1.0}}, str(i), rounds=4).rounds
    ]
    assert outcomes.count(Outcome.FAILED_QUALITY_CHECK) > 0.6 * len(outcomes)
    assert Outcome.ACCEPTED not in outcomes
