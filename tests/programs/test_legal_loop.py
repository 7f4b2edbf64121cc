"""The legal domain in the loop: early exit, overrides, the referee's verdicts, and the cap."""

import json
from typing import Any

import dspy
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from legal_cases import (
    DOCUMENT,
    EXTRACT,
    LEGAL,
    REVIEW,
    TASK,
    LegalCast,
    error,
    fields,
    reviewing,
    task,
)

from autodata.programs import Document, Episode, Outcome
from autodata.programs.domains.legal.extract import Extract, material
from autodata.programs.domains.legal.overriding import overrides
from autodata.programs.domains.legal.prompts import ReadLegalDocument, RefereeRound
from autodata.programs.records import Review

IMPROVE = {"verdict": "improve", "suggestion": "Reward reasoning."}


def test_the_prompts_have_the_fields_that_the_program_fills_and_reads() -> None:
    expected = {
        LEGAL.plan: (["document"], ["brief"]),
        LEGAL.analyze: (["document", "failures"], ["lesson", "brief"]),
        LEGAL.write: (["document", "rules", "brief", "failures"], ["notes", "task"]),
        LEGAL.solve: (["question"], ["answer"]),
        ReadLegalDocument: (["document"], ["extract"]),
        RefereeRound: (["packet"], list(Review.model_fields)),
    }
    for signature, (inputs, outputs) in expected.items():
        assert list(signature.input_fields) == inputs
        assert list(signature.output_fields) == outputs
        for field in signature.model_fields.values():
            extra: Any = field.json_schema_extra
            assert not str(extra["desc"]).startswith("${")


def test_the_domain_has_the_numbers_of_the_paper() -> None:
    assert (LEGAL.weak_attempts, LEGAL.strong_attempts, LEGAL.rounds) == (5, 3, 16)
    assert LEGAL.gate.open
    assert set(LEGAL.spoken) >= {"reader", "referee"}
    assert "verifier" not in LEGAL.spoken


def test_an_accepted_task_has_been_tried_by_everybody_without_the_document() -> None:
    cast = LegalCast()
    episode = cast.run()
    assert episode.stopped == "accepted"
    assert cast.calls() == {
        "reader": 1,
        "orchestrator": 1,
        "challenger": 1,
        "weak": 5,
        "strong": 3,
        "judge": 8,
        "referee": 1,
    }
    assert set(episode.roles) == set(LEGAL.spoken)
    for role in ("weak", "strong", "judge"):
        for request in cast[role].requests:
            text = f"{request.system}{request.messages[-1].text}"
            assert "Harrow" not in text
            assert EXTRACT["facts"] not in text
    assert episode.accepted is not None
    assert episode.accepted.review == Review(**REVIEW)


def test_an_unsuitable_document_ends_early_and_says_why() -> None:
    note = "It only moves the docket along."
    empty = {"topics": [], "issues": [], "facts": "", "holdings": []}
    extract = {**EXTRACT, **empty, "suitable": False, "note": note}
    cast = LegalCast({"reader": lambda request, rollout: fields(extract=extract)})
    episode = cast.run()
    assert (episode.stopped, episode.reason, episode.rounds) == ("unsuitable", note, ())
    assert (episode.failure, episode.score) == (None, None)
    assert cast.calls() == {"reader": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"suitable": False, "note": " "},
        {"topics": ["one", "two"]},
        {"topics": ["one", "two", "three", "four", "five", "six"]},
        {"issues": []},
        {"facts": " "},
        {"holdings": []},
        {"holdings": [{"rule": "A rule.", "reasoning": ""}]},
    ],
)
def test_an_incomplete_extract_is_a_failure_and_no_verdict(changes: dict[str, Any]) -> None:
    cast = LegalCast({"reader": lambda request, rollout: fields(extract={**EXTRACT, **changes})})
    episode = cast.run()
    assert (episode.stopped, episode.rounds) == ("failure", ())
    assert episode.failure is not None
    assert (episode.failure.role, episode.failure.kind) == ("reader", "malformed")
    assert set(cast.calls()) == {"reader"}


