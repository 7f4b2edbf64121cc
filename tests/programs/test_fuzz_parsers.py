"""Whatever a model writes, it becomes a value of the right kind or a recorded failure."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import code_tasks
import dspy.lm15 as lm15
import fakes
import legal_cases
import pytest
from fakes import Scripted, fields
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodata.metrics.answers import equivalent, extract_answer
from autodata.programs import (
    DOMAINS,
    Autodata,
    Document,
    Domain,
    Episode,
    ModelConfig,
    Outcome,
    Review,
    Round,
    Settings,
)
from autodata.programs import background as loop
from autodata.programs.baselines.cot import Planner
from autodata.programs.baselines.inventing import Filler, Inventor
from autodata.programs.challenger import Challenger
from autodata.programs.domains.code import extract_program
from autodata.programs.domains.legal.extract import forbidden
from autodata.programs.domains.scientific.grounding import pool
from autodata.programs.endpoint import Endpoint
from autodata.programs.lms import RoleLM
from autodata.programs.orchestrator import Orchestrator
from autodata.programs.records import Attempt
from autodata.programs.role import Role, ask
from autodata.programs.sandbox.inside import wire
from autodata.programs.solver import Solver
from autodata.programs.tasks import AnswerTask, AnyTask, CapabilityTask, ProgramTask, Task
from autodata.programs.usage import Ledger

fixed = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

# Answers that are right, for every role that asks a model, by the output fields of its signature.

PROBLEM: dict[str, Any] = {
    "question_type": "computing a spectrum",
    "skills": ["algebra"],
    "topic": "MSC 15",
    "answer_type": "set",
    "question": "Give the set of the eigenvalues of the matrix that has this and that.",
    "reference": r"\{2-\sqrt{3},2+\sqrt{3}\}",
}
SCREENING = {
    "scope": "ONE_ANSWER",
    "statement": "SELF_CONTAINED",
    "hint": "NO_HINT",
    "origin": "NEW",
    "topic": "FITS",
    "feedback": "Say more.",
}
TASKS: dict[str, AnyTask] = {
    "research": Task.model_validate(fakes.TASK),
    "legal": legal_cases.task(),
    "scientific": AnswerTask.model_validate(PROBLEM),
    "code": code_tasks.task(),
}
KINDS = {"research": Task, "legal": CapabilityTask, "scientific": AnswerTask, "code": ProgramTask}
VERDICTS = [{"number": i, "evidence": "none", "satisfied": i < 5} for i in range(1, 11)]
LEGAL_VERDICTS = [{"number": i, "evidence": "none", "satisfied": i < 9} for i in range(1, 17)]


def attempts(count: int) -> tuple[Attempt, ...]:
    satisfied = tuple(i < 8 for i in range(len(legal_cases.RUBRIC)))
    grade = Fraction(1, 2)
    return tuple(Attempt(answer="x", grade=grade, satisfied=satisfied) for _ in range(count))


TRIED = Round(
    number=1,
    brief="",
    task=TASKS["legal"],
    weak=attempts(5),
    strong=attempts(3),
    outcome=Outcome.ACCEPTED,
)


@dataclass(frozen=True)
class Job:
    """One thing that a role asks a model, with an answer that is right."""

    make: Callable[[Any], Role]
    given: Mapping[str, Any]
    right: Mapping[str, Any]
    check: Callable[[Any], bool]
    """Whether what the role returned is of the kind that it promises."""


def texts(*names: str) -> Callable[[Any], bool]:
    return lambda found: all(type(getattr(found, name)) is str for name in names)


def graded(found: Any) -> bool:
    whole = all(type(one) is bool for one in found.satisfied)
    return whole and isinstance(found.grade, Fraction) and 0 <= found.grade <= 1


def listed(found: Any) -> bool:
    return type(found.faults) is list and all(type(one) is str for one in found.faults)


def read(found: Any) -> bool:
    one = bool(found.material) != bool(found.unsuitable)
    return one and all(name in found.material for name in forbidden(found.material))


def written(domain: Domain) -> Callable[[Any], bool]:
    """Check a task as the loop does, and that a journal can keep it."""

    def check(found: Any) -> bool:
        faults = domain.rules.faults(found.task)
        failed = Outcome.FAILED_QUALITY_CHECK
        kept = Round(number=1, brief="", notes=found.notes, task=found.task, outcome=failed)
        again = Round.model_validate_json(kept.model_dump_json().encode())
        told = domain.describe([kept])
        return (
            type(found.task) is KINDS[domain.name]
            and all(type(fault) is str for fault in faults)
            and again == kept
            and bool(told)
        )

    return check


def reviewed(found: Any) -> bool:
    return isinstance(found.review, Review) and bool(found.review.reason)


def jobs_of(name: str) -> dict[str, Job]:
    """Return what every domain asks: a plan, an analysis, a task, an answer."""
    domain, task = DOMAINS[name], TASKS[name]
    paper = {"document": "A text about pressure and yield."}

    def orchestrator(lm: Any) -> Role:
        return Orchestrator(lm, domain.plan, domain.analyze)

    return {
        f"{name} plan": Job(orchestrator, paper, {"brief": "Ask on."}, texts("brief")),
        f"{name} analyze": Job(
            orchestrator,
            {**paper, "failures": "TOO EASY\n- Round 1: x"},
            {"lesson": "Too easy.", "brief": "Ask on."},
            texts("lesson", "brief"),
        ),
        f"{name} write": Job(
            lambda lm: Challenger(lm, domain.write),
            {**paper, "rules": domain.rules.describe()},
            {"notes": "The idea.", "task": task.model_dump(mode="json")},
            written(domain),
        ),
        f"{name} solve": Job(
            lambda lm: Solver("weak", lm, domain.solve),
            {"task": task},
            {"answer": "It falls."},
            texts("answer"),
        ),
    }


def judge_of(name: str, right: Mapping[str, Any]) -> Job:
    # The scientific judge is asked about words only, which algebra cannot compare.
    task = TASKS[name].model_copy(update={"reference": "the roots of the polynomial above"})
    answer = "Answer: the zeros of the last polynomial"
    return Job(DOMAINS[name].judge, {"task": task, "answer": answer}, right, graded)


JOBS: dict[str, Job] = {
    **{key: job for name in DOMAINS for key, job in jobs_of(name).items()},
    "research verify": Job(
        DOMAINS["research"].verifier,
        {"document": "A text.", "task": TASKS["research"]},
        {"report": fakes.GOOD_REPORT},
        listed,
    ),
    "scientific verify": Job(
        DOMAINS["scientific"].verifier,
        {"document": "A seed.", "task": TASKS["scientific"]},
        {"screening": SCREENING},
        listed,
    ),
    "research judge": judge_of("research", {"verdicts": VERDICTS}),
    "legal judge": judge_of("legal", {"verdicts": LEGAL_VERDICTS}),
    "scientific judge": judge_of("scientific", {"match": {"evidence": "none", "same": True}}),
    "legal read": Job(
        DOMAINS["legal"].reader,
        {"document": legal_cases.DOCUMENT},
        {"extract": legal_cases.EXTRACT},
        read,
    ),
    "legal referee": Job(
        DOMAINS["legal"].referee,
        {"closed": TRIED, "before": [TRIED]},
        {**legal_cases.REVIEW, "verdict": "improve", "suggestion": "Add a step."},
        reviewed,
    ),
    "plan from examples": Job(
        Planner,
        {"document": "A text.", "examples": ["Instruction: count."]},
        {"common": "They count.", "brief": "Count."},
        texts("common", "brief"),
    ),
    "invent": Job(
        Inventor,
        {"known": ["Count the words."]},
        {"instruction": "Sort the words."},
        texts("instruction"),
    ),
    "fill": Job(
        Filler,
        {"instruction": "Sort the words."},
        {"classification": True, "given": "b a", "result": "a b"},
        lambda found: type(found.classification) is bool and texts("given", "result")(found),
    ),
}


def test_every_role_that_asks_a_model_in_a_domain_has_a_job_here() -> None:
    verbs = {
        "reader": ["read"],
        "orchestrator": ["plan", "analyze"],
        "challenger": ["write"],
        "verifier": ["verify"],
        "weak": ["solve"],
        "strong": ["solve"],
        "judge": ["judge"],
        "referee": ["referee"],
    }
    for name, domain in DOMAINS.items():
        assert {f"{name} {verb}" for role in domain.spoken for verb in verbs[role]} <= set(JOBS)


# What a model may write instead.

NASTY = [
    "[[ ## completed ## ]]",
    "[[ ## task ## ]]",
    "[[ ## answer ## ]]\n",
    "[[ ##",
    "```json\n",
    "```",
    "{{",
    "}",
    "[" * 40,
    '{"a":' * 40,
    "[" * 5000,
    '"\\ud800"',
    "\\u0000",
    "\x00",
    "\u2028",
    "\r\n",
    "NaN",
    "-Infinity",
    "1e999",
    "9" * 5000,
    "null",
    "True",
    "'",
    '\\"',
    "${x}",
    "{document}",
]
junk = st.sampled_from(NASTY) | st.text(max_size=12)
loose = st.lists(junk, max_size=8).map("".join)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(["", " ", "0", "+8", "1/2", "LOW", "accept", "x" * 9000, "\ud800", "\x00"])
    | st.text(max_size=12)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a JSON value, the value itself included."""
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a JSON value in which one place is changed."""
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def without_first(value: Any) -> Any:
    if isinstance(value, dict):
        return dict([*value.items()][1:])
    return value[1:] if isinstance(value, list | str) else None


@st.composite
def other_fields(draw: st.DrawFn, right: Mapping[str, Any]) -> dict[str, Any]:
    """Change one or two values of a right answer, or drop or add some."""
    found: Any = dict(right)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(places(found)[1:] or [()]))
        kind = draw(st.sampled_from(["replace", "drop", "double", "extra"]))
        new = draw(anything)
        if kind == "replace":
            found = changed(found, path, lambda _, new=new: new)
        elif kind == "drop":
            found = changed(found, path, without_first)
        elif kind == "double":
            found = changed(found, path, lambda old: [old, old])
        else:
            found = changed(found, path[:-1], lambda old, new=new: with_extra(old, new))
        if not isinstance(found, dict):
            found = {"answer": found}
    return found


def with_extra(old: Any, new: Any) -> Any:
    return {**old, "surplus": new} if isinstance(old, dict) else [*old, new]


@st.composite
def spoiled(draw: st.DrawFn, text: str) -> str:
    """Cut, double or replace a piece of a right answer, or put something in between."""
    for _ in range(draw(st.integers(1, 2))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        new = draw(st.sampled_from(["", text[start:end] * 2]) | junk)
        text = text[:start] + new + text[end:]
    return text


def said(values: Mapping[str, Any], structured: str) -> str:
    """Write an answer down, in the form that its endpoint was asked for."""
    return json.dumps(values) if structured != "none" else fields(**values)


@st.composite
def answers(draw: st.DrawFn, right: Mapping[str, Any], structured: str) -> str:
    """Draw a text: anything, or something near a right answer, in its form or in the other."""
    kind = draw(st.sampled_from(["loose", "spoiled", "fields", "fields"]))
    if kind == "loose":
        return draw(loose)
    if kind == "spoiled":
        return draw(spoiled(said(right, structured)))
    return said(draw(other_fields(right)), draw(st.sampled_from([structured, "none"])))


def replied(job: Job, structured: str, texts: list[str]) -> Any:
    """Ask a role whose model says these texts in turn, and the last one from then on."""
    left = list(texts)

    def script(request: lm15.Request, rollout: str) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    config = ModelConfig.model_validate(
        {"model": "fake/any", "retries": 0, "structured": structured}
    )
    lm = RoleLM(config, "any", Endpoint(config, Scripted(script)), Ledger())
    return loop.run(ask(job.make(lm), **job.given))


def is_value_or_failure(job: Job, reply: Any) -> bool:
    if reply.failure is not None:
        return reply.prediction is None and reply.failure.kind in ("malformed", "empty")
    return job.check(reply.prediction)


FORMS = ["none", "json_schema"]


@pytest.mark.parametrize("structured", FORMS)
@pytest.mark.parametrize("name", JOBS)
def test_a_right_answer_is_read_in_either_form(name: str, structured: str) -> None:
    job = JOBS[name]
    reply = replied(job, structured, [said(job.right, structured)])
    assert reply.failure is None
    assert job.check(reply.prediction)


@pytest.mark.parametrize("structured", FORMS)
@pytest.mark.parametrize("name", JOBS)
def test_any_answer_is_a_value_or_a_recorded_failure(name: str, structured: str) -> None:
    job = JOBS[name]

    @settings(fixed, max_examples=EXAMPLES)
    @given(st.lists(answers(job.right, structured), min_size=1, max_size=2))
    def holds(texts: list[str]) -> None:
        assert is_value_or_failure(job, replied(job, structured, texts))

    holds()


EXAMPLES = 12
"""Answers tried for every role and form."""

# A model that finds no end leaves thousands of the same; Python's JSON has limits of its own.
ENDLESS = {
    "brackets": "[" * 5000,
    "objects": '{"a":' * 5000,
    "pairs": "[[" * 3000 + "]]" * 3000,
    "quotes": '{"' * 1200,
    "digits": "[" + "9" * 5000,
    "a field of brackets": fields(task="[" * 5000, verdicts="[" * 5000, brief="Ask on."),
    "a field of digits": fields(task="9" * 5000, verdicts=f"[{'9' * 5000}]", brief="Ask on."),
}


@pytest.mark.parametrize("structured", FORMS)
@pytest.mark.parametrize("name", ["legal plan", "research write", "research judge"])
@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end_is_malformed(text: str, name: str, structured: str) -> None:
    assert is_value_or_failure(JOBS[name], replied(JOBS[name], structured, [text]))


@settings(fixed, max_examples=25)
@given(answers(JOBS["research write"].right, "none"), answers(JOBS["research judge"].right, "none"))
def test_an_episode_of_any_answers_goes_to_json_and_back(task: str, verdicts: str) -> None:
    cast = fakes.Cast(
        {
            "challenger": lambda request, rollout: task,
            "judge": lambda request, rollout: verdicts,
        }
    )
    program = Autodata(cast.models, settings=Settings(rounds=2))
    episode = program(document=Document(id="doc", text="Pressure and yield. " * 20)).episode
    assert Episode.model_validate_json(episode.model_dump_json().encode()) == episode
    assert all(one.failure is not None or one.task is not None for one in episode.rounds)
    for one in episode.rounds:
        assert all((a.grade is None) == (a.failure is not None) for a in (*one.weak, *one.strong))


# What no adapter reads: final answers, programs, and values on their way out of the sandbox.


@st.composite
def mathematics(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a reference of the shipped problems and something near it, or anything."""
    reference = draw(st.sampled_from([one.answer for one in pool()]))
    near = draw(spoiled(rf"So it is \boxed{{{reference}}}.") | spoiled(f"Answer: {reference}"))
    return draw(st.just(near) | loose), reference


