"""The simulated proposer, asked by DSPy's own proposers and parsed by its own adapters."""

import json
import random
import re
from collections import Counter
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from dspy.propose import GroundedProposer
from dspy.propose.grounded_proposer import TIPS
from dspy.teleprompt.copro_optimizer import (
    BasicGenerateInstruction,
    GenerateInstructionGivenAttempts,
)
from dspy.teleprompt.gepa.instruction_proposal import InstructionProposer
from dspy.teleprompt.simba_utils import OfferFeedback
from gepa.strategies.instruction_proposal import InstructionProposalSignature
from hypothesis import given
from hypothesis import strategies as st

from autodata.optimizers.evolution.roles import AnalyzeExchanges, Edit, ImplementChange
from autodata.programs.autodata import Autodata
from autodata.programs.challenger import WriteTask
from autodata.programs.orchestrator import AnalyzeRounds, PlanTask
from autodata.programs.simulation.phrases import ADVICE
from autodata.programs.simulation.principles import HARMFUL, PRINCIPLES, SKILLS, recognise
from autodata.programs.simulation.proposer import Proposer
from autodata.programs.simulation.rewriting import advice, revise

EASY = "Round 2: TOO EASY. The weak reader averaged 0.71."
ORIGINAL = WriteTask.instructions


class Engine:
    """Answers through a `Proposer`; every request gets the next number as its seed."""

    supports_function_calling = supports_reasoning = supports_response_schema = False
    supported_params = frozenset({"temperature", "max_tokens"})

    def __init__(self) -> None:
        self.answers: list[str] = []

    def complete(self, request: lm15.Request) -> lm15.Response:
        system = request.system if isinstance(request.system, str) else ""
        turns = [(message.role, message.text or "") for message in request.messages]
        text = Proposer().answer(system, turns, random.Random(len(self.answers)))
        self.answers.append(text)
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(text),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=1, output_tokens=1),
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "Engine":
        return self


@pytest.fixture
def lm() -> dspy.LM:
    return dspy.LM("fake/proposer", engine=Engine(), cache=False)


def answered(lm: dspy.LM) -> list[str]:
    assert isinstance(lm.engine, Engine)
    return lm.engine.answers


def gepa_prompt(instruction: str, feedback: str) -> str:
    record = {"Inputs": {"document": "A text."}, "Generated Outputs": {"task": "x"}}
    prompt = InstructionProposalSignature.prompt_renderer(
        {
            "current_instruction_doc": instruction,
            "dataset_with_feedback": [{**record, "Feedback": feedback}] * 3,
        }
    )
    assert isinstance(prompt, str)
    return prompt


def test_the_grounded_proposer_gets_an_instruction_for_every_predictor(lm: dspy.LM) -> None:
    train = [dspy.Example(document=f"Text {i}.").with_inputs("document") for i in range(12)]
    program = Autodata()
    with dspy.context(lm=lm):
        proposer = GroundedProposer(
            prompt_model=lm, program=program, trainset=train, rng=random.Random(3)
        )
        found = proposer.propose_instructions_for_program(
            trainset=train, program=program, demo_candidates=None, trial_logs={}, N=4
        )
    assert proposer.data_summary
    assert len(found) == 3
    shipped = [PlanTask.instructions, AnalyzeRounds.instructions, ORIGINAL]
    for number, original in enumerate(shipped):
        assert len(set(found[number])) == 4
        first = original.partition("\n\n")[0].replace("\n", " ")
        assert sum(text.startswith(first) for text in found[number]) >= 3
    # Nothing had to be repaired: a summary in two or three steps, then three calls a proposal.
    assert len(answered(lm)) == 3 + 3 * 12
    assert all(text.endswith("[[ ## completed ## ]]") for text in answered(lm))


def test_the_tip_decides_how_much_is_added() -> None:
    def added(tip: str) -> float:
        texts = [revise("Write a question.", "", random.Random(i), tip=tip) for i in range(200)]
        return sum(len(text) for text in texts if len(text) < 1500) / len(texts)

    assert added(TIPS["simple"]) < 0.6 * added(TIPS["description"])
    assert "You are" in revise("Write a question.", "", random.Random(0), tip=TIPS["persona"])


def test_gepa_parses_the_new_instruction() -> None:
    for seed in range(50):
        prompt = gepa_prompt(ORIGINAL, EASY)
        text = Proposer().answer("", [("user", prompt)], random.Random(seed))
        new = InstructionProposalSignature.output_extractor(text)["new_instruction"]
        assert new.startswith("Write one exam question that the document makes possible")
        assert "```" not in new
        assert new != ORIGINAL


def test_an_instruction_with_fences_and_markers_survives() -> None:
    odd = "Write [[ ## task ## ]].\n\n```json\n{}\n```\n\nAsk one focused question."
    text = Proposer().answer("", [("user", gepa_prompt(odd, EASY))], random.Random(1))
    assert text.count("```") == 2
    assert "[[ ## task ## ]]" not in revise(odd, "", random.Random(1))


