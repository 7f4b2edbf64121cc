import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest

from autodata.metrics import grade
from autodata.programs import ROLES, Autodata, Settings
from autodata.programs.adapters import CHAT
from autodata.programs.challenger import WriteTask
from autodata.programs.domains import RESEARCH
from autodata.programs.judge import JudgeAnswer
from autodata.programs.lms import LanguageModels, ModelConfig
from autodata.programs.orchestrator import AnalyzeRounds, PlanTask
from autodata.programs.records import Task
from autodata.programs.simulation import NAMES, SimulatedModel
from autodata.programs.simulation.advice import SENTENCES
from autodata.programs.simulation.briefing import aim
from autodata.programs.simulation.codec import decode
from autodata.programs.simulation.principles import recognise
from autodata.programs.solver import SolveTask
from autodata.programs.verifier import CheckTask

DOCUMENT = (
    "Hexanal attaches to the lysine of the protein. Stripping at low acidity releases hexanal that "
    "neutral stripping leaves. In storage the enzyme wakes up and makes hexanal again, unless the "
    "slurry was heated, and heating fixes hexanal on lysine. The order of heating and stripping "
    "decides, and solubility pays for it: heated protein clumps and solubility falls."
)


class Summarize(dspy.Signature):
    """Summarize what is known."""

    topic: str = dspy.InputField()
    summary: str = dspy.OutputField()


def request(
    signature: Any,
    inputs: Mapping[str, Any],
    *,
    adapter: dspy.ChatAdapter = CHAT,
    demos: Sequence[dict[str, Any]] = (),
    temperature: float | None = None,
) -> lm15.Request:
    system, *others = adapter.format(signature, list(demos), dict(inputs))
    make = {"user": lm15.Message.user, "assistant": lm15.Message.assistant}
    return lm15.Request(
        model="simulation/test",
        system=system["content"],
        messages=tuple(make[one["role"]](one["content"]) for one in others),
        config=lm15.Config(temperature=temperature),
    )


def text(model: str | SimulatedModel, asked: lm15.Request, rollout: str = "0") -> str:
    if isinstance(model, str):
        model = SimulatedModel(model)
    return model.answer(asked, rollout).message.text or ""


def writing(brief: str = "", signature: Any = WriteTask, **options: Any) -> lm15.Request:
    inputs = {
        "document": DOCUMENT,
        "rules": RESEARCH.rules.describe(),
        "brief": brief,
        "failures": "",
    }
    return request(signature, inputs, **options)


def readable(adapter: dspy.ChatAdapter, answer: str) -> Task | None:
    try:
        return adapter.parse(WriteTask, answer)["task"]
    except dspy.AdapterParseError:
        return None


def some_task(rollout: str = "0") -> Task:
    return CHAT.parse(WriteTask, text("challenger", writing(), rollout))["task"]


def solving(task: Task) -> lm15.Request:
    return request(SolveTask, {"context": task.context, "question": task.question})


def judged(task: Task, answer: str, judge: SimulatedModel) -> list[bool]:
    inputs = {
        "question": task.question,
        "answer": answer,
        "criteria": [f"{i}. {c.criterion}" for i, c in enumerate(task.rubric, 1)],
    }
    read = CHAT.parse(JudgeAnswer, text(judge, request(JudgeAnswer, inputs)))["verdicts"]
    assert [verdict.number for verdict in read] == list(range(1, len(task.rubric) + 1))
    return [verdict.satisfied for verdict in read]


@pytest.mark.parametrize("adapter", [CHAT, dspy.JSONAdapter()])
def test_a_task_is_written_in_the_form_that_was_asked_for(adapter: dspy.ChatAdapter) -> None:
    sound = 0
    for i in range(20):
        task = readable(adapter, text("challenger", writing(adapter=adapter), str(i)))
        if task is None:
            continue
        sound += not RESEARCH.rules.faults(task)
        assert all(c.criterion.count("“") == 1 for c in task.rubric)
        quoted = [c.criterion.split("“")[1].split("”")[0] for c in task.rubric if c.weight > 0]
        assert all(phrase in task.reference for phrase in quoted)
        assert not any(phrase in task.context + task.question for phrase in quoted)
    assert sound >= 16


def test_a_solver_says_what_its_answer_is_graded_for() -> None:
    judge, exact = SimulatedModel("judge"), SimulatedModel("judge", {"judge_error": 0})
    means = dict.fromkeys(("weak", "strong"), 0.0)
    for i in range(40):
        task = some_task(f"{i // 2}")
        for name in means:
            answer = CHAT.parse(SolveTask, text(name, solving(task), f"{i}/{name}"))["answer"]
            assert 90 <= len(answer.split()) <= 320
            met = judged(task, answer, exact)
            for criterion, satisfied in zip(task.rubric, met, strict=True):
                phrase = criterion.criterion.split("“")[1].split("”")[0]
                assert satisfied == (phrase in answer)
            means[name] += float(grade(task.rubric, judged(task, answer, judge))) / 40
    assert 0.5 < means["weak"] < means["strong"] + 0.06 < 0.95
    task = some_task()
    assert float(grade(task.rubric, judged(task, task.reference, exact))) == 1.0


