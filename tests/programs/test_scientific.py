"""The scientific domain in the loop: counts, several drafts at once, the probe, grading."""

import re
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import dspy.lm15 as lm15
import pytest
from fakes import Cast, Script, fields
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.metrics.answers.pool import Pool
from autodata.programs import Autodata, Document, Episode, Outcome
from autodata.programs import background as loop
from autodata.programs.domains.scientific import SCIENTIFIC
from autodata.programs.domains.scientific.grounding import (
    HEADING,
    SAMPLES,
    GroundingReader,
    pool,
    seed_of,
)
from autodata.programs.domains.scientific.prompts import ANGLES
from autodata.programs.tasks import AnswerTask
from autodata.programs.usage import sample

DOCUMENT = Document(id="seed", text="# A seed\n\nProblem. What is this and that?\n\nAnswer: y=x\n")
RIGHT, OTHER = r"\{2-\sqrt{3},2+\sqrt{3}\}", r"\{1,2\}"
PROBLEM: dict[str, Any] = {
    "question_type": "computing a spectrum",
    "skills": ["algebra"],
    "topic": "MSC 15",
    "answer_type": "set",
    "question": "Give the set of the eigenvalues of the matrix that has this and that.",
    "reference": RIGHT,
}
GOOD = {
    "scope": "ONE_ANSWER",
    "statement": "SELF_CONTAINED",
    "hint": "NO_HINT",
    "origin": "NEW",
    "topic": "FITS",
    "feedback": "",
}


def text_of(request: lm15.Request) -> str:
    return request.messages[-1].text or ""


def right(count: int) -> Script:
    """Be right in the first attempts only."""

    def answer(request: lm15.Request, rollout: str) -> str:
        final = RIGHT if int(rollout.rpartition("-")[2]) <= count else OTHER
        return fields(answer=rf"In sample {rollout} I find \boxed{{{final}}}.")

    return answer


def silent(request: lm15.Request, rollout: str) -> str:
    """Answer what 2+2 is, and nothing else."""
    return fields(answer="4" if "2+2" in text_of(request) else "")


def must_not_be_asked(request: lm15.Request, rollout: str) -> str:
    raise AssertionError(f"asked in {rollout}")


BASE: dict[str, Script] = {
    "challenger": lambda request, rollout: fields(notes="Worked out.", task=PROBLEM),
    "verifier": lambda request, rollout: fields(screening=GOOD),
    "weak": right(0),
    "strong": right(4),
    "judge": must_not_be_asked,
}


def cast_of(**scripts: Script) -> Cast:
    return Cast({**BASE, **scripts})


def run(cast: Cast, **settings: Any) -> Episode:
    plan = SCIENTIFIC.settings.model_copy(update={"rounds": 1, **settings})
    return Autodata(cast.models, SCIENTIFIC, settings=plan)(document=DOCUMENT).episode


@pytest.mark.parametrize("race", [True, False])
@pytest.mark.parametrize(
    ("weak", "strong", "outcome"),
    [
        (0, 4, Outcome.ACCEPTED),
        (1, 4, Outcome.ACCEPTED),
        (1, 3, Outcome.ACCEPTED),
        (2, 4, Outcome.TOO_EASY),
        (4, 4, Outcome.TOO_EASY),
        (1, 2, Outcome.FAILED_ON_STRONG),
        (0, 2, Outcome.FAILED_ON_STRONG),
        (0, 0, Outcome.FAILED_ON_STRONG),
        (2, 2, Outcome.TOO_EASY),
    ],
)
def test_the_gate_counts_right_answers_exactly(
    weak: int, strong: int, outcome: Outcome, race: bool
) -> None:
    episode = run(cast_of(weak=right(weak), strong=right(strong)), race=race)
    one = episode.rounds[0]
    assert one.outcome is outcome
    if not race:
        assert one.grades("weak") == [Fraction(int(i <= weak)) for i in range(1, 5)]
        assert one.grades("strong") == [Fraction(int(i <= strong)) for i in range(1, 5)]
    if outcome is Outcome.ACCEPTED:
        assert episode.score == Fraction(strong - weak, 4)


def test_each_solver_tries_four_times_and_sees_the_question_alone() -> None:
    cast = cast_of()
    episode = run(cast)
    assert [cast.calls("weak"), cast.calls("strong")] == [4, 4]
    assert episode.stopped == "accepted"
    for request in cast["weak"].requests + cast["strong"].requests:
        seen = f"{request.system} {text_of(request)}"
        assert PROBLEM["question"] in seen
        assert "What is this and that?" not in seen
        assert RIGHT not in seen


