"""What a domain may bring of its own: a reader, a referee, several drafts, a probe, a gate."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dspy
import pytest
from fakes import TASK, Cast, fields, solver
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.metrics import GATES
from autodata.optimizers.measurement import measured
from autodata.programs import (
    Autodata,
    Document,
    Domain,
    Episode,
    Outcome,
    Review,
    Round,
    Settings,
    background,
)
from autodata.programs.domains import RESEARCH
from autodata.programs.reader import Reader
from autodata.programs.referee import Referee

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)


class Summary(Reader):
    """Hands on a summary, or turns the document away."""

    async def aforward(self, document: Document) -> dspy.Prediction:
        why = "only a docket order" if "docket" in document.text else ""
        return dspy.Prediction(material=f"In short: {document.text[:20]}", unsuitable=why)


class Strict(Referee):
    """Sends every task back until there have been two."""

    async def aforward(self, closed: Round, before: Sequence[Round]) -> dspy.Prediction:
        kept = len(before) >= 2
        return dspy.Prediction(
            review=Review(
                weak_pattern="3/10 each",
                strong_pattern="8/10 each",
                gap_interpretation="reasoning",
                suitability="high" if kept else "low",
                verdict="accept" if kept else "improve",
                reason="good spread" if kept else "no spread",
                suggestion="" if kept else "add a second issue",
            )
        )


class Asking(Referee):
    """Asks a model that does not answer in form."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__(lm)
        self.say = dspy.Predict("question -> verdict: bool")

    async def aforward(self, closed: Round, before: Sequence[Round]) -> dspy.Prediction:
        return await self.speak(self.say, question="?")


def run(cast: Cast, domain: Domain, *, text: str = DOCUMENT.text, **settings: Any) -> Episode:
    numbers = domain.settings.model_copy(update={"rounds": 3, **settings})
    program = Autodata(cast.models, domain, settings=Settings(**numbers.model_dump()))
    return program(document=Document(id="doc", text=text)).episode


def test_every_role_is_given_what_the_reader_made_of_the_document() -> None:
    cast = Cast()
    episode = run(cast, replace(RESEARCH, reader=Summary))
    assert episode.material == "In short: Pressure and yield. "
    for role in ("orchestrator", "challenger", "verifier"):
        told = cast[role].requests[0].messages[-1].text or ""
        assert "In short: Pressure and yield." in told
        assert DOCUMENT.text not in told


def test_a_document_that_the_reader_turns_away_ends_early_with_the_reason() -> None:
    cast = Cast()
    episode = run(cast, replace(RESEARCH, reader=Summary), text="A docket order. " * 30)
    assert (episode.stopped, episode.reason) == ("unsuitable", "only a docket order")
    assert (episode.score, episode.failure, episode.rounds) == (None, None, ())
    assert sum(backend.requests != [] for backend in cast.values()) == 0
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


def test_an_unsuitable_document_counts_neither_as_a_zero_nor_as_a_failure() -> None:
    domain = replace(RESEARCH, reader=Summary)
    turned_away = run(Cast(), domain, text="A docket order. " * 30)
    accepted = run(Cast(), domain)
    found = measured([turned_away, accepted])
    assert (found.episodes, found.unsuitable, found.failures) == (2, 1, 0)
    assert (found.gap, found.acceptance) == (pytest.approx(0.5), 1)


def test_a_referee_sends_back_what_the_gate_lets_pass_until_it_is_content() -> None:
    episode = run(Cast(), replace(RESEARCH, referee=Strict))
    assert [one.outcome for one in episode.rounds] == [
        Outcome.IMPROVE,
        Outcome.IMPROVE,
        Outcome.ACCEPTED,
    ]
    assert episode.rounds[0].reason == "no spread"
    assert episode.rounds[2].review is not None
    assert episode.rounds[2].review.suitability == "high"


def test_a_referee_is_not_asked_about_what_the_gate_refuses() -> None:
    episode = run(Cast({"weak": solver(9)}), replace(RESEARCH, referee=Strict))
    assert {one.outcome for one in episode.rounds} == {Outcome.TOO_EASY}
    assert all(one.review is None for one in episode.rounds)


def test_what_a_referee_sent_back_is_told_to_the_next_round() -> None:
    cast = Cast()
    run(cast, replace(RESEARCH, referee=Strict))
    told = cast["challenger"].requests[-1].messages[-1].text or ""
    assert "IMPROVE\n- Round 1: no spread" in told


def test_a_referee_that_cannot_be_understood_leaves_the_round_unscored() -> None:
    cast = Cast()
    with dspy.context(lm=cast.models.verifier):
        episode = run(cast, replace(RESEARCH, referee=Asking), rounds=1)
    [one] = episode.rounds
    assert one.outcome is Outcome.UNSCORED
    assert one.failure is not None
    assert one.failure.role == "referee"
    assert episode.score is None


ANGLES = ("a limiting case", "an inverse problem", "a counterexample")