def test_an_answer_follows_from_request_sample_and_options_alone() -> None:
    asked = solving(some_task())
    first = SimulatedModel("weak")
    before = text(first, asked, "0/round-1/weak-1")
    text(first, asked, "0/round-1/weak-2")
    assert text(first, asked, "0/round-1/weak-1") == before
    assert text(SimulatedModel("weak"), asked, "0/round-1/weak-1") == before
    assert text(first, asked, "0/round-1/weak-2") != before
    assert text(SimulatedModel("weak", {"seed": 1}), asked, "0/round-1/weak-1") != before


def test_asking_again_in_json_gives_the_same_task() -> None:
    chat = CHAT.parse(WriteTask, text("challenger", writing()))
    json = dspy.JSONAdapter()
    assert json.parse(WriteTask, text("challenger", writing(adapter=json))) == chat


def test_a_task_that_a_person_wrote_is_solved_and_judged() -> None:
    context = (
        "A pump moves slurry through a filter whose cake grows while the pressure is constant."
    )
    question = "Will doubling the pressure double the flow through the filter cake? Decide."
    task = some_task().model_copy(update={"context": context, "question": question})
    answer = CHAT.parse(SolveTask, text("strong", solving(task)))["answer"]
    rubric = [
        one.model_copy(update={"criterion": sentence})
        for one, sentence in zip(
            task.rubric,
            ["Says that the filter cake limits the flow.", "Mentions a compressible emulsion."],
            strict=False,
        )
    ]
    human = task.model_copy(update={"rubric": rubric})
    assert judged(human, f"{answer} The filter cake limits the flow.", SimulatedModel("judge"))[0]
    assert not judged(human, answer, SimulatedModel("judge", {"judge_error": 0}))[1]


def test_principles_are_recognised_in_instructions_brief_and_demonstrations() -> None:
    rules = SENTENCES["specific"]
    demo = {
        "document": "d",
        "rules": "r",
        "brief": "b",
        "failures": "f",
        "notes": rules,
        "task": "t",
    }
    told = WriteTask.with_instructions(f"{WriteTask.instructions}\n\n{rules}")
    ways = {
        "plain": writing(),
        "instructions": writing(signature=told),
        "brief": writing(f"Look at the enzyme.\n\n{rules}\n\nDepth to aim for: +0.00."),
        "demonstration": writing(demos=[demo]),
    }
    deep = {name: _insights(asked) for name, asked in ways.items()}
    assert deep["instructions"] > 2 * deep["plain"]
    assert deep["brief"] > 2 * deep["plain"]
    assert deep["plain"] < deep["demonstration"] < deep["instructions"]


def _insights(asked: lm15.Request) -> float:
    """Share of criteria that ask for insight, over many tasks."""
    found = [decode(text("challenger", asked, str(i))) for i in range(150)]
    read = [latent for latent in found if latent is not None]
    return sum(bin(one.insight).count("1") / one.criteria for one in read) / len(read)


def test_notes_state_what_was_kept_to() -> None:
    told = f"{SENTENCES['focused']} {SENTENCES['exact_numbers']}"
    notes = CHAT.parse(WriteTask, text("challenger", writing(told)))["notes"]
    assert recognise(notes) >= {"focused", "exact_numbers", "reasoning"}


def test_every_sentence_is_read_as_the_principle_that_it_puts_into_words() -> None:
    for name, sentence in SENTENCES.items():
        assert recognise(sentence) == {name}


def test_the_orchestrator_passes_principles_on() -> None:
    told = PlanTask.with_instructions(f"{PlanTask.instructions}\n\n{SENTENCES['mistakes']}")
    plain = text("orchestrator", request(PlanTask, {"document": DOCUMENT}))
    better = text("orchestrator", request(told, {"document": DOCUMENT}))
    assert recognise(CHAT.parse(PlanTask, plain)["brief"]) == set()
    assert recognise(CHAT.parse(PlanTask, better)["brief"]) == {"mistakes"}
    assert aim(plain) == 0.0


