"""Programming tasks that are graded by running them (Self-Challenging, arXiv 2506.01716)."""

from ....metrics import GATES
from ..base import Domain
from .prompts import AnalyzePrograms, PlanProgram, SolveProgram, WriteProgram
from .roles import Execution, Grader
from .rules import LIBRARY, ProgramRules
from .running import protections
from .source import extract_program
from .telling import describe_programs

CODE = Domain(
    name="code",
    gate=GATES["scientific"],
    rules=ProgramRules(),
    weak_attempts=4,
    strong_attempts=4,
    rounds=12,
    plan=PlanProgram,
    analyze=AnalyzePrograms,
    write=WriteProgram,
    solve=SolveProgram,
    verifier=Execution,
    judge=Grader,
    describe=describe_programs,
    repeats=True,
    surroundings=protections,
    spoken=("orchestrator", "challenger", "weak", "strong"),
)

__all__ = ["CODE", "LIBRARY", "ProgramRules", "describe_programs", "extract_program"]
