"""Runs programs that a model wrote, away from this process, and says whether they passed."""

from .limits import Limits
from .process import SandboxError
from .protection import Measure, isolation, measures
from .run import check
from .verdict import VERIFIER_FAILED, Verdict

__all__ = [
    "VERIFIER_FAILED",
    "Limits",
    "Measure",
    "SandboxError",
    "Verdict",
    "check",
    "isolation",
    "measures",
]