# Several drafts from one brief.


def numbered(**others: Script) -> Cast:
    """Let the challenger say in the question in which round it was written."""

    def write(request: lm15.Request, rollout: str) -> str:
        number = rollout.rpartition("round-")[2]
        question = f"Variant {number}. {PROBLEM['question']}"
        return fields(notes="", task={**PROBLEM, "question": question})

    return cast_of(challenger=write, **others)


def easy_unless(variant: int) -> Script:
    def answer(request: lm15.Request, rollout: str) -> Any:
        easy = f"Variant {variant}." not in text_of(request)
        return right(4 if easy else 0)(request, rollout)

    return answer


@pytest.mark.parametrize("candidates", [3, 4, 5])
def test_several_problems_are_written_from_one_brief_each_from_its_own_angle(
    candidates: int,
) -> None:
    cast = numbered(weak=right(4))
    episode = run(cast, rounds=candidates, candidates=candidates)
    assert [cast.calls("orchestrator"), cast.calls("challenger")] == [1, candidates]
    assert len({one.brief for one in episode.rounds}) == 1
    assert [one.angle for one in episode.rounds] == list(ANGLES[:candidates])
    told = [text_of(request) for request in cast["challenger"].requests]
    assert all(sum(angle in text for angle in ANGLES) == 1 for text in told)
    assert [one.known for one in episode.rounds] == [0] * candidates


def test_the_shipped_domain_writes_four_at_once_from_five_angles() -> None:
    assert (SCIENTIFIC.candidates, len(set(ANGLES))) == (4, 5)
    assert SCIENTIFIC.settings.candidates == 4


@pytest.mark.parametrize("accepted", [1, 2, 4, 6])
def test_the_first_accepted_problem_ends_the_episode(accepted: int) -> None:
    cast = numbered(weak=easy_unless(accepted))
    episode = run(cast, rounds=12)
    assert [one.number for one in episode.rounds] == list(range(1, accepted + 1))
    assert episode.stopped == "accepted"
    # What was written beside it was paid for, but nobody tried to solve it.
    assert cast.calls("challenger") == 4 * -(-accepted // 4)
    assert cast.calls("strong") == 4


def test_the_cap_of_rounds_holds_inside_a_batch() -> None:
    cast = numbered(weak=right(4))
    episode = run(cast, rounds=6)
    assert len(episode.rounds) == 6
    assert (episode.stopped, cast.calls("challenger"), cast.calls("orchestrator")) == (
        "rounds",
        6,
        2,
    )
    assert [one.angle for one in episode.rounds] == [*ANGLES, ANGLES[0]]
    assert [one.known for one in episode.rounds] == [0, 0, 0, 0, 4, 4]


def test_the_next_batch_is_told_how_the_attempts_of_the_last_one_ended() -> None:
    cast = numbered(weak=right(4))
    run(cast, rounds=5)
    told = text_of(cast["challenger"].requests[-1])
    assert [f"- Round {i}: " in told for i in range(1, 5)] == [True] * 4
    assert "Weak attempt 1 was right; its way: In sample" in told
    assert "Weak attempt 1 was right" in text_of(cast["orchestrator"].requests[-1])


def test_a_draft_that_nobody_can_read_does_not_spoil_the_others() -> None:
    def write(request: lm15.Request, rollout: str) -> str:
        return "no" if "round-1" in rollout else fields(notes="", task=PROBLEM)

    episode = run(cast_of(challenger=write), rounds=4)
    assert [one.outcome for one in episode.rounds] == [
        Outcome.FAILED_QUALITY_CHECK,
        Outcome.ACCEPTED,
    ]


# The probe: a dead endpoint is no evidence, a failing model is.


def test_no_answer_of_a_model_that_is_up_counts_as_wrong() -> None:
    episode = run(cast_of(strong=silent), race=False)
    one = episode.rounds[0]
    assert one.outcome is Outcome.FAILED_ON_STRONG
    assert one.grades("strong") == [Fraction(0)] * 4
    assert all("the model is up" in attempt.note for attempt in one.strong)
    assert episode.failure is None


@pytest.mark.parametrize("dead", [fields(answer=""), lm15.ServerError("down")])
def test_no_answer_of_a_dead_endpoint_is_a_failure_and_no_evidence(dead: Any) -> None:
    def answer(request: lm15.Request, rollout: str) -> Any:
        return dead if "2+2" in text_of(request) else fields(answer="")

    episode = run(cast_of(strong=answer))
    assert (episode.stopped, episode.score) == ("failure", None)
    assert episode.failure is not None
    assert (episode.failure.role, episode.failure.kind) == ("strong", "infrastructure")
    assert episode.rounds[0].outcome is Outcome.UNSCORED


def test_silence_of_the_weak_model_alone_never_makes_an_accepted_problem() -> None:
    episode = run(cast_of(weak=silent))
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert "untruncated weak attempts" in episode.rounds[0].reason


# What is checked before anybody is paid.


def test_a_problem_that_breaks_a_rule_reaches_neither_screening_nor_solvers() -> None:
    broken = {**PROBLEM, "reference": "x=5"}
    cast = cast_of(challenger=lambda r, s: fields(notes="", task=broken))
    episode = run(cast)
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert "bare number" in episode.rounds[0].reason
    assert [cast.calls("verifier"), cast.calls("weak")] == [0, 0]


@pytest.mark.parametrize(
    "reference",
    [r"\{2-\sqrt{3},2+\sqrt{\}", r"\{\foo{2},3\}", r"\{\text{all the primes},\text{one}\}"],
)
def test_a_reference_that_cannot_be_read_is_refused_without_asking_a_model(reference: str) -> None:
    broken = {**PROBLEM, "reference": reference}
    cast = cast_of(challenger=lambda r, s: fields(notes="", task=broken))
    episode = run(cast)
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert [cast.calls("verifier"), cast.calls("weak")] == [0, 0]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("scope", "SEVERAL_ANSWERS"),
        ("scope", "NO_ANSWER"),
        ("statement", "INCOMPLETE"),
        ("hint", "GIVES_METHOD"),
        ("origin", "COPY"),
        ("topic", "DOES_NOT_FIT"),
    ],
)
def test_any_bad_verdict_of_the_screening_refuses_the_problem(name: str, bad: str) -> None:
    said = {**GOOD, name: bad, "feedback": "Say it otherwise."}
    cast = cast_of(verifier=lambda r, s: fields(screening=said))
    one = run(cast).rounds[0]
    assert one.outcome is Outcome.FAILED_QUALITY_CHECK
    assert one.reason == f"{name}: {bad}; Say it otherwise."
    assert cast.calls("weak") == 0


