"""Research papers: open questions graded by rubric (paper, sections 2.1 and 3.1)."""

from ...metrics import GATES
from ..challenger import WriteTask
from ..orchestrator import AnalyzeRounds, PlanTask
from ..solver import SolveTask
from .base import Domain, Rubrics

RESEARCH = Domain(
    name="research",
    gate=GATES["deployed"],
    rules=Rubrics(),
    weak_attempts=3,
    strong_attempts=3,
    rounds=12,
    plan=PlanTask,
    analyze=AnalyzeRounds,
    write=WriteTask,
    solve=SolveTask,
)