@pytest.mark.parametrize(
    ("group", "low", "high"),
    [("TOO EASY", 0.6, 0.86), ("FAILED ON STRONG", 0.43, 0.6), ("FAILED QUALITY CHECK", 0.6, 0.6)],
)
def test_the_orchestrator_steers_by_the_latest_question(
    group: str, low: float, high: float
) -> None:
    task = CHAT.parse(WriteTask, text("challenger", writing("Depth to aim for: +0.60.")))["task"]
    failures = (
        f"{group}\n- Round 2: why\n  Type: t\n  Question: {task.question}\n\n"
        "FAILED QUALITY CHECK\n- Round 3: challenger: unreadable"
    )
    asked = request(AnalyzeRounds, {"document": DOCUMENT, "failures": failures})
    aims = [aim(text("orchestrator", asked, str(i))) for i in range(30)]
    assert all(low - 0.02 <= value <= high + 0.02 for value in aims)
    assert len(set(aims)) > 5 or low == high


def test_without_failures_the_depth_starts_at_zero() -> None:
    asked = request(AnalyzeRounds, {"document": DOCUMENT, "failures": ""})
    answer = CHAT.parse(AnalyzeRounds, text("orchestrator", asked))
    assert aim(answer["brief"]) == 0.0
    assert answer["lesson"]


def test_the_verifier_passes_most_tasks_and_says_why_it_refuses_one() -> None:
    task = some_task()
    inputs = {
        "document": DOCUMENT,
        "question_type": task.question_type,
        "context": task.context,
        "question": task.question,
        "criteria": [f"{c.weight:+d}: {c.criterion}" for c in task.rubric],
    }
    asked = request(CheckTask, inputs)
    reports = [CHAT.parse(CheckTask, text("verifier", asked, str(i)))["report"] for i in range(400)]
    refused = [report for report in reports if report.faults()]
    assert 2 <= len(refused) <= 60
    assert all(report.feedback for report in refused)


def test_a_low_temperature_finds_less() -> None:
    assert _insights(writing(temperature=0.0)) < _insights(writing(temperature=1.0))


def test_a_high_temperature_loses_the_form() -> None:
    asked = writing(temperature=1.5)
    tasks = [readable(CHAT, text("challenger", asked, str(i))) for i in range(200)]
    assert 12 <= tasks.count(None) <= 60


def test_the_proposer_answers_a_free_prompt() -> None:
    asked = lm15.Request(
        model="simulation/proposer",
        messages=(lm15.Message.user("Write a better instruction for: Write a question."),),
    )
    answer = text("proposer", asked)
    assert answer
    assert text("proposer", asked, "1") != answer


def test_an_endpoint_with_a_schema_is_answered_in_json() -> None:
    configs = {
        role: ModelConfig(model=f"simulation/{role}", structured="json_schema") for role in ROLES
    }
    made = Autodata(LanguageModels(configs).roles, settings=Settings(rounds=2, race=False))
    rounds = asyncio.run(made.acall(DOCUMENT)).episode.rounds
    assert all(one.task is not None for one in rounds)
    assert any(attempt.grade is not None for one in rounds for attempt in one.strong)


def test_tokens_are_counted_from_the_text() -> None:
    response = SimulatedModel("challenger").answer(writing(), "0")
    assert response.usage.output_tokens == len(response.message.text or "") // 4 + 1
    assert (response.usage.input_tokens or 0) > 500


def test_latency_has_the_mean_that_was_asked_for() -> None:
    asked = solving(some_task())
    assert SimulatedModel("weak").latency(asked, "0") == 0.0
    assert SimulatedModel("weak", {"latency": 2.0}).latency(asked, "0") == 2.0
    spread = SimulatedModel("weak", {"latency": 2.0, "latency_spread": 0.5})
    values = [spread.latency(asked, str(i)) for i in range(2000)]
    assert sum(values) / len(values) == pytest.approx(2.0, abs=0.1)
    assert len(set(values)) > 1990


@pytest.mark.parametrize("name", NAMES)
def test_every_model_answers_an_unknown_job(name: str) -> None:
    asked = request(Summarize, {"topic": "filters"})
    assert text(name, asked)


@pytest.mark.parametrize(
    ("name", "options", "remedy"),
    [
        ("wek", {}, "did you mean 'weak'"),
        ("weak", {"abilty": 1}, "did you mean 'ability'"),
        ("weak", {"faults": {"timeouts": 1}}, "did you mean 'timeout'"),
        ("weak", {"faults": {"timeout": 1.5}}, "faults.timeout=1.5"),
        ("weak", {"latency": -1}, "latency=-1"),
    ],
)
def test_a_wrong_name_or_option_is_refused(name: str, options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        SimulatedModel(name, options)


def test_text_of_any_kind_is_answered() -> None:
    draw = random.Random(0)
    for name in NAMES:
        noise = "".join(chr(draw.randint(32, 0x2FF)) for _ in range(300))
        asked = lm15.Request(
            model="x/y",
            system=noise,
            messages=(lm15.Message.user(f"[[ ## document ## ]] {noise}"),),
        )
        assert isinstance(text(name, asked), str)