def test_dspy_gepa_proposer_gets_json(lm: dspy.LM) -> None:
    record = {
        "Inputs": {"document": "A text."},
        "Generated Outputs": {"task": "x"},
        "Feedback": EASY,
    }
    with dspy.context(lm=lm):
        new = InstructionProposer()({"write": ORIGINAL}, {"write": [record] * 3}, ["write"])
    assert json.loads(answered(lm)[0]).keys() == {"new_instruction"}
    assert new["write"].startswith("Write one exam question")


def test_dspy_gepa_proposer_gets_a_text_of_the_length_it_asks_for(lm: dspy.LM) -> None:
    proposer = InstructionProposer(max_chars=300)
    with dspy.context(lm=lm):
        new = proposer({"write": ORIGINAL}, {"write": [{"Feedback": EASY}]}, ["write"])
    assert 0 < len(new["write"]) <= 300


@pytest.mark.parametrize("adapter", [dspy.ChatAdapter(), dspy.JSONAdapter()])
def test_copro_and_simba_are_answered(lm: dspy.LM, adapter: dspy.Adapter) -> None:
    names = ["orchestrator.plan", "orchestrator.analyze", "challenger.write"]
    rest = dict.fromkeys(OfferFeedback.input_fields, "0") | {"module_names": json.dumps(names)}
    tried = ["Instruction #1: Write badly.", "Resulting Score #1: 3"]
    tried += [f"Instruction #2: {ORIGINAL}", "Prefix #2: Task:", "Resulting Score #2: 4"]
    with dspy.context(lm=lm, adapter=adapter):
        basic = dspy.Predict(BasicGenerateInstruction)(basic_instruction=ORIGINAL)
        later = dspy.Predict(GenerateInstructionGivenAttempts)(attempted_instructions=tried)
        offered = dspy.Predict(OfferFeedback)(**rest)
    for found in (basic, later):
        assert found.proposed_instruction.startswith("Write one exam question")
        assert found.proposed_prefix_for_output_field
    assert "#2" not in later.proposed_instruction
    assert list(offered.module_advice) == names
    assert len(answered(lm)) == 3


PROGRAM = json.dumps(
    {
        "instructions": {"orchestrator.plan": PlanTask.instructions, "challenger.write": ORIGINAL},
        "settings": {"temperature": None, "memory": 0},
    }
)
BOUNDS = json.dumps(
    {"temperature": {"lowest": 0.5, "highest": 1.2}, "memory": {"one of": [0, 1, 3]}}
)


def edits(lm: dspy.LM, adapter: dspy.Adapter, count: int) -> list[Edit]:
    implement = dspy.Predict(ImplementChange)
    asked = {"analysis": EASY, "program": PROGRAM, "bounds": BOUNDS, "history": ""}
    with dspy.context(lm=lm, adapter=adapter):
        return [implement(**asked).edit for _ in range(count)]


@pytest.mark.parametrize("adapter", [dspy.ChatAdapter(), dspy.JSONAdapter()])
def test_an_implementer_gets_edits_of_the_typed_form_within_the_bounds(
    lm: dspy.LM, adapter: dspy.Adapter
) -> None:
    found = edits(lm, adapter, 60)
    assert len(answered(lm)) == 60  # None had to be repaired.
    named = Counter(one.predictor for edit in found for one in edit.instructions)
    assert set(named) == {"orchestrator.plan", "challenger.write"}
    assert any(len(edit.instructions) == 1 for edit in found)
    texts = [one.instruction for edit in found for one in edit.instructions]
    assert len(set(texts)) > 0.9 * len(texts)
    temperatures = [edit.temperature for edit in found if edit.temperature is not None]
    assert 0 < len(temperatures) < 30
    assert all(0.5 <= temperature <= 1.2 for temperature in temperatures)
    assert {edit.memory for edit in found} <= {None, 0, 1, 3}


def test_edits_bring_good_and_harmful_advice(lm: dspy.LM) -> None:
    known = recognise(ORIGINAL)
    found = [
        recognise(one.instruction) - known
        for edit in edits(lm, dspy.ChatAdapter(), 80)
        for one in edit.instructions
        if one.predictor == "challenger.write"
    ]
    assert any(names & HARMFUL for names in found)
    assert any(names & (PRINCIPLES.keys() - HARMFUL) for names in found)


@pytest.mark.parametrize(
    ("records", "main", "others"),
    [
        ("TOO EASY, TOO EASY, FAILED ON STRONG", "TOO EASY", ["FAILED ON STRONG"]),
        ("FAILED ON STRONG: FAILED ON STRONG; LEAKS_ANSWER", "FAILED ON STRONG", ["LEAKS_ANSWER"]),
        ("RECALL", "RECALL", []),
    ],
)
def test_an_analysis_passes_on_what_the_records_show(
    lm: dspy.LM, records: str, main: str, others: list[str]
) -> None:
    with dspy.context(lm=lm):
        analysis = dspy.Predict(AnalyzeExchanges)(
            exchanges=records, program=PROGRAM, history="- Iteration 1, failed: RECALL."
        ).analysis
    signs = ["TOO EASY", "FAILED ON STRONG", "LEAKS_ANSWER", "RECALL", "malformed"]
    assert analysis.count(main) == 2
    assert [sign for sign in signs if sign in analysis and sign != main] == others


