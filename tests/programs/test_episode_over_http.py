import json
from dataclasses import replace
from fractions import Fraction

import pytest
from server import Server, Step, chat, page

from autodata.metrics import RubricRules
from autodata.programs import (
    ROLES,
    Autodata,
    Document,
    Episode,
    LanguageModels,
    ModelConfig,
    Outcome,
    Settings,
)
from autodata.programs.domains import RESEARCH
from autodata.programs.domains.base import Rubrics

DOCUMENT = Document(id="moss", text="Moss stores water, and peat stores carbon. " * 40)
EASY = replace(RESEARCH, rules=Rubrics(RubricRules(total_min=1, positives_min=1, negatives_min=0)))
TASK = {
    "question_type": "prediction under constraints",
    "skills": ["hydrology"],
    "context": "A bog is drained on one side for a road while the other side stays wet.",
    "question": "Which side releases more carbon in a dry summer, and why?",
    "reference": "The drained side, because oxygen reaches the peat and it decomposes.",
    "rubric": [
        {"criterion": "names oxygen as the cause", "weight": 4},
        {"criterion": "names the drained side", "weight": 3},
        {"criterion": "says what would change in a wet summer", "weight": 3},
    ],
}
REPORT = {
    "leakage": "NO_LEAKAGE",
    "question": "GOOD",
    "rubric_issues": [],
    "question_type": "CONSISTENT",
    "feedback": "none",
}
WRITTEN = [
    chat(brief="Ask about the drained side."),
    chat(notes="Oxygen decides.", task=json.dumps(TASK)),
    chat(report=json.dumps(REPORT)),
]


def judged(*satisfied: bool) -> Step:
    verdicts = [
        {"number": number, "evidence": "none", "satisfied": met}
        for number, met in enumerate(satisfied, start=1)
    ]
    return chat(verdicts=json.dumps(verdicts))


def configured(server: Server, **models: str) -> dict[str, ModelConfig]:
    """Name the model of every role; the role's own name unless `models` says otherwise."""
    return {
        role: ModelConfig(model=models.get(role, role), api_base=server.url, retries=0)
        for role in ROLES
    }


def episode(server: Server, *attempts: Step) -> Episode:
    """Run one round with one attempt of each solver, as far as the script goes."""
    server.script(*WRITTEN, *attempts)
    settings = Settings(rounds=1, weak_attempts=1, strong_attempts=1)
    models = LanguageModels(configured(server))
    return Autodata(models.roles, domain=EASY, settings=settings)(DOCUMENT).episode


def test_answers_that_separate_the_solvers_make_an_accepted_task(server: Server) -> None:
    weak = (chat(answer="The drained one."), judged(False, True, False))
    strong = (chat(answer="The drained one: oxygen."), judged(True, True, False))
    done = episode(server, *weak, *strong)
    assert done.score == Fraction(4, 10)
    assert [name for name, usage in done.roles.items() if usage.calls] == sorted(ROLES)


def test_a_cut_answer_is_marked_and_not_judged(server: Server) -> None:
    done = episode(server, {**chat(answer="Because the"), "finish_reason": "length"})
    (attempt,) = done.rounds[0].weak
    assert attempt.truncated
    assert attempt.grade == 0
    assert "judge" not in done.roles
    assert done.rounds[0].outcome is not Outcome.ACCEPTED


def test_an_empty_answer_is_asked_for_again_and_then_a_failure(server: Server) -> None:
    done = episode(server, chat(answer=""), chat(answer="  "))
    (attempt,) = done.rounds[0].weak
    assert done.roles["weak"].calls == 2
    assert attempt.grade is None
    assert attempt.failure is not None
    assert attempt.failure.kind == "empty"
    assert done.score is None


def test_an_answer_that_is_empty_only_once_counts(server: Server) -> None:
    done = episode(server, chat(answer=""), chat(answer="Heat."), judged(False, False, False))
    assert done.rounds[0].weak[0].answer == "Heat."


@pytest.mark.parametrize("spoken", range(len(WRITTEN)))
def test_an_outage_of_any_role_is_never_a_zero(server: Server, spoken: int) -> None:
    server.script(*WRITTEN[:spoken], page(200), forever=True)
    done = Autodata(LanguageModels(configured(server)).roles, domain=EASY)(DOCUMENT).episode
    assert done.stopped == "failure"
    assert done.score is None


def test_the_offline_models_run_an_episode_over_http(server: Server) -> None:
    program = Autodata(LanguageModels(configured(server)).roles, settings=Settings(rounds=2))
    done = program(DOCUMENT).episode
    assert done.failure is None
    assert done.rounds
    assert all(one.outcome is not Outcome.UNSCORED for one in done.rounds)
    answers = [attempt.answer for one in done.rounds for attempt in (*one.weak, *one.strong)]
    assert len(set(answers)) == len(answers)
