"""CoT Self-Instruct: what is shown to whom, and the two filters by answers."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from fakes import GOOD_REPORT, TASK, Cast, Script, fields, solver
from hypothesis import given
from hypothesis import strategies as st

from autodata.metrics import RubricRules
from autodata.programs import Attempt, Document, Domain, Episode, Outcome, Round, Task
from autodata.programs.baselines import CoT, Grounded, SelfChallenging
from autodata.programs.domains import RESEARCH
from autodata.programs.domains.base import Rubrics
from autodata.programs.role import Role
from autodata.programs.tasks import AnswerTask, ProgramTask
from autodata.programs.verifier import Unchecked

DOCUMENT = Document(id="doc", text="Pressure and yield. " * 20)
ANSWER_TASK = {
    "question_type": "algebra",
    "skills": ["solving"],
    "topic": "MSC 15",
    "answer_type": "set",
    "question": "What is the set of roots of x^2 = 4?",
    "reference": r"\{-2, 2\}",
}
PROGRAM_TASK = {
    "question_type": "lists",
    "skills": ["loops"],
    "question": "Write solve(x) that returns x plus one.",
    "verifier": "def verify(solve):\n    return solve(1) == 2",
    "reference": "def solve(x):\n    return x + 1",
    "failing": ["def solve(x):\n    return x"],
}


class Free(dspy.Signature):
    """Write a task."""

    document: str = dspy.InputField()
    rules: str = dspy.InputField()
    brief: str = dspy.InputField()
    failures: str = dspy.InputField()
    notes: str = dspy.OutputField()


class NoRules:
    """Lets every task pass."""

    def describe(self) -> str:
        return "There are no rules."

    def faults(self, task: Any) -> list[str]:
        return []


class Marked(Role):
    """Takes an answer for right if it says so."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("judge", lm)

    async def aforward(self, task: Any, answer: str) -> dspy.Prediction:
        return dspy.Prediction(grade=Fraction("RIGHT" in answer), satisfied=(), note="")


