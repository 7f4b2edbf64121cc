"""Self-Instruct: what is shown, in which order instances are made, filters, and the pool."""

import random
from collections.abc import Sequence
from typing import Any

import dspy.lm15 as lm15
import pytest
from fakes import TASK, Cast, fields
from hypothesis import given
from hypothesis import strategies as st

from autodata.metrics.similarity import Pool, rouge_l
from autodata.programs import Document, Episode, Outcome
from autodata.programs.baselines import SelfInstruct
from autodata.programs.baselines.filters import KEYWORDS, instance_fault, instruction_fault

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)
NOUNS = [
    "valve",
    "rotor",
    "shaft",
    "pump",
    "lever",
    "gear",
    "spring",
    "bearing",
    "clutch",
    "piston",
]


def wanted(request: lm15.Request) -> str:
    """Return the part of the system message that lists the output fields."""
    system = str(request.system)
    return system.partition("Your output fields are:")[2].partition("All interactions")[0]


class Writer:
    """A challenger that invents the instructions it is given, one after the other."""

    def __init__(
        self,
        instructions: Sequence[str],
        classification: bool = False,
        given: str = "A valve.",
        result: str = "It opens.",
    ) -> None:
        self.instructions = iter(instructions)
        self.classification, self.given, self.result = classification, given, result
        self.asked: list[str] = []
        self.shown: list[str] = []

    def __call__(self, request: lm15.Request, rollout: str) -> str:
        fields_ = wanted(request)
        text = request.messages[-1].text or ""
        for job in ("instruction", "classification", "given", "task"):
            if f"`{job}`" in fields_:
                break
        else:
            raise AssertionError(fields_)
        order = fields_.index("`result`") < fields_.index("`given`") if job == "given" else False
        self.asked.append("output-first" if order else job)
        if job == "instruction":
            self.shown.append(text)
            return fields(instruction=next(self.instructions))
        if job == "classification":
            return fields(classification="True" if self.classification else "False")
        if job == "given":
            return fields(given=self.given, result=self.result)
        self.dressed = text
        return fields(notes="Dressed.", task=TASK)


def made(number: int) -> str:
    draw = random.Random(number)
    one, other, third = draw.sample(NOUNS, 3)
    return f"{number} {one} {other} {third} " + " ".join(f"word{number}x{i}" for i in range(6))


def program(writer: Writer, **extras: Any) -> tuple[SelfInstruct, Cast]:
    cast = Cast({"challenger": writer})
    return SelfInstruct(cast.models, **extras), cast


def run(writer: Writer, count: int = 1, **extras: Any) -> list[Episode]:
    made_, _ = program(writer, **extras)
    return [made_(document=Document(id=f"d{i}", text="Pump. " * 9)).episode for i in range(count)]


def test_an_instruction_becomes_an_instance_and_then_a_task() -> None:
    writer = Writer([made(1)])
    (episode,) = run(writer)
    assert writer.asked == ["instruction", "classification", "given", "task"]
    assert episode.accepted is not None
    assert episode.accepted.brief == made(1)
    assert episode.accepted.weak == episode.accepted.strong == ()
    for part in (f"Instruction: {made(1)}", "Input: A valve.", "Output: It opens."):
        assert part in writer.dressed
    assert episode.usage.calls == 4


def test_classification_gets_its_label_before_its_input() -> None:
    writer = Writer([made(1)], classification=True)
    run(writer)
    assert writer.asked == ["instruction", "classification", "output-first", "task"]


def test_eight_instructions_are_shown_two_of_them_its_own_once_it_has_two() -> None:
    writer = Writer([made(i) for i in range(5)])
    model, _ = program(writer)
    for i in range(5):
        model(document=Document(id=f"d{i}", text="x" * 50))
    own = [sum(made(j) in text for j in range(i)) for i, text in enumerate(writer.shown)]
    seeds = [sum(s.instruction in text for s in model.seeds) for text in writer.shown]
    assert own == [0, 1, 2, 2, 2]
    assert seeds == [8, 7, 6, 6, 6]