def test_the_writer_sees_the_extract_and_not_the_document() -> None:
    cast = LegalCast()
    cast.run()
    told = cast["challenger"].requests[0].messages[-1].text or ""
    assert EXTRACT["facts"] in told
    assert "Names that must not be used: Harrow; Tellmark" in told
    assert DOCUMENT.text not in told
    assert "at most 1000 characters" in told


def test_improve_writes_another_task_from_the_same_extract_with_the_packet_in_sight() -> None:
    answers = iter([reviewing(**IMPROVE), reviewing()])
    cast = LegalCast({"referee": lambda request, rollout: next(answers)(request, rollout)})
    episode = cast.run()
    assert [one.outcome for one in episode.rounds] == [Outcome.IMPROVE, Outcome.ACCEPTED]
    assert len(cast["reader"].requests) == 1
    told = cast["challenger"].requests[1].messages[-1].text or ""
    assert "IMPROVE\n- Round 1: The attempts spread out." in told
    assert "Suggestion: Reward reasoning." in told
    assert "weakest first" in told
    packet = cast["referee"].requests[1].messages[-1].text or ""
    assert "Round 1: improve, suitability high" in packet
    assert TASK["question"] in packet


def test_the_loop_tries_once_and_improves_fifteen_times() -> None:
    cast = LegalCast({"referee": reviewing(**IMPROVE)})
    episode = cast.run()
    assert (episode.stopped, episode.score) == ("rounds", 0)
    assert [one.outcome for one in episode.rounds] == [Outcome.IMPROVE] * 16
    assert cast.calls()["referee"] == 16


MALFORMED = [
    {"verdict": "improve", "suggestion": " "},
    {"reason": ""},
    {"weak_pattern": "They are all quite low."},
    {"strong_pattern": "Convincing throughout."},
]


@pytest.mark.parametrize("wrong", MALFORMED)
def test_a_review_that_lacks_something_is_asked_for_once_more(wrong: dict[str, Any]) -> None:
    answers = iter([reviewing(**wrong), reviewing()])
    cast = LegalCast({"referee": lambda request, rollout: next(answers)(request, rollout)})
    assert cast.run(rounds=1).stopped == "accepted"
    assert cast.calls()["referee"] == 2


@pytest.mark.parametrize("wrong", MALFORMED)
def test_a_referee_that_stays_malformed_decides_nothing(wrong: dict[str, Any]) -> None:
    cast = LegalCast({"referee": reviewing(**wrong)})
    episode = cast.run(rounds=1)
    (only,) = episode.rounds
    assert (only.outcome, only.review) == (Outcome.UNSCORED, None)
    assert only.failure is not None
    assert (only.failure.role, only.failure.kind) == ("referee", "malformed")
    assert episode.accepted is None
    assert cast.calls()["referee"] == 2


def test_a_suggestion_on_accept_is_dropped() -> None:
    accepted = LegalCast({"referee": reviewing(suggestion="Go on.")}).run().accepted
    assert accepted is not None
    assert accepted.review is not None
    assert accepted.review.suggestion == ""


OVERRIDDEN = [
    {"question": "I paid too much. " * 59},
    {"question": "In the case of my cousin it went another way. May I have my money back?"},
    {"question": "Act as my adviser. May I have my money back after all these weeks?"},
    {"question": "My house is from 1890 and the roof leaks. Who has to pay for the repair?"},
    {"question": "My neighbour Harrow sold me a tent that came late. May I send it back?"},
    {"question": "I bought from tellmark foods and the tent came late. May I send it back?"},
    {"question": "A friend said Smith v. Jones helps me. May I send the late tent back?"},
    {"rubric": TASK["rubric"][:14]},
    {"rubric": [*TASK["rubric"][:15], error(16, weight_class="slight")]},
]


@pytest.mark.parametrize("broken", OVERRIDDEN)
def test_no_referee_lifts_what_code_has_found(broken: dict[str, Any]) -> None:
    answer = fields(notes="n", task={**TASK, **broken})
    cast = LegalCast({"challenger": lambda request, rollout: answer})
    episode = cast.run(rounds=2)
    assert [one.outcome for one in episode.rounds] == [Outcome.FAILED_QUALITY_CHECK] * 2
    assert episode.accepted is None
    # Neither solver is paid for, and the referee, who accepts everything, is never asked.
    assert set(cast.calls()) == {"reader", "orchestrator", "challenger"}
    told = cast["challenger"].requests[1].messages[-1].text or ""
    assert "FAILED QUALITY CHECK\n- Round 1: " in told
    assert "no referee can lift that" in told


