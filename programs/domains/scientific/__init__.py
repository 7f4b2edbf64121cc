"""Problems with one exact answer, graded by comparison (paper, sections 2.3 and 3.3)."""

from ....metrics import GATES
from ..base import Domain
from .diagnosis import diagnosed
from .grounding import GroundingReader
from .prompts import ANGLES, AnalyzeProblems, PlanProblem, SolveProblem, WriteProblem
from .roles import AnswerJudge, ProblemScreener
from .rules import ProblemRules
from .taxonomy import TYPES, canonical, classes, covered

SCIENTIFIC = Domain(
    name="scientific",
    gate=GATES["scientific"],
    rules=ProblemRules(),
    weak_attempts=4,
    strong_attempts=4,
    rounds=12,
    plan=PlanProblem,
    analyze=AnalyzeProblems,
    write=WriteProblem,
    solve=SolveProblem,
    reader=GroundingReader,
    verifier=ProblemScreener,
    judge=AnswerJudge,
    describe=diagnosed,
    angles=ANGLES,
    candidates=4,
    probe=True,
    sparing=("judge",),
)

__all__ = ["SCIENTIFIC", "TYPES", "canonical", "classes", "covered"]
