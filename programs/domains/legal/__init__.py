"""Legal documents: a person's problem, a rubric by capabilities, a referee (paper, section 3.2)."""

from ....metrics import GATES
from ...verifier import Unchecked
from ..base import Domain
from .overriding import overrides
from .prompts import AnalyzeLegalRounds, PlanLegalTask, SolveLegalTask, WriteLegalTask
from .roles import LegalReader, LoopJudge
from .rules import LegalRules
from .telling import describe

LEGAL = Domain(
    name="legal",
    gate=GATES["legal"],
    rules=LegalRules(),
    weak_attempts=5,
    strong_attempts=3,
    rounds=16,
    plan=PlanLegalTask,
    analyze=AnalyzeLegalRounds,
    write=WriteLegalTask,
    solve=SolveLegalTask,
    reader=LegalReader,
    verifier=Unchecked,
    overrides=overrides,
    referee=LoopJudge,
    describe=describe,
    spoken=("reader", "orchestrator", "challenger", "weak", "strong", "judge", "referee"),
)
"""One try and at most 15 improvements. The referee decides; code has refused before what it may."""

__all__ = ["LEGAL"]
