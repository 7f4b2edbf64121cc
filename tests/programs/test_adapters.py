"""The formats read and write what DSPy's own do."""

import json
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from dspy.utils.callback import BaseCallback
from dspy.utils.dummies import DummyLM
from dspy.utils.usage_tracker import UsageTracker
from fakes import GOOD_REPORT, TASK, Scripted, fields
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autodata.programs import ModelConfig, background, direct
from autodata.programs.adapters import CHAT, SCHEMA, ChatFormat
from autodata.programs.challenger import WriteTask
from autodata.programs.endpoint import Endpoint
from autodata.programs.judge import JudgeAnswer
from autodata.programs.lms import RoleLM
from autodata.programs.solver import SolveTask
from autodata.programs.usage import Ledger
from autodata.programs.verifier import CheckTask

PLAIN = dspy.ChatAdapter()
VERDICTS = [{"number": 1, "evidence": "none", "satisfied": True}]


def outcome(adapter: Any, signature: Any, text: str) -> Any:
    try:
        return adapter.parse(signature, text)
    except dspy.AdapterParseError as error:
        return type(error)


WELL_FORMED = [
    (WriteTask, fields(notes="n", task=TASK)),
    (CheckTask, fields(report=GOOD_REPORT)),
    (JudgeAnswer, fields(verdicts=VERDICTS)),
    (SolveTask, fields(answer="Because.\n\nIt is so.")),
]
SPOILED = [
    fields(answer="a") + "\n" + fields(answer="b"),
    "[[ ## answer ## ]] on the same line\n[[ ## completed ## ]]",
    "  [[ ## answer ## ]]  \nindented header\n[[ ## completed ## ]]",
    "no header at all",
    "[[ ## answer ## ]]\rone\x85two\u2028three\n[[ ## completed ## ]]",
    "[[ ## answer ## ]]\nx\x0b[[ ## completed ## ]]\ny",
    "",
]


def test_system_messages_are_dspys() -> None:
    for signature, _ in WELL_FORMED:
        assert CHAT.format_system_message(signature) == PLAIN.format_system_message(signature)


def test_a_changed_instruction_changes_the_system_message() -> None:
    changed: Any = SolveTask.with_instructions("Answer in verse.")
    assert "in verse" in ChatFormat().format_system_message(changed)
    assert "in verse" not in CHAT.format_system_message(SolveTask)


def test_well_formed_and_spoiled_answers_are_read_as_dspy_reads_them() -> None:
    for signature, text in WELL_FORMED:
        assert outcome(CHAT, signature, text) == outcome(PLAIN, signature, text)
    for text in SPOILED:
        assert outcome(CHAT, SolveTask, text) == outcome(PLAIN, SolveTask, text)
    loose = fields(verdicts="[{'number': '1', 'evidence': 'x', 'satisfied': true},]")
    assert outcome(CHAT, JudgeAnswer, loose) == outcome(PLAIN, JudgeAnswer, loose)


@settings(max_examples=300, deadline=None)
@example(text="x\n[[ ## verdicts ## ]]\n[]\n")
@given(
    text=st.lists(
        st.sampled_from(
            ["[[ ## answer ## ]]", "[[ ## verdicts ## ]]", "[[ ## completed ## ]]", "[[ ##", "[]"]
        )
        | st.just(json.dumps(VERDICTS))
        | st.text(max_size=12),
        max_size=8,
    ).map("\n".join)
)
def test_any_answer_is_read_as_dspy_reads_it(text: str) -> None:
    for signature in (SolveTask, JudgeAnswer):
        assert outcome(CHAT, signature, text) == outcome(PLAIN, signature, text)


LOOSE_JSON = [
    *('{"answer": 5}', '{"answer": null}', '{"answer": ["a"]}', '{"answer": "a", "more": 1}'),
    *('{"answer": "a"', "[1]", "", '"answer"', '{"answer": "a"} and so on', "```json\n{}\n```"),
    *(
        '{"verdicts": []}',
        '{"verdicts": "[]"}',
        '{"verdicts": [{"number": "x"}]}',
        "{'verdicts': []}",
    ),
    *(json.dumps({"verdicts": VERDICTS}), json.dumps({"verdicts": json.dumps(VERDICTS)})),
    json.dumps({"verdicts": [{"number": 10**30, "evidence": "", "satisfied": 1}]}),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("signature", [SolveTask, JudgeAnswer])
@pytest.mark.parametrize("text", LOOSE_JSON)
def test_json_is_read_as_dspy_reads_it(text: str, signature: Any) -> None:
    assert outcome(SCHEMA, signature, text) == outcome(dspy.JSONAdapter(), signature, text)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(["answer", "verdicts", "x"]), value=VALUES | st.just(VERDICTS))
def test_any_json_object_is_read_as_dspy_reads_it(name: str, value: Any) -> None:
    text = json.dumps({name: value})
    for signature in (SolveTask, JudgeAnswer):
        assert outcome(SCHEMA, signature, text) == outcome(dspy.JSONAdapter(), signature, text)


@settings(max_examples=200, deadline=None)
@given(
    question=st.text(),
    answer=st.one_of(st.text(), st.integers(), st.lists(st.text())),
    criteria=st.one_of(st.lists(st.text()), st.lists(st.integers()), st.none()),
    main=st.booleans(),
)
def test_any_input_is_written_as_dspy_writes_it(
    question: str, answer: Any, criteria: Any, main: bool
) -> None:
    inputs = {"question": question, "answer": answer, "criteria": criteria}
    written = [
        adapter.format_user_message_content(JudgeAnswer, inputs, main_request=main)
        for adapter in (CHAT, PLAIN)
    ]
    assert written[0] == written[1]


