"""Research papers: open questions graded by rubric (paper, sections 2.1 and 3.1)."""

from ...metrics import GATES, RubricRules
from ..challenger import WriteTask
from ..judge import JudgeAnswer
from ..orchestrator import AnalyzeRounds, PlanTask
from ..solver import SolveTask
from ..verifier import CheckTask
from .base import Domain

RESEARCH = Domain(
    name="research",
    gate=GATES["deployed"],
    rubric_rules=RubricRules(),
    weak_attempts=3,
    strong_attempts=3,
    rounds=12,
    plan=PlanTask,
    analyze=AnalyzeRounds,
    write=WriteTask,
    check=CheckTask,
    solve=SolveTask,
    grade=JudgeAnswer,
)