def test_the_screening_sees_the_seed_and_no_reference() -> None:
    cast = cast_of()
    run(cast)
    told = text_of(cast["verifier"].requests[0])
    assert "What is this and that?" in told
    assert HEADING in told
    assert RIGHT not in told


# Grading.


def graded(answer: str, judge: Script = must_not_be_asked, **changes: Any) -> Any:
    """Return what the judge says of an answer."""
    made = SCIENTIFIC.judge(cast_of(judge=judge).models.judge)
    task = AnswerTask.model_validate({**PROBLEM, **changes})
    return loop.run(made.acall(task=task, answer=answer))


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        (rf"So \boxed{{{RIGHT}}}.", 1),
        (r"So \boxed{\{2+\sqrt{3}, 2-\sqrt{3}\}}", 1),
        (r"Answer: $x = 2 \pm \sqrt{3}$", 1),
        (r"So \boxed{\{1,2\}}.", 0),
        (r"So \boxed{\{2+\sqrt{3}\}}", 0),
    ],
)
def test_what_algebra_can_tell_is_graded_without_a_model(answer: str, grade: int) -> None:
    found = graded(answer)
    assert found.grade == Fraction(grade)
    assert found.satisfied == ()
    assert "by algebra" in found.note
    assert "final answer" in found.note


@pytest.mark.parametrize("answer", ["", "   ", r"I stop here: \boxed{"])
def test_an_answer_without_a_result_is_wrong_and_nobody_is_asked(answer: str) -> None:
    found = graded(answer)
    assert (found.grade, found.note) == (Fraction(0), "no final answer was found")


@pytest.mark.parametrize("same", [True, False])
def test_what_algebra_cannot_tell_is_asked_of_a_model_which_does_not_grade(same: bool) -> None:
    asked: list[str] = []

    def judge(request: lm15.Request, rollout: str) -> str:
        asked.append(text_of(request))
        return fields(match={"evidence": "Both roots\nof the same polynomial.", "same": same})

    found = graded("Answer: the two roots of the polynomial above", judge)
    assert found.grade == Fraction(int(same))
    assert "by a model" in found.note
    assert "Both roots of the same polynomial." in found.note
    assert len(asked) == 1
    assert RIGHT in asked[0]
    assert "the two roots of the polynomial above" in asked[0]


