"""The formats read and write what DSPy's own do."""

import json
from typing import Any

import dspy
from fakes import GOOD_REPORT, TASK, fields
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autodata.programs.adapters import CHAT, ChatFormat
from autodata.programs.challenger import WriteTask
from autodata.programs.judge import JudgeAnswer
from autodata.programs.solver import SolveTask
from autodata.programs.verifier import CheckTask

PLAIN = dspy.ChatAdapter()
VERDICTS = [{"number": 1, "evidence": "none", "satisfied": True}]


def outcome(adapter: dspy.ChatAdapter, signature: Any, text: str) -> Any:
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