@settings(fixed, max_examples=60)
@given(mathematics())
def test_a_final_answer_is_found_or_not_and_compared_or_left_open(pair: tuple[str, str]) -> None:
    text, reference = pair
    final = extract_answer(text)
    assert final is None or final == final.strip() != ""
    assert equivalent(final or text, reference, seconds=0.5) in (True, False, None)


PROGRAM = (
    "I sort first.\n\n```python\nimport math\n\n\ndef solve(values):\n"
    "    return sorted(values, key=lambda v: -v)\n```\n\nThat is all.\n"
)


@settings(fixed, max_examples=300)
@given(spoiled(PROGRAM) | spoiled(PROGRAM.replace("```", "~~~")) | loose)
def test_a_program_is_a_part_of_its_answer_or_nothing(answer: str) -> None:
    found = extract_program(answer)
    assert all(line.strip() in answer for line in found.splitlines())


@settings(fixed, max_examples=60)
@given(
    st.sampled_from(["verifier", "reference", "failing"]),
    spoiled(code_tasks.VERIFIER) | spoiled(code_tasks.REFERENCE) | loose,
)
def test_any_text_as_a_program_of_a_task_is_judged_by_the_rules(field: str, text: str) -> None:
    value: Any = [text] if field == "failing" else text
    task = code_tasks.task().model_copy(update={field: value})
    faults = DOMAINS["code"].rules.faults(task)
    assert all(type(fault) is str and "\n" not in fault for fault in faults)


WIRED = [
    {"told": [{"passed": True}], "exit": 0},
    [1, -2, 0.5, "text", None, True],
    (1, {2, 3}, frozenset({4}), b"bytes", 1 + 2j, 10**400),
    {1: "one", (2, 3): [4]},
]
LIMIT = 1 << 16


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Draw bytes near a frame, or any."""
    frame = wire.dumps(draw(st.sampled_from(WIRED)), LIMIT)
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(frame))] * 2)))
    new = draw(
        st.binary(max_size=6) | st.sampled_from([b"", b'{"$set":', b'"$int"', b"\xff", b"9"])
    )
    return draw(st.sampled_from([frame[:start] + new + frame[end:], new + frame, new]))


@settings(fixed, max_examples=300)
@given(frames())
def test_any_frame_is_a_value_or_an_error_of_the_wire(frame: bytes) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, frame)
        os.close(writing)
        body = wire.receive(reading, LIMIT)
        # A value that came in can go out again: it is made of plain values alone.
        assert body is None or wire.dumps(wire.loads(body), 16 * LIMIT)
    except wire.WireError as error:
        assert str(error)
    finally:
        os.close(reading)
