"""The offline models of the scientific domain: true problems, true comparisons, and calibration.

Paper (arXiv 2606.25996, Table 5): its weak model solves 77 % of the single-shot problems and 52 %
of those that the loop accepted. The offline pair: single shot 0.76 weak, 0.94 strong; the loop
accepts 79 % of the documents in 6.8 rounds, and fresh attempts at what it accepted are right 0.35
weak, 0.89 strong.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.metrics.answers import equivalent, extract_answer
from autodata.programs import Autodata, Document, Episode, LanguageModels, ModelConfig, Settings
from autodata.programs.domains.scientific import SCIENTIFIC
from autodata.programs.domains.scientific.prompts import ANGLES
from autodata.programs.records import Outcome
from autodata.programs.simulation import irt
from autodata.programs.simulation.advice import SENTENCES
from autodata.programs.simulation.codec import LABEL, decode
from autodata.programs.simulation.scientific import posed_in
from autodata.programs.simulation.scientific.forms import Problem
from autodata.programs.simulation.scientific.law import WRONG_REFERENCE, chance, drafted
from autodata.programs.simulation.scientific.problems import TEMPLATES, TYPES, number_for, posed
from autodata.programs.simulation.scientific.prose import solution, unfinished
from autodata.programs.simulation.seeds import stream
from autodata.programs.tasks import AnswerTask

CORPUS = sorted((Path(__file__).parents[3] / "experiments" / "corpus" / "scientific").glob("*.md"))
MAKERS = [(kind, make) for kind, makers in TEMPLATES.items() for make in makers]
Maker = Callable[[Any], Problem]


def documents(count: int) -> list[Document]:
    """Return seed problems, and versions of them: another text has another character."""
    return [
        Document(
            id=f"{CORPUS[i % len(CORPUS)].stem}-{i // len(CORPUS)}",
            text=f"{CORPUS[i % len(CORPUS)].read_text(encoding='utf-8')}\nVersion {i}.",
        )
        for i in range(count)
    ]


def program(told: str = "", seed: int = 0, **changes: Any) -> Autodata:
    configs = {
        role: ModelConfig(model=f"simulation/{role}", extra={"seed": seed})
        for role in SCIENTIFIC.spoken
    }
    plan = Settings(**{**SCIENTIFIC.settings.model_dump(), **changes})
    made = Autodata(LanguageModels(configs).roles, SCIENTIFIC, settings=plan)
    write: Any = made.challenger.write
    write.signature = write.signature.with_instructions(
        f"{write.signature.instructions}\n\n{told}".strip()
    )
    return made


def run(made: Autodata, on: Sequence[Document]) -> list[Episode]:
    async def all_of_them() -> list[Episode]:
        found = await asyncio.gather(*(made.acall(one, rollout="0") for one in on))
        return [one.episode for one in found]

    return asyncio.run(all_of_them())


@pytest.fixture(scope="module")
def looped() -> list[Episode]:
    """Episodes of the shipped program on thirty documents."""
    return run(program(), documents(30))


# The problems.


@pytest.mark.parametrize(
    ("answer_type", "make"), MAKERS, ids=lambda one: getattr(one, "__name__", one)
)
def test_every_problem_keeps_the_rules_and_its_answers_are_what_they_claim(
    answer_type: str, make: Maker
) -> None:
    for i in range(2):
        problem = make(stream("test", make.__name__, i))
        task = AnswerTask.model_validate(
            {
                "question_type": problem.kind,
                "skills": ["derivation"],
                "topic": problem.topic,
                "answer_type": answer_type,
                "question": problem.question,
                "reference": problem.answer,
            }
        )
        assert SCIENTIFIC.rules.faults(task) == []
        for other in (rf"\,{problem.answer}", *problem.same):
            assert equivalent(other, problem.answer) is True, other
        for slip in problem.slips:
            assert equivalent(slip, problem.answer) is False, slip
        assert equivalent(problem.words, problem.answer) is None


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**24 - 1))
def test_a_number_always_poses_the_same_problem_of_a_type_that_follows_from_it(seed: int) -> None:
    found = posed(seed)
    assert found == posed.__wrapped__(seed)
    assert found.answer_type == TYPES[seed % 6]
    assert found.problem.answer not in found.problem.slips


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.sampled_from(TYPES), st.integers())
def test_a_number_can_be_drawn_for_each_type(answer_type: str, seed: int) -> None:
    number = number_for(answer_type, stream(seed))
    assert 0 <= number < 2**24
    assert posed(number).answer_type == answer_type


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**24 - 1), st.integers(), st.booleans())
def test_the_final_answer_of_every_solution_can_be_extracted(
    number: int, seed: int, right: bool
) -> None:
    problem = posed(number).problem
    said = extract_answer(solution(stream(seed), problem, right))
    assert said is not None
    known = {_plain(text) for text in (problem.answer, problem.words, *problem.same)}
    assert (_plain(said) in known) == right


def _plain(text: str) -> str:
    return "".join((extract_answer(rf"\boxed{{{text}}}") or text).split())


def test_a_solution_that_was_not_finished_has_no_answer() -> None:
    assert extract_answer(unfinished(stream(0))) is None


def test_a_question_of_another_origin_is_none_of_the_writers() -> None:
    assert posed_in("Give the set of all eigenvalues.") is None
    assert posed_in(f"Give the set. ({LABEL}7Z18-T70Z-JM0S-G400-2000-T3HP.)") is None


# The models through the real program.


def test_the_writer_offers_all_types_and_rather_that_of_the_seed(looped: list[Episode]) -> None:
    texts = {document.id: document.text for document in documents(30)}
    tasks = [
        (texts[e.document_id], one.task)
        for e in looped
        for one in e.rounds
        if isinstance(one.task, AnswerTask)
    ]
    assert {task.answer_type for _, task in tasks} == set(TYPES)
    assert 0.5 < fmean(f"Answer type: {task.answer_type}" in text for text, task in tasks) < 0.85


def test_single_shot_problems_are_as_easy_as_in_the_paper() -> None:
    episodes = run(program(rounds=1, race=False), documents(60))
    graded = [one for e in episodes for one in e.rounds if one.weak and one.strong]
    assert len(graded) > 45
    assert fmean(float(one.mean("weak") or 0) for one in graded) == pytest.approx(0.77, abs=0.10)
    assert fmean(float(one.mean("strong") or 0) for one in graded) == pytest.approx(0.93, abs=0.05)
    notes = [a.note for one in graded for a in (*one.weak, *one.strong)]
    by_model = fmean("by a model" in note for note in notes)
    assert 0.03 < by_model < 0.20
    assert sum("by algebra" in note for note in notes) > 0.75 * len(notes)


def test_the_loop_accepts_most_documents_and_what_it_accepts_stays_hard_for_the_weak(
    looped: list[Episode],
) -> None:
    made = program()
    accepted = [e.accepted for e in looped if e.accepted is not None]
    assert 0.55 <= len(accepted) / len(looped) <= 0.97
    assert 4 < fmean(len(e.rounds) for e in looped) < 10
    for one in accepted:
        assert sum(one.grades("weak")) <= 1
        assert sum(one.grades("strong")) >= 3

    async def again() -> list[Any]:
        tasks = [one.task for one in accepted if one.task is not None]
        return await asyncio.gather(*(made.attempted(task) for task in tasks))

    fresh = asyncio.run(again())
    weak = fmean(float(one.mean("weak")) for one in fresh)
    strong = fmean(float(one.mean("strong")) for one in fresh)
    # Selection flatters: fresh attempts of the weak solver are better than those that selected.
    assert weak > fmean(float(one.mean("weak") or 0) for one in accepted)
    assert weak == pytest.approx(0.35, abs=0.13)
    assert strong == pytest.approx(0.89, abs=0.09)


class Row(NamedTuple):
    """What the numbers behind the text give, without the text."""

    weak: float
    strong: float
    acceptance: float
    rounds: float
    weak_again: float
    strong_again: float


def numbers(advice: dict[str, float], skill: float = 0.5, count: int = 900) -> Row:
    """Run the loop on the latent numbers alone, as the program runs it on text."""
    first, kept, rounds = [], [], 0
    for i in range(count):
        steer, last = 0.0, ""
        for k in range(12):
            rounds += 1
            draw = stream("numbers", i, k)
            if k % 4 == 0 and k:
                pushed = draw.random() * skill
                steer += irt.EASIER * pushed if last == "easy" else 0.0
                steer -= irt.HARDER * pushed if last == "hard" else 0.0
            latent, broken = drafted(advice, f"document {i}", ANGLES[k % 5], steer, 1.0, draw)
            chances = chance(latent, irt.WEAK), chance(latent, irt.STRONG)
            first += [chances] if k == 0 else []
            if broken or draw.random() < 0.04:
                continue
            wrong = draw.random() < WRONG_REFERENCE
            weak, strong = (
                0 if wrong else sum(draw.random() < one for _ in range(4)) for one in chances
            )
            if weak > 1:
                last = "easy"
            elif strong < 3:
                last = "hard"
            else:
                kept.append(chances)
                break
    right = 1 - WRONG_REFERENCE
    return Row(
        weak=right * fmean(one for one, _ in first),
        strong=right * fmean(one for _, one in first),
        acceptance=len(kept) / count,
        rounds=rounds / count,
        weak_again=fmean(one for one, _ in kept),
        strong_again=fmean(one for _, one in kept),
    )


def test_the_calibration_table() -> None:
    plain = numbers({})
    assert plain.weak == pytest.approx(0.76, abs=0.02)
    assert plain.strong == pytest.approx(0.94, abs=0.02)
    assert plain.acceptance == pytest.approx(0.79, abs=0.04)
    assert plain.rounds == pytest.approx(6.8, abs=0.4)
    assert plain.weak_again == pytest.approx(0.35, abs=0.03)
    assert plain.strong_again == pytest.approx(0.89, abs=0.02)


def test_good_advice_makes_problems_that_separate_and_bad_advice_loses_the_strong() -> None:
    plain, better = numbers({}), numbers({"reasoning": 1.0, "mistakes": 1.0})
    obscure = numbers({"obscure": 1.0})
    assert better.acceptance > plain.acceptance + 0.1
    assert better.rounds < 0.7 * plain.rounds
    assert better.weak_again < plain.weak_again
    assert obscure.strong < plain.strong - 0.1
    assert obscure.strong_again < better.strong_again - 0.05


def test_a_skilled_orchestrator_gets_more_problems_accepted() -> None:
    assert numbers({}, skill=1.0).acceptance > numbers({}).acceptance + 0.02


def test_advice_in_the_writers_instructions_reaches_the_text() -> None:
    told = " ".join(SENTENCES[name] for name in ("reasoning", "mistakes", "specific"))
    weak = []
    for made in (program(rounds=1, race=False), program(told, rounds=1, race=False)):
        graded = [one for e in run(made, documents(30)) for one in e.rounds if one.weak]
        weak.append(fmean(float(one.mean("weak") or 0) for one in graded))
    assert weak[1] < weak[0] - 0.15


def test_harder_problems_follow_when_the_earlier_ones_were_too_easy(looped: list[Episode]) -> None:
    steers: dict[int, list[float]] = {}
    for episode in looped:
        for one in episode.rounds:
            latent = decode(one.task.question) if one.task is not None else None
            if latent is not None:
                steers.setdefault((one.number - 1) // 4, []).append(latent.steer)
    assert all(steer == pytest.approx(0.0, abs=0.01) for steer in steers[0])
    assert fmean(steers[0]) < fmean(steers[1]) < fmean(steers[2])


def test_the_lesson_quotes_an_attempt_that_the_failures_show(looped: list[Episode]) -> None:
    later = [one for e in looped for one in e.rounds if one.number > 4]
    assert all(one.lesson for one in later if one.task is not None)
    assert any("A weak attempt got through by the usual route" in one.lesson for one in later)


def test_the_same_sample_repeats_and_another_seed_does_not() -> None:
    some = documents(3)
    first = [e.rounds for e in run(program(), some)]
    assert [e.rounds for e in run(program(), some)] == first
    assert [e.rounds for e in run(program(seed=1), some)] != first


def test_a_writer_that_gives_the_answer_away_is_refused() -> None:
    faulty = {"seed": 0, "faults": {"leak": 1.0}}
    roles = {role: ModelConfig(model=f"simulation/{role}") for role in SCIENTIFIC.spoken}
    roles["challenger"] = ModelConfig(model="simulation/challenger", extra=faulty)
    leaking = Autodata(LanguageModels(roles).roles, SCIENTIFIC)
    given_away = [
        one
        for e in run(leaking, documents(3))
        for one in e.rounds
        # An answer of a few characters is too short to be looked for.
        if one.task is not None
        and len(one.task.reference) > 10
        and f"The answer is ${one.task.reference}$" in one.task.question
    ]
    assert len(given_away) > 8
    assert {one.outcome for one in given_away} == {Outcome.FAILED_QUALITY_CHECK}
    assert all("contains the answer" in one.reason for one in given_away)


def test_identical_attempts_are_found_out_in_this_domain_as_well() -> None:
    roles = {role: ModelConfig(model=f"simulation/{role}") for role in SCIENTIFIC.spoken}
    same = {"seed": 0, "faults": {"identical": 1.0}}
    roles["weak"] = ModelConfig(model="simulation/weak", extra=same)
    made = Autodata(LanguageModels(roles).roles, SCIENTIFIC, settings=program(rounds=4).settings)
    failures = [one.failure for e in run(made, documents(2)) for one in e.rounds if one.weak]
    assert failures
    assert {failure.kind for failure in failures if failure is not None} == {"duplicate"}