class Recorder(Scripted):
    """A backend that answers with a text for each request."""

    def __init__(self, *texts: str) -> None:
        left = list(texts)
        super().__init__(lambda request, rollout: left.pop(0))


class Heard(BaseCallback):
    """Somebody who listens."""


def role_lm(backend: Scripted, **options: Any) -> RoleLM:
    config = ModelConfig(model="fake/m", temperature=0.7, max_tokens=500, **options)
    return RoleLM(config, "weak", Endpoint(config, backend), Ledger())


CALLS: list[tuple[Any, dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = [
    (SolveTask, {"context": "c", "question": "q\n\u2028x"}, [], {}),
    (SolveTask, {"context": "c", "question": "q"}, [], {"temperature": 0.0, "top_p": 0.5}),
    (JudgeAnswer, {"question": "q", "answer": "ä", "criteria": ["1. ü", "2. b"]}, [], {}),
    (
        SolveTask,
        {"context": "c", "question": "q"},
        [{"context": "d", "question": "e", "answer": "f"}, {"question": "half", "answer": "g"}],
        {},
    ),
]


@pytest.mark.parametrize("structured", ["none", "json_schema", "json_object"])
@pytest.mark.parametrize("call", CALLS, ids=["plain", "sampling", "lists", "demos"])
def test_the_short_way_sends_and_reads_what_dspys_way_does(call: Any, structured: Any) -> None:
    signature, inputs, demos, options = call
    values = {"answer": "yes"} if signature is SolveTask else {"verdicts": VERDICTS}
    adapter = CHAT if structured == "none" else SCHEMA
    found = []
    for callbacks in ([], [Heard()]):
        backend = Recorder(fields(**values) if adapter is CHAT else json.dumps(values))
        lm = role_lm(backend, structured=structured)
        with dspy.context(disable_history=True, callbacks=callbacks):
            work = adapter.acall(lm, dict(options), signature, demos, inputs)
            found.append((background.run(work), backend.requests))
    assert found[0] == found[1]
    assert len(found[0][1]) == 1


def test_a_form_is_described_once_for_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ways(monkeypatch, json.dumps({"answer": "short"}))
    changed: Any = SolveTask.with_instructions("Answer in a word.")
    lm = role_lm(Recorder(), structured="json_schema")
    inputs = {"context": "c", "question": "q"}
    described: list[str] = []
    plain = dspy.JSONAdapter.acall

    async def acall(self: Any, *given: Any) -> Any:
        described.append("DSPy")
        return await plain(self, *given)

    monkeypatch.setattr(dspy.JSONAdapter, "acall", acall)
    with dspy.context(disable_history=True):
        for _ in range(3):
            background.run(SCHEMA.acall(lm, {}, changed, [], inputs))
    assert (described, taken) == (["DSPy"], ["short"] * 3)


def ways(monkeypatch: pytest.MonkeyPatch, text: str = fields(answer="short")) -> list[str]:
    """Note the calls that go the short way."""
    taken: list[str] = []

    async def asked(*given: Any) -> str:
        taken.append("short")
        return text

    monkeypatch.setattr(direct, "asked", asked)
    return taken


NEEDS: dict[str, dict[str, Any]] = {
    "a listener": {"callbacks": [Heard()]},
    "the history": {"disable_history": False},
    "usage": {"usage_tracker": UsageTracker()},
}


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS)
def test_a_call_that_needs_more_goes_dspys_way(
    need: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ways(monkeypatch)
    predict: Any = dspy.Predict(SolveTask)
    lm = role_lm(Recorder(fields(answer="long"), fields(answer="long")))
    with dspy.context(lm=lm, adapter=CHAT, disable_history=True):
        asked = background.run(predict.acall(context="c", question="q"))
        with dspy.context(**need):
            listened = background.run(predict.acall(context="c", question="q"))
    assert (asked.answer, listened.answer, taken) == ("short", "long", ["short"])


def test_another_model_goes_dspys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ways(monkeypatch)
    predict: Any = dspy.Predict(SolveTask)
    with dspy.context(lm=DummyLM([{"answer": "dummy"}]), adapter=CHAT, disable_history=True):
        assert background.run(predict.acall(context="c", question="q")).answer == "dummy"
    assert taken == []


@pytest.mark.parametrize("first", ["", "no fields at all", "{"])
def test_an_answer_that_cannot_be_read_is_asked_for_once_more_as_json(first: str) -> None:
    backend = Recorder(first, '{"answer": "as JSON"}')
    with dspy.context(disable_history=True):
        work = CHAT.acall(role_lm(backend), {}, SolveTask, [], {"context": "c", "question": "q"})
        assert background.run(work) == [{"answer": "as JSON"}]
    assert "JSON" in str(backend.requests[1].messages[-1].text)


ENDPOINT_ERRORS = {
    lm15.RateLimitError("slow down", retry_after=0.0): dspy.LMRateLimitError,
    lm15.ContextLengthError("too long"): dspy.ContextWindowExceededError,
    lm15.AuthError("who?"): dspy.LMAuthError,
    lm15.TransportError("gone"): dspy.LMTransportError,
    lm15.InvalidRequestError("no"): dspy.LMInvalidRequestError,
}


@pytest.mark.parametrize("error", ENDPOINT_ERRORS, ids=lambda error: type(error).__name__)
def test_an_endpoint_s_error_is_dspys_whichever_way_it_went(error: lm15.LM15Error) -> None:
    for callbacks in ([], [Heard()]):
        lm = role_lm(Scripted(lambda request, rollout: error), retries=0)
        work = CHAT.acall(lm, {}, SolveTask, [], {"context": "c", "question": "q"})
        raises = pytest.raises(ENDPOINT_ERRORS[error], match=error.message.split()[0])
        with dspy.context(disable_history=True, callbacks=callbacks), raises:
            background.run(work)
