"""The legal domain's offline models: what they read, how feedback reaches the next task, and how
close they come to the paper (arXiv 2606.25996, Table 3): single shot 0.159 weak, 0.717 strong,
weak-rollout spread 7.9 pp, 1569 characters, 18.6 criteria; loop 0.283, 0.698, 12.6 pp, 900
characters, 17.3 criteria, 4.98 rounds, suitability 52 / 43 / 2 %
(single shot 4.8 / 41 / 45 %, the rest unrated).
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legal_cases import LEGAL, SCRIPTS, TASK, LegalCast, fields, reviewing

from autodata.programs import Autodata, Document, Episode, LanguageModels, ModelConfig, Outcome
from autodata.programs.domains.legal.extract import HEAD, forbidden
from autodata.programs.domains.legal.overriding import wording
from autodata.programs.domains.legal.packet import spread
from autodata.programs.records import CapabilityTask, Review, Round
from autodata.programs.role import ask
from autodata.programs.simulation import legal
from autodata.programs.simulation.briefing import aim
from autodata.programs.simulation.irt import STEER_LIMITS, STRONG, WEAK
from autodata.programs.simulation.legal import law as legal_law
from autodata.programs.simulation.legal import reading as legal_reading
from autodata.programs.simulation.legal import writing as legal_writing
from autodata.programs.simulation.legal.law import Case
from autodata.programs.simulation.options import Options
from autodata.programs.simulation.principles import Effect
from autodata.programs.simulation.prompts import Form, Prompt
from autodata.programs.simulation.seeds import stream
from autodata.programs.usage import sample

CORPUS = sorted((Path(__file__).parents[3] / "experiments" / "corpus" / "legal").glob("*.md"))
DOCUMENTS = [Document(id=path.stem, text=path.read_text(encoding="utf-8")) for path in CORPUS]
SEEDS, SAMPLES = range(3), range(2)


def program(seed: int = 0, **extra: Any) -> Autodata:
    configs = {
        role: ModelConfig(model=f"simulation/{role}", extra={"seed": seed, **extra}, retries=2)
        for role in LEGAL.spoken
    }
    return Autodata(LanguageModels(configs).roles, domain=LEGAL)


async def first(made: Autodata, document: Document, rollout: str) -> tuple[Round, Review] | None:
    """Have a first task written and tried without any check; `None` if there is none."""
    with sample(f"first-{rollout}"):
        read = await made.reader.acall(document=document)
        if read.unsuitable:
            return None
        plan = await made.orchestrator.acall(document=read.material)
        told = {"document": read.material, "rules": LEGAL.rules.describe(), "brief": plan.brief}
        written = await ask(made.challenger, **told)
        if written.failure is not None:
            return None
        tried = await made.attempted(written.prediction.task)
        return tried, (await made.referee.acall(closed=tried, before=())).review


class Measured(NamedTuple):
    singles: list[tuple[Round, Review]]
    episodes: list[Episode]


async def measured() -> Measured:
    limit = asyncio.Semaphore(16)

    async def both(seed: int, number: int, document: Document) -> tuple[Any, Episode]:
        made = program(seed)
        async with limit:
            single = await first(made, document, str(number))
            return single, (await made.acall(document, rollout=str(number))).episode

    found = await asyncio.gather(
        *(both(s, n, document) for s in SEEDS for n in SAMPLES for document in DOCUMENTS)
    )
    return Measured([one for one, _ in found if one is not None], [one for _, one in found])


def means(rounds: Sequence[Round]) -> dict[str, float]:
    tasks = [one.task for one in rounds if isinstance(one.task, CapabilityTask)]
    return {
        "weak": fmean(float(one.mean("weak") or 0) for one in rounds),
        "strong": fmean(float(one.mean("strong") or 0) for one in rounds),
        "spread": fmean(spread(one.grades("weak")) for one in rounds),
        "characters": fmean(len(one.question) for one in tasks),
        "criteria": fmean(len(one.rubric) for one in tasks),
    }


def test_single_shots_are_too_hard_and_the_loop_eases_and_spreads_them() -> None:
    found = asyncio.run(measured())
    once = means([one for one, _ in found.singles])
    assert once["weak"] == pytest.approx(0.159, abs=0.025)
    assert once["strong"] == pytest.approx(0.717, abs=0.03)
    assert once["spread"] == pytest.approx(0.0793, abs=0.012)
    assert once["characters"] == pytest.approx(1569, abs=120)
    assert once["criteria"] == pytest.approx(18.6, abs=0.6)
    accepted = [one.accepted for one in found.episodes if one.accepted is not None]
    suitable = [one for one in found.episodes if one.stopped != "unsuitable"]
    assert len(suitable) == 12 * len(SEEDS) * len(SAMPLES)
    assert len(accepted) > 0.95 * len(suitable)
    loop = means(accepted)
    assert loop["weak"] == pytest.approx(0.283, abs=0.03)
    assert loop["strong"] == pytest.approx(0.698, abs=0.035)
    assert loop["spread"] == pytest.approx(0.1263, abs=0.015)
    assert loop["characters"] == pytest.approx(900, abs=40)
    assert loop["criteria"] == pytest.approx(17.3, abs=0.6)
    assert fmean(len(one.rounds) for one in suitable) == pytest.approx(4.98, abs=0.8)
    # The directions of the paper, far beyond what chance does at this size.
    assert loop["weak"] > once["weak"] + 0.08
    assert loop["spread"] > once["spread"] + 0.03
    assert abs(loop["strong"] - once["strong"]) < 0.06
    said = Counter(one.review.suitability for one in accepted if one.review is not None)
    for name, share in (("high", 0.52), ("medium", 0.43), ("low", 0.02)):
        assert said[name] / len(accepted) == pytest.approx(share, abs=0.13)
    single = Counter(review.suitability for _, review in found.singles)
    for name, share in (("high", 0.048), ("medium", 0.41), ("low", 0.45)):
        assert single[name] / len(found.singles) == pytest.approx(share, abs=0.13)


def test_a_task_of_the_loop_is_within_every_rule_of_code() -> None:
    made = program(seed=5)
    for document in DOCUMENTS[1:5]:
        episode = made(document, rollout="0").episode
        for one in episode.rounds:
            if one.weak:
                assert isinstance(one.task, CapabilityTask)
                assert LEGAL.rules.faults(one.task) == []
                assert all(name not in one.task.question for name in forbidden(episode.material))


def test_the_reader_tells_the_documents_without_reasons() -> None:
    episodes = [program().reader(document=document) for document in DOCUMENTS]
    away = {d.id: e.unsuitable for d, e in zip(DOCUMENTS, episodes, strict=True) if e.unsuitable}
    assert away == {
        "calendar-of-the-varnay-pension-cases": "It only moves a case along; no rule is laid down.",
        "graypool-tannery-appeal": "It affirms the result below without giving reasons.",
        "lantern-street-rates": "It takes over the reasons of another body by reference and gives "
        "none.",
    }
    for document, episode in zip(DOCUMENTS, episodes, strict=True):
        if not episode.unsuitable:
            assert episode.material.startswith(HEAD)
            assert document.text not in episode.material


def test_the_same_seed_gives_the_same_episode_and_another_one_another() -> None:
    document = DOCUMENTS[1]
    one = program()(document, rollout="0").episode.rounds
    assert program()(document, rollout="0").episode.rounds == one
    assert program(seed=1)(document, rollout="0").episode.rounds != one
    assert program()(document, rollout="1").episode.rounds != one


def prompt(**inputs: str) -> Prompt:
    form = Form(tuple(inputs), (), "", json=False)
    return Prompt(form, inputs, (), 1.0, schema=False)


ENTRY = "IMPROVE\n- Round 2: why\n  Question (900 of at most 1000 characters): Q ({code}.)\n{said}"


def told(said: str, steer: float = 0.0) -> str:
    """Return failures with a question of that depth, and what the referee said."""
    case = Case(7, 0.0, 0.0, 0.0, steer, 17, 9, 2)
    code = f"Reference setting: {legal_law.written(case)}"
    return ENTRY.format(code=code, said=f"  Gap interpretation: {said}")


def briefs(failures: str, number: int = 20) -> list[str]:
    asked = prompt(
        document=f"{HEAD}\nNames that must not be used: none\n\nfacts", failures=failures
    )
    return [legal_writing.brief(asked, (i,))["brief"] for i in range(number)]


def test_a_knowledge_floor_eases_the_next_task_and_saturation_hardens_it() -> None:
    eased = [aim(one) for one in briefs(told("What separates them: knowledge floor."))]
    assert all(one <= 0 for one in eased)
    assert fmean(eased) < -0.3
    hardened = [aim(one) for one in briefs(told("What separates them: saturation."))]
    assert fmean(hardened) > 0.15
    assert {aim(one) for one in briefs(told("flat", steer=-0.8))} == {-0.8}


def test_a_refused_task_keeps_the_depth_of_the_latest_that_was_tried() -> None:
    refused = (
        "FAILED QUALITY CHECK\n- Round 3: it has 1200 characters: at most 1000 are allowed\n\n"
    )
    found = briefs(refused + told("flat", steer=-0.8))
    assert {aim(one) for one in found} == {-0.8}
    assert all("Keep the question under 1000 characters." in one for one in found)


def test_without_a_limit_in_the_brief_questions_are_long_and_with_one_they_keep_it() -> None:
    lengths: dict[str, list[int]] = {}
    for name in ("Look at the rule.", "Keep the question under 1000 characters."):
        asked = prompt(document="tenancy deposit landlord notice repair damage " * 9, brief=name)
        tasks = [legal_writing.write_task(asked, (i,))["task"] for i in range(60)]
        lengths[name] = [len(one["question"]) for one in tasks]
    free, kept = lengths.values()
    assert sum(one > 1000 for one in free) > 45
    assert sum(one > 1000 for one in kept) < 6
    assert fmean(kept) == pytest.approx(900, abs=40)


def test_now_and_then_a_writer_slips_and_code_notices() -> None:
    names = "# Harrow v. Tellmark Foods.\n\nText"
    written = f"{HEAD}\nNames that must not be used: Harrow; Tellmark\n\n{names} tenancy deposit"
    asked = prompt(document=written, brief="Keep the question under 900 characters.")
    tasks = [legal_writing.write_task(asked, (i,))["task"] for i in range(1500)]
    questions = [one["question"] for one in tasks]
    assert 10 <= sum("In the case of" in one for one in questions) <= 60
    assert 10 <= sum(bool(re.search("Harrow|Tellmark", one)) for one in questions) <= 60
    assert all(wording(one) for one in questions if "In the case of" in one)


@given(
    st.builds(
        Case,
        seed=st.integers(0, 2**24 - 1),
        difficulty=st.floats(-4, 6),
        log_a=st.floats(-1.5, 1.5),
        clarity=st.floats(-2, 2),
        steer=st.floats(*STEER_LIMITS),
        criteria=st.integers(15, 25),
        recall=st.integers(0, 12),
        errors=st.integers(1, 3),
    )
)
def test_a_case_goes_into_a_code_and_back(case: Case) -> None:
    found = legal_law.case_of(f"My tent (Reference setting: {legal_law.written(case)}.)")
    for name in ("seed", "criteria", "recall", "errors"):
        assert getattr(found, name) == getattr(case, name)
    for name in ("difficulty", "log_a", "clarity", "steer"):
        assert getattr(found, name) == pytest.approx(getattr(case, name), abs=0.03)
    kinds = Counter(legal_law.kinds(found))
    assert (kinds["recall"], kinds["error"]) == (case.recall, case.errors)


@given(st.text(max_size=300))
def test_any_question_makes_a_case(text: str) -> None:
    case = legal_law.case_of(text)
    assert 15 <= case.criteria <= 25
    assert len(legal_law.kinds(case)) == case.criteria


def test_recall_is_beyond_the_weak_solver_and_reasoning_is_not() -> None:
    case = legal_law.drafted(Effect(), "x", 0.0, (17, 17), stream("a case"))._replace(difficulty=0)
    chances = {
        (kind, ability): legal_law.chance(case, kind, 0.0, ability, 0.0)
        for kind in ("recall", "reasoning")
        for ability in (WEAK, STRONG)
    }
    assert chances["recall", WEAK] < 0.06
    assert chances["recall", STRONG] > 0.7
    assert 0.3 < chances["reasoning", WEAK] < chances["reasoning", STRONG] < 0.75


def verdicts(weak: str, strong: str = "0.700, 0.700, 0.700") -> list[dict[str, Any]]:
    packet = f"ATTEMPTS\nweak: {weak}\nstrong: {strong}\n\n- knowing: 5 criteria, weak 0.0, x"
    return [legal_reading.referee(prompt(packet=packet), (i,)) for i in range(400)]


def test_the_referee_accepts_spread_and_sends_back_floors_and_saturation() -> None:
    shares = {
        name: fmean(one["verdict"] == "accept" for one in verdicts(weak))
        for name, weak in (
            ("spread", "0.100, 0.250, 0.300, 0.450, 0.550"),
            ("floor", "0.000, 0.050, 0.000, 0.000, 0.100"),
            ("top", "0.700, 0.720, 0.900, 0.710, 0.720"),
            ("tight", "0.300, 0.310, 0.300, 0.320, 0.300"),
        )
    }
    # It is sometimes wrong, in either direction.
    assert 0.9 < shares["spread"] < 1
    assert 0 < shares["floor"] < 0.1
    assert 0 < shares["top"] < 0.1
    assert 0 < shares["tight"] < 0.1


def test_the_referee_names_the_cause_and_the_weakest_capability() -> None:
    for one in verdicts("0.000, 0.050, 0.000, 0.000, 0.100"):
        assert "knowledge floor" in one["gap_interpretation"]
        assert one["suggestion"] == "" if one["verdict"] == "accept" else "knowing" in str(one)
    (first_one, *_) = verdicts("none", "none")
    assert first_one["verdict"] == "improve"


@given(st.text(max_size=300))
def test_the_referee_reads_any_packet(text: str) -> None:
    found = legal_reading.referee(prompt(packet=text), (1,))
    assert found["verdict"] in ("accept", "improve")


@given(st.text(max_size=400))
def test_the_reader_reads_any_document(text: str) -> None:
    found = legal_reading.extract(prompt(document=text))["extract"]
    assert found["suitable"] or found["note"]


def test_requests_of_other_domains_are_left_alone() -> None:
    for outputs, inputs in (
        (("notes", "task"), {"document": "d", "rules": "Write 10 to 20 criteria.", "brief": ""}),
        (("brief",), {"document": "Pressure and yield."}),
        (("answer",), {"question": "What?", "context": "c"}),
        (("verdicts",), {"answer": "a"}),
        (("report",), {"question": "q"}),
    ):
        form = Form(tuple(inputs), outputs, "Do it.", json=False)
        asked = Prompt(form, inputs, (), 1.0, schema=False)
        assert legal.answer(asked, ("key", 1, "0"), Options()) is None


def test_identical_answers_on_request_are_refused_as_no_samples() -> None:
    made = program(faults={"identical": 1.0})
    rounds = made(DOCUMENTS[1], rollout="0").episode.rounds
    tried = [one for one in rounds if one.weak]
    assert tried
    assert {one.outcome for one in tried} == {Outcome.UNSCORED}
    assert {one.failure.kind for one in tried if one.failure is not None} == {"duplicate"}


def test_an_episode_survives_models_that_lose_the_form() -> None:
    made = program(seed=2, faults={"malformed": 0.03, "wrong_markers": 0.03, "server_error": 0.02})
    for document in DOCUMENTS[1:7]:
        episode = made(document, rollout="0").episode
        assert Episode.model_validate_json(episode.model_dump_json()) == episode


def test_scripted_and_simulated_models_answer_the_same_prompts() -> None:
    # The scripts of the other tests and the simulation see the fields that they expect.
    assert set(SCRIPTS) >= set(LEGAL.spoken)
    cast = LegalCast(
        {"referee": reviewing(), "challenger": lambda r, o: fields(notes="", task=TASK)}
    )
    assert cast.run().stopped == "accepted"
    with dspy.context(lm=None):
        assert program()(DOCUMENTS[1], rollout="0").episode.rounds