class Refusing(Role):
    """Finds a fault in every task."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("verifier", lm)

    async def aforward(self, document: str, task: Any) -> dspy.Prediction:
        return dspy.Prediction(faults=["the reference does not pass"])


def checkable(kind: type, verifier: Callable[[dspy.LM | None], Any] = Unchecked) -> Domain:
    write = Free.append("task", dspy.OutputField(), kind)
    return replace(RESEARCH, write=write, rules=NoRules(), verifier=verifier, judge=Marked)


def planned(request: lm15.Request, rollout: str) -> str:
    return fields(common="All short.", brief="Ask about pumps.")


def babble(request: lm15.Request, rollout: str) -> str:
    return "I would rather not."


def cast(**scripts: Script) -> Cast:
    return Cast({"orchestrator": planned, **scripts})


def run(program: CoT | Grounded | SelfChallenging) -> Episode:
    return program(document=DOCUMENT).episode


def answers(*right: bool | None) -> Script:
    """Give right, wrong, or no answers, by the number of the attempt."""

    def script(request: lm15.Request, rollout: str) -> Any:
        name = next(part for part in rollout.split("/") if part.startswith("strong-"))
        verdict = right[int(name.removeprefix("strong-")) - 1]
        if verdict is None:
            return fields(answer="")
        return fields(answer=f"{'RIGHT' if verdict else 'WRONG'} in {name}")

    return script


def writing(task: dict[str, Any]) -> Script:
    return lambda request, rollout: fields(notes="Idea.", task=task)


def test_the_plan_comes_from_four_seed_tasks_and_the_document() -> None:
    models = cast()
    program = CoT(models.models)
    episode = run(program)
    asked = models["orchestrator"].requests[0].messages[-1].text or ""
    assert DOCUMENT.text.strip() in asked
    assert sum(seed.instruction in asked for seed in program.seeds) == 4
    told = models["challenger"].requests[0].messages[-1].text or ""
    assert "Ask about pumps." in told
    assert episode.rounds[0].brief == "Ask about pumps."
    assert episode.rounds[0].notes == "The main idea."


def test_a_task_that_the_verifier_refuses_is_dropped_before_anyone_answers() -> None:
    bad = {**GOOD_REPORT, "leakage": "LEAKS_ANSWER"}
    models = cast(verifier=lambda request, rollout: fields(report=bad))
    episode = run(CoT(models.models))
    assert episode.rounds[0].outcome is Outcome.FAILED_QUALITY_CHECK
    assert "LEAKS_ANSWER" in episode.rounds[0].reason
    assert models.calls("strong") == 0


def test_an_open_task_is_kept_with_the_answers_that_the_filter_looks_at() -> None:
    models = cast()
    episode = run(CoT(models.models, samples=5))
    (kept,) = episode.rounds
    assert kept.outcome is Outcome.ACCEPTED
    assert kept.grades("strong") == [Fraction(8, 10)] * 5
    assert kept.weak == ()
    assert episode.score is None
    assert models.calls("weak") == 0


@pytest.mark.parametrize("kind", [(AnswerTask, ANSWER_TASK), (ProgramTask, PROGRAM_TASK)])
@pytest.mark.parametrize(
    ("right", "kept"),
    [
        ((True, True, True, False), True),
        ((True, True, False, False), False),
        ((False, False, False, False), False),
        ((True, True, True, None), True),
        ((False, False, None, True), False),
    ],
)
def test_more_than_half_of_the_answers_must_agree_with_the_reference(
    kind: tuple[type, dict[str, Any]], right: Sequence[bool | None], kept: bool
) -> None:
    models = cast(challenger=writing(kind[1]), strong=answers(*right))
    program = CoT(models.models, checkable(kind[0]))
    episode = run(program)
    (one,) = episode.rounds
    assert (one.outcome is Outcome.ACCEPTED) == kept
    assert len(one.strong) == 4
    if not kept:
        assert f"answer-consistency filter: {right.count(True)} of 4" in one.reason
    assert program.select([episode]) == [episode]


def test_an_undecided_majority_is_a_failure_and_not_a_verdict() -> None:
    models = cast(challenger=writing(ANSWER_TASK), strong=answers(True, True, False, None))
    episode = run(CoT(models.models, checkable(AnswerTask)))
    assert episode.rounds[0].outcome is Outcome.UNSCORED
    assert episode.failure is not None
    assert episode.failure.kind == "empty"


def test_an_outage_of_the_judge_ends_the_episode() -> None:
    models = cast(judge=lambda request, rollout: lm15.ServerError("down"))
    episode = run(CoT(models.models))
    assert episode.stopped == "failure"
    assert episode.score is None
    assert episode.rounds[0].outcome is Outcome.UNSCORED


def test_an_unreadable_plan_and_an_unreadable_task_are_recorded() -> None:
    for models, role in (
        (cast(orchestrator=babble), "orchestrator"),
        (cast(challenger=babble), "challenger"),
    ):
        (one,) = run(CoT(models.models)).rounds
        assert one.outcome is Outcome.FAILED_QUALITY_CHECK
        assert one.failure is not None
        assert (one.failure.role, one.failure.kind) == (role, "malformed")


def test_self_challenging_keeps_what_its_verifier_lets_pass() -> None:
    models = cast(challenger=writing(PROGRAM_TASK))
    kept = run(SelfChallenging(models.models, checkable(ProgramTask)))
    assert kept.accepted is not None
    assert kept.accepted.weak == kept.accepted.strong == ()
    refused = run(SelfChallenging(models.models, checkable(ProgramTask, Refusing)))
    assert refused.accepted is None
    assert refused.rounds[0].reason == "the reference does not pass"
    assert models.calls("orchestrator") == 0


def test_grounded_asks_the_challenger_and_nobody_else() -> None:
    models = cast()
    episode = run(Grounded(models.models))
    assert episode.accepted is not None
    assert list(episode.roles) == ["challenger"]
    assert "Ask about" not in (models["challenger"].requests[0].messages[-1].text or "")


def test_a_task_that_nobody_could_grade_is_no_task() -> None:
    errors = [{"criterion": one["criterion"], "weight": -1} for one in TASK["rubric"]]
    broken = {**TASK, "rubric": errors}
    episode = run(Grounded(cast(challenger=writing(broken)).models))
    assert episode.accepted is None
    assert episode.rounds[0].reason.startswith("rules: ")


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        ({"samples": 0}, "1 or more"),
        ({"quantile": 1}, "below 1"),
        ({"quantile": -0.1}, "at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(extras: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CoT(**extras)


GRADES = st.integers(0, 10).map(lambda tenths: Fraction(tenths, 10))


def episode_of(number: int, grades: Sequence[Fraction] | None) -> Episode:
    """Return an episode whose task was answered with these grades; `None`: no task was kept."""
    one = Round(
        number=1,
        brief="",
        task=Task.model_validate(TASK),
        strong=tuple(Attempt(answer="x", grade=grade) for grade in grades or ()),
        outcome=Outcome.FAILED_QUALITY_CHECK if grades is None else Outcome.ACCEPTED,
        reason="LEAKS_ANSWER" if grades is None else "",
    )
    stopped = "rounds" if grades is None else "accepted"
    return Episode(document_id=str(number), rounds=(one,), stopped=stopped)


@given(
    st.lists(st.none() | st.lists(GRADES, min_size=1, max_size=4), max_size=12),
    st.sampled_from(["0", "0.1", "0.25", "0.29", "0.5", "0.9"]),
)
def test_selection_drops_the_tasks_below_the_quantile_and_no_other(
    lists: list[list[Fraction] | None], quantile: str
) -> None:
    episodes = [episode_of(number, grades) for number, grades in enumerate(lists)]
    program = CoT(quantile=float(quantile))
    selected = program.select(episodes)
    assert [e.document_id for e in selected] == [e.document_id for e in episodes]
    lows = [min(grades) for grades in lists if grades is not None]
    kept = [
        min(grades)
        for grades, e in zip(lists, selected, strict=True)
        if grades is not None and e.accepted is not None
    ]
    gone = [
        min(grades)
        for grades, e in zip(lists, selected, strict=True)
        if grades is not None and e.accepted is None
    ]
    assert len(gone) <= Fraction(quantile) * len(lows)
    assert not gone or max(gone) < min(kept)
    # As many go as the quantile allows, unless others are just as good.
    allowed = int(Fraction(quantile) * len(lows))
    assert len(gone) == sum(low < sorted(lows)[allowed] for low in lows)
    assert program.select(selected) == selected


def test_a_dropped_task_says_by_how_much() -> None:
    episodes = [episode_of(i, [Fraction(i, 10), Fraction(1)]) for i in range(1, 9)]
    selected = CoT().select(episodes)
    assert [e.accepted is None for e in selected] == [True, True, *[False] * 6]
    last = selected[0].rounds[-1]
    assert last.outcome is Outcome.FAILED_QUALITY_CHECK
    assert "lowest grade is 0.100, at least 0.300" in last.reason
    assert selected[0].stopped == "rounds"


def test_rules_in_code_come_before_the_verifier() -> None:
    strict = replace(RESEARCH, rules=Rubrics(RubricRules(total_min=20)))
    models = cast(strong=solver(8))
    episode = run(CoT(models.models, strict))
    assert episode.accepted is None
    assert models.calls("verifier") == 0


@pytest.mark.parametrize(("repeats", "kept"), [(True, True), (False, False)])
def test_equal_programs_are_samples_where_honest_answers_may_be_equal(
    repeats: bool, kept: bool
) -> None:
    program = "RIGHT\n```python\n" + "def solve(n):\n    return n + 1\n" * 8 + "```"
    models = cast(
        challenger=writing(PROGRAM_TASK), strong=lambda request, rollout: fields(answer=program)
    )
    domain = replace(checkable(ProgramTask), repeats=repeats)
    assert (run(CoT(models.models, domain)).accepted is not None) == kept
