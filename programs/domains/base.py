"""What differs from domain to domain. The program takes it as data and does not ask which it is."""

from dataclasses import dataclass

import dspy

from ...metrics import Gate, RubricRules


@dataclass(frozen=True)
class Domain:
    """Prompts, rules and numbers of one domain."""

    name: str
    gate: Gate
    """Acceptance rule, unless the configuration names another."""
    rubric_rules: RubricRules
    weak_attempts: int
    """Answers of the weak solver per task."""
    strong_attempts: int
    """Answers of the strong solver per task."""
    rounds: int
    """Tasks tried per document, at most."""
    plan: type[dspy.Signature]
    analyze: type[dspy.Signature]
    write: type[dspy.Signature]
    check: type[dspy.Signature]
    solve: type[dspy.Signature]
    grade: type[dspy.Signature]