def test_several_tasks_are_written_from_one_brief_each_from_its_own_angle() -> None:
    cast = Cast({"weak": solver(9)})
    episode = run(cast, replace(RESEARCH, angles=ANGLES, candidates=3), rounds=6)
    assert [one.number for one in episode.rounds] == [1, 2, 3, 4, 5, 6]
    assert [one.known for one in episode.rounds] == [0, 0, 0, 3, 3, 3]
    assert [one.angle for one in episode.rounds[:3]] == list(ANGLES)
    assert cast.calls("orchestrator") == 2
    told = [request.messages[-1].text or "" for request in cast["challenger"].requests]
    assert all(any(angle in one for angle in ANGLES) for one in told)


def test_the_first_of_several_tasks_that_is_accepted_ends_the_episode() -> None:
    cast = Cast()
    episode = run(cast, replace(RESEARCH, angles=ANGLES, candidates=3))
    assert [one.outcome for one in episode.rounds] == [Outcome.ACCEPTED]
    assert [cast.calls("challenger"), cast.calls("weak")] == [3, 3]


@hypothesis_settings(max_examples=12, deadline=None)
@given(rounds=st.integers(1, 7), candidates=st.integers(1, 5))
def test_the_cap_on_rounds_holds_however_many_are_written_at_once(
    rounds: int, candidates: int
) -> None:
    cast = Cast({"weak": solver(9)})
    domain = replace(RESEARCH, angles=ANGLES, candidates=candidates)
    episode = run(cast, domain, rounds=rounds)
    assert len(episode.rounds) == rounds
    assert cast.calls("challenger") == rounds


def test_an_open_gate_lets_every_attempt_of_both_solvers_be_made() -> None:
    cast = Cast({"weak": solver(10), "strong": solver(0)})
    program = Autodata(cast.models, RESEARCH, GATES["legal"])
    episode = program(document=DOCUMENT).episode
    assert episode.stopped == "accepted"
    assert [cast.calls("weak"), cast.calls("strong")] == [3, 3]


def silent(alive: bool) -> Any:
    """A solver that never answers a task, and answers 2+2 only if it is alive."""

    def script(request: Any, rollout: str) -> str:
        said = "4" if alive and "2+2" in (request.messages[-1].text or "") else ""
        return fields(answer=said)

    return script


def test_an_empty_answer_of_a_living_model_is_a_wrong_one_where_the_domain_probes() -> None:
    cast = Cast({"weak": silent(alive=True)})
    episode = run(cast, replace(RESEARCH, gate=GATES["prose"], probe=True), rounds=1)
    assert [attempt.grade for attempt in episode.rounds[0].weak] == [0, 0, 0]
    assert "though the model is up" in episode.rounds[0].weak[0].note


def test_a_gap_made_of_empty_answers_is_never_accepted() -> None:
    cast = Cast({"weak": silent(alive=True)})
    episode = run(cast, replace(RESEARCH, gate=GATES["prose"], probe=True), rounds=1)
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert "untruncated weak attempts" in episode.rounds[0].reason


def test_an_empty_answer_of_a_dead_model_is_an_outage() -> None:
    cast = Cast({"weak": silent(alive=False)})
    episode = run(cast, replace(RESEARCH, probe=True), rounds=1)
    assert episode.stopped == "failure"
    assert episode.failure is not None
    assert episode.failure.kind == "infrastructure"
    assert "2+2" in episode.failure.message


def test_a_task_is_measured_with_every_attempt_whatever_the_gate_says() -> None:
    cast = Cast({"weak": solver(10)})
    program = Autodata(cast.models)
    task = program(document=DOCUMENT).episode.rounds[0].task
    assert task is not None
    done = cast.calls("weak")
    measured_round = background.run(program.attempted(task))
    assert len(measured_round.weak) == len(measured_round.strong) == 3
    assert cast.calls("weak") == done + 3
    assert task.question == TASK["question"]


def test_what_code_overrides_is_refused_where_a_gate_decides_and_before_anybody_is_paid() -> None:
    cast = Cast()
    long = replace(RESEARCH, overrides=lambda material, task: [f"too long for {material[:8]}"])
    episode = run(cast, long, rounds=1)
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert episode.rounds[0].reason == "too long for Pressure"
    assert [cast.calls("verifier"), cast.calls("weak"), cast.calls("judge")] == [1, 0, 0]


@pytest.mark.parametrize(("repeats", "stopped"), [(True, "accepted"), (False, "rounds")])
def test_equal_answers_are_a_sample_only_where_honest_ones_may_be_equal(
    repeats: bool, stopped: str
) -> None:
    same = {name: fields(answer=f"GRADE={grade} " + "word " * 50) for name, grade in GRADES.items()}
    cast = Cast({name: lambda request, rollout, text=text: text for name, text in same.items()})
    assert run(cast, replace(RESEARCH, repeats=repeats), rounds=1).stopped == stopped


GRADES = {"weak": 3, "strong": 8}