def recaps(question: str, document: str = "# Harrow v. Tellmark Foods Ltd.\n\nText.") -> list[str]:
    written = material(Extract.model_validate(EXTRACT), document)
    return overrides(written, task(question=question))


@pytest.mark.parametrize(
    ("question", "fine"),
    [
        ("My neighbour sold me a tent that came nine days late.", True),
        ("My neighbour Harrow sold me a tent that came late.", False),
        ("My neighbour's harrow broke on my field in spring.", True),
        ("My neighbour Harrowgate sold me a tent that came late.", True),
        ("My order with tellmark\nfoods was nine days late.", False),
        ("The Foods counter at my shop was closed for nine days.", False),
        ("A friend told me of Smith v. Jones and I wonder.", False),
        ("In re Olsen is what my brother told me to look up.", False),
        ("I have a ticket for V. Woolf's house and cannot go.", True),
    ],
)
def test_a_question_repeats_no_name_of_its_document(question: str, fine: bool) -> None:
    assert (recaps(question) == []) == fine


def test_a_document_without_parties_forbids_no_names() -> None:
    assert recaps("My neighbour Harrow sold me a tent that came late.", "A memorandum.") == []


def test_an_episode_goes_to_json_and_back() -> None:
    answers = iter([reviewing(**IMPROVE), reviewing()])
    cast = LegalCast({"referee": lambda request, rollout: next(answers)(request, rollout)})
    episode = cast.run()
    assert Episode.model_validate_json(episode.model_dump_json()) == episode
    assert episode.material.startswith("EXTRACT OF A LEGAL DOCUMENT")


def test_only_what_writes_tasks_may_be_optimized() -> None:
    program = LegalCast().program()
    assert set(program.optimizable()) == {
        "orchestrator.plan",
        "orchestrator.analyze",
        "challenger.write",
    }


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["reader", "challenger", "judge", "referee"]))
def test_random_text_of_any_role_is_a_recorded_failure(text: str, role: str) -> None:
    episode = LegalCast({role: lambda request, rollout: text}).run(rounds=1)
    failure = episode.failure or episode.rounds[0].failure
    assert failure is not None
    assert failure.role == role
    assert failure.kind in ("malformed", "empty")
    assert episode.accepted is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-20, 20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(TASK)), JSON)
def test_a_task_with_any_value_in_a_field_is_read_or_recorded(field: str, value: Any) -> None:
    answer = fields(notes="n", task={**TASK, field: value})
    episode = LegalCast({"challenger": lambda request, rollout: answer}).run(rounds=1)
    (only,) = episode.rounds
    assert only.outcome in (Outcome.ACCEPTED, Outcome.FAILED_QUALITY_CHECK)
    if only.task is None:
        assert only.failure is not None
        assert only.failure.kind == "malformed"


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(EXTRACT)), JSON)
def test_an_extract_with_any_value_in_a_field_is_read_or_recorded(field: str, value: Any) -> None:
    answer = fields(extract={**EXTRACT, field: value})
    episode = LegalCast({"reader": lambda request, rollout: answer}).run(rounds=1)
    assert episode.stopped in ("accepted", "unsuitable", "failure")
    if episode.stopped == "failure":
        assert episode.failure is not None
        assert episode.failure.kind == "malformed"
    if episode.stopped == "unsuitable":
        assert episode.reason


def test_a_referee_outage_ends_the_episode_as_a_failure() -> None:
    cast = LegalCast({"referee": lambda request, rollout: dspy.LMError("down")})
    episode = cast.run(Document(id="d", text=DOCUMENT.text), rounds=3)
    assert (episode.stopped, len(episode.rounds)) == ("failure", 1)
    assert json.loads(episode.model_dump_json())["failure"]["kind"] == "infrastructure"