def test_the_document_is_shown_to_nobody() -> None:
    model, cast = program(Writer([made(1)]))
    model(document=DOCUMENT)
    assert not any("Pressure and yield" in str(r) for b in cast.values() for r in b.requests)


def test_what_was_kept_is_not_new_a_second_time() -> None:
    first, second = run(Writer([made(1), made(1) + " indeed"]), 2)
    assert first.accepted is not None
    assert second.accepted is None
    assert "ROUGE-L filter: 0.9" in second.rounds[0].reason
    assert second.usage.calls == 1


def test_what_was_filtered_is_not_remembered() -> None:
    writer = Writer([made(1), made(1)], result=" ")
    first, second = run(writer, 2)
    assert "length filter" in first.rounds[0].reason
    # The same instruction again: it is refused for its output, not for being known.
    assert second.rounds[0].reason == first.rounds[0].reason


def test_recalled_episodes_leave_the_program_as_if_it_had_run_them() -> None:
    texts = [made(i) for i in range(6)]
    whole, _ = program(Writer(texts))
    documents = [Document(id=f"d{i}", text="x" * 50) for i in range(6)]
    episodes = [whole(document=document).episode for document in documents]
    writer = Writer(texts[4:])
    resumed, _ = program(writer)
    for episode in episodes[:4]:
        resumed.recall(Episode.model_validate_json(episode.model_dump_json()))
    again = [resumed(document=document).episode for document in documents[4:]]
    assert [e.rounds for e in again] == [e.rounds for e in episodes[4:]]
    assert sum(made(j) in writer.shown[0] for j in range(4)) == 2


def test_an_unreadable_instruction_is_recorded_against_the_writer() -> None:
    cast = Cast({"challenger": lambda request, rollout: "I would rather not."})
    episode = SelfInstruct(cast.models)(document=DOCUMENT).episode
    (one,) = episode.rounds
    assert one.outcome is Outcome.FAILED_QUALITY_CHECK
    assert one.failure is not None
    assert one.failure.kind == "malformed"


@pytest.mark.parametrize(
    ("count", "kept"), [(1, False), (3, False), (4, True), (150, True), (151, False)]
)
def test_an_instruction_has_from_4_to_150_words(count: int, kept: bool) -> None:
    fault = instruction_fault(" ".join(f"w{i}" for i in range(count)), Pool())
    assert (fault == "") == kept
    assert kept or f"length filter: the instruction has {count} words" in fault


@pytest.mark.parametrize("word", KEYWORDS)
def test_an_instruction_that_asks_for_more_than_text_is_refused(word: str) -> None:
    assert f"such as '{word}'" in instruction_fault(f"Please take the {word.upper()} there", Pool())


@pytest.mark.parametrize("text", ["Explain the mapping of words", "Profile a graphic imagination"])
def test_a_keyword_inside_another_word_does_no_harm(text: str) -> None:
    assert instruction_fault(text, Pool()) == ""


@pytest.mark.parametrize(("shared", "kept"), [(7, False), (6, True)])
def test_seven_words_of_ten_in_common_are_too_many(shared: int, kept: bool) -> None:
    known = "a b c d e f g h i j"
    new = " ".join([*known.split()[:shared], *(f"w{i}" for i in range(10 - shared))])
    assert (instruction_fault(new, Pool([known])) == "") == kept


@given(st.text(max_size=200), st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_kept_or_refused_with_a_reason(text: str, known: list[str]) -> None:
    fault = instruction_fault(text, Pool(known))
    assert fault == "" or "filter: " in fault
    if fault == "":
        assert all(rouge_l(text, one) < 0.7 for one in known)


def test_an_output_must_not_be_empty_nor_repeat_the_input() -> None:
    assert "0 words" in instance_fault("Some input.", " \n")
    assert "copy filter" in instance_fault("The pump leaks.", "the pump LEAKS")
    assert instance_fault("", "An answer.") == ""
    assert instance_fault("The pump leaks.", "The pump leaks badly.") == ""


def test_a_similarity_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 1, such as"):
        SelfInstruct(alike=0)