def test_an_analysis_of_records_without_a_failure_names_none(lm: dspy.LM) -> None:
    with dspy.context(lm=lm):
        analysis = dspy.Predict(AnalyzeExchanges)(
            exchanges="Round 1: ACCEPTED", program=PROGRAM, history=""
        ).analysis
    assert analysis.startswith("No kind of failure")


def test_the_same_chance_gives_the_same_answer() -> None:
    prompt = [("user", gepa_prompt(ORIGINAL, EASY))]
    answers = {Proposer().answer("", prompt, random.Random(5)) for _ in range(3)}
    assert len(answers) == 1
    assert len({Proposer().answer("", prompt, random.Random(i)) for i in range(40)}) > 30


def test_known_advice_is_not_given_again() -> None:
    known = frozenset(PRINCIPLES.keys() - HARMFUL) | SKILLS
    for seed in range(300):
        pieces = advice(known, "", random.Random(seed), count=3, briefing=True)
        assert not {name for piece in pieces for name in recognise(piece)} & known


def test_advice_without_feedback_keeps_its_proportions() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(3000):
        (piece, *more) = advice(frozenset(), "", random.Random(seed), count=1)
        found = recognise(piece)
        harmful = bool(more) or bool(found & HARMFUL)
        kinds["harmful" if harmful else "good" if found else "neutral"] += 1
    assert kinds["good"] / 3000 == pytest.approx(0.45, abs=0.04)
    assert kinds["neutral"] / 3000 == pytest.approx(0.35, abs=0.04)
    assert kinds["harmful"] / 3000 == pytest.approx(0.20, abs=0.04)


@pytest.mark.parametrize(
    ("feedback", "wanted"),
    [
        (EASY, {"specific", "reasoning", "mistakes"}),
        ("FAILED QUALITY CHECK: LEAKS_ANSWER", {"setup_only"}),
        ("FAILED ON STRONG: 0.41 is below 0.6", {"focused", "positive_rubric"}),
        ("challenger: malformed answer", {"strict_form", "positive_rubric"}),
        ("FAILED QUALITY CHECK: RECALL", {"reasoning", "specific"}),
    ],
)
def test_feedback_makes_the_fitting_advice_likelier(feedback: str, wanted: set[str]) -> None:
    def share(evidence: str) -> float:
        texts = [revise("Write a text.", evidence, random.Random(i)) for i in range(400)]
        return sum(bool(recognise(text) & wanted) for text in texts) / 400

    assert 0.5 < share(feedback) < 0.95
    assert share(feedback) > share("") + 0.1


def test_feedback_can_mislead() -> None:
    texts = [revise("Write a text.", EASY, random.Random(i)) for i in range(400)]
    assert any("obscure" in recognise(text) for text in texts)


def test_failures_of_the_strong_solver_make_it_give_up_what_is_too_hard() -> None:
    text = f"Write a text. {ADVICE['obscure'][0]} {ADVICE['focused'][0]}"

    def kept(evidence: str) -> int:
        return sum(
            "obscure" in recognise(revise(text, evidence, random.Random(i))) for i in range(200)
        )

    assert kept("FAILED ON STRONG") < 0.6 * kept("")


def test_an_orchestrator_is_taught_skills_and_a_challenger_is_not() -> None:
    def skilled(text: str) -> float:
        known = recognise(text)
        found = [recognise(revise(text, "", random.Random(i))) - known for i in range(300)]
        return sum(bool(names & SKILLS) for names in found) / 300

    assert skilled(PlanTask.instructions) > 0.3
    assert skilled(ORIGINAL) == 0


def test_the_substance_of_an_instruction_survives_many_rewrites() -> None:
    draw = random.Random(2)
    text = ORIGINAL
    for _ in range(30):
        text = revise(text, EASY, draw)
    assert text.startswith("Write one exam question that the document makes possible")
    assert len(recognise(text) & PRINCIPLES.keys()) >= 5
    assert len(text.split()) < 1500


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3), st.integers(0, 9))
def test_any_prompt_is_answered(system: str, turns: list[str], seed: int) -> None:
    messages = [("user", text) for text in turns]
    assert Proposer().answer(system, messages, random.Random(seed))


@given(st.text(max_size=300), st.sampled_from(["", EASY, "FAILED ON STRONG"]), st.integers(0, 9))
def test_any_instruction_can_be_revised(current: str, evidence: str, seed: int) -> None:
    new = revise(current, evidence, random.Random(seed))
    assert not re.search(r"```|\[\[ ## ", new)