def test_a_judge_that_gives_no_verdict_leaves_the_attempt_without_a_grade() -> None:
    wordy: Script = lambda r, s: fields(answer="Answer: the roots of the polynomial above")  # noqa: E731
    episode = run(cast_of(weak=wordy, judge=lambda r, s: "I cannot say."))
    attempt = episode.rounds[0].weak[0]
    assert (attempt.grade, attempt.failure and attempt.failure.kind) == (None, "malformed")
    assert episode.score is None


def test_a_comparison_that_cannot_start_leaves_the_attempt_without_a_grade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = Pool()
    monkeypatch.setattr("autodata.metrics.answers._pool", pool)

    def solver(request: lm15.Request, rollout: str) -> str:
        pool.close()
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        return fields(answer=r"So \boxed{\{1,2\}}.")

    attempt = run(cast_of(weak=solver, strong=solver)).rounds[0].weak[0]
    assert attempt.grade is None
    assert attempt.failure is not None
    assert attempt.failure.kind == "infrastructure"
    assert "PoolError" in attempt.failure.message


def test_long_answers_are_cut_before_a_model_sees_them_and_in_the_note() -> None:
    def judge(request: lm15.Request, rollout: str) -> str:
        assert 50 < text_of(request).count("word") < 150
        return fields(match={"evidence": "because " * 500, "same": False})

    found = graded(f"Answer: {'word ' * 400}", judge)
    assert found.grade == 0
    assert len(found.note) < 500


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_a_grade_or_a_recorded_failure(answer: str) -> None:
    def judge(request: lm15.Request, rollout: str) -> str:
        return fields(match={"evidence": "none", "same": False})

    found = graded(answer, judge)
    assert found.grade in (0, 1)
    assert found.note


# Grounding.


def material(document: Document, rollout: str = "0") -> str:
    with sample(rollout):
        return GroundingReader()(document=document).material


def test_the_material_is_the_seed_problem_and_three_examples() -> None:
    found = material(DOCUMENT)
    assert found.startswith(DOCUMENT.text.rstrip())
    assert seed_of(found) == DOCUMENT.text.rstrip()
    assert sum(f"Problem. {one.question}" in found for one in pool()) == SAMPLES == 3


def test_the_examples_follow_from_the_document_and_the_sample() -> None:
    assert material(DOCUMENT) == material(DOCUMENT)
    drawn = {material(DOCUMENT, f"seed-{i}") for i in range(8)}
    assert len(drawn) > 4
    others = {seed_free(material(Document(id=f"d{i}", text=DOCUMENT.text))) for i in range(8)}
    assert len(others) > 4


def seed_free(text: str) -> str:
    return text.partition(HEADING)[2]


@pytest.mark.parametrize("example", pool(), ids=lambda one: one.answer_type)
def test_a_document_is_never_its_own_example(example: Any) -> None:
    held = Document(id="x", text=f"# Title\n\nProblem. {example.question}\n\nAnswer: y")
    for i in range(20):
        assert f"Problem. {example.question}" not in seed_free(material(held, str(i)))


def test_a_document_that_holds_the_whole_pool_gets_no_examples() -> None:
    everything = Document(id="x", text="\n\n".join(one.question for one in pool()))
    found = GroundingReader()(document=everything)
    assert "Example 1" not in found.material
    assert found.unsuitable == ""


def test_the_episode_keeps_what_was_read_and_survives_json() -> None:
    episode = run(numbered(weak=right(4)), rounds=5)
    assert HEADING in episode.material
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


def test_the_prompts_have_the_fields_that_all_domains_share() -> None:
    wanted: Mapping[str, tuple[set[str], set[str]]] = {
        "plan": ({"document"}, {"brief"}),
        "analyze": ({"document", "failures"}, {"lesson", "brief"}),
        "write": ({"document", "rules", "brief", "failures"}, {"notes", "task"}),
        "solve": ({"question"}, {"answer"}),
    }
    for name, (inputs, outputs) in wanted.items():
        signature = getattr(SCIENTIFIC, name)
        assert set(signature.input_fields) == inputs
        assert set(signature.output_fields) == outputs
    assert SCIENTIFIC.write.output_fields["task"].annotation is AnswerTask


def test_the_diagnosis_is_asked_for_where_the_failures_are_analyzed() -> None:
    told = " ".join(SCIENTIFIC.analyze.instructions.split())
    assert re.search(r"weak attempt was right, say what made", told)
    assert re.search(r"strong attempt was wrong, say at which step", told)
