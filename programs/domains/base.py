"""What differs from domain to domain. The program takes it as data and does not ask which it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dspy

from ...metrics import Gate, RubricRules, faults
from ..judge import Judge
from ..orchestrator import describe_failures
from ..reader import Reader
from ..records import Round
from ..referee import Referee
from ..settings import Settings
from ..verifier import QualityVerifier

ROLES = ("orchestrator", "challenger", "verifier", "weak", "strong", "judge")
"""The roles that ask a model in most domains, in the order in which they speak."""


class Rules(Protocol):
    """What code demands of a task before any model is asked about it."""

    def describe(self) -> str:
        """Tell the writer the rules, as one imperative paragraph."""
        ...

    def faults(self, task: Any) -> list[str]:
        """List every rule that a task breaks, each with its remedy; empty if it keeps all."""
        ...


DEFAULT_RUBRIC = RubricRules()


@dataclass(frozen=True)
class Rubrics:
    """The rules of tasks that are graded by a rubric and nothing else."""

    rules: RubricRules = DEFAULT_RUBRIC

    def describe(self) -> str:
        """Tell the writer the rules."""
        return self.rules.describe()

    def faults(self, task: Any) -> list[str]:
        """List every rule that the task's rubric breaks."""
        return faults(task.rubric, self.rules)


class Describe(Protocol):
    """Writes failed rounds down for the orchestrator and the challenger."""

    def __call__(self, rounds: Sequence[Round], *, memory: int = 0) -> str:
        """Return a text about the last `memory` failed rounds (0: all); empty if there are none."""
        ...


def nothing(material: str, task: Any) -> list[str]:
    """Override no decision."""
    return []


MakeRole = Callable[[dspy.LM | None], Any]
"""Makes a role for a model. Roles that ask none ignore it."""


@dataclass(frozen=True)
class Domain:
    """Prompts, rules, roles and numbers of one domain."""

    name: str
    gate: Gate
    """Acceptance rule, unless the configuration names another."""
    rules: Rules
    """What code demands of every task."""
    weak_attempts: int
    """Answers of the weak solver per task."""
    strong_attempts: int
    """Answers of the strong solver per task."""
    rounds: int
    """Tasks tried per document, at most."""
    plan: type[dspy.Signature]
    analyze: type[dspy.Signature]
    write: type[dspy.Signature]
    solve: type[dspy.Signature]
    reader: MakeRole = Reader
    """Turns a document into what the other roles are given, or turns it away."""
    verifier: MakeRole = QualityVerifier
    """Refuses unsound tasks before a solver is paid for."""
    judge: MakeRole = Judge
    """Grades one answer."""
    overrides: Callable[[str, Any], list[str]] = nothing
    """Why a task is refused whatever solvers and referee make of it, given the reader's material.
    Looked at where a gate decides, before anybody is paid, and not for tasks without a gate."""
    referee: MakeRole = Referee
    """Has the last word on a task that the gate lets pass."""
    describe: Describe = describe_failures
    """How failed rounds are told to the orchestrator and the challenger."""
    angles: tuple[str, ...] = ()
    """Ways to vary tasks that are written at once from one brief."""
    candidates: int = 1
    """Tasks written at once from one brief."""
    repeats: bool = False
    """Whether honest attempts may be the same word for word, as short programs are."""
    probe: bool = False
    """Whether an empty answer of a solver whose model is alive counts as a wrong one."""
    surroundings: Callable[[], Sequence[str]] = tuple
    """Says what the domain depends on in this machine, and whether it is there, a line each."""
    spoken: tuple[str, ...] = ROLES
    """The roles that ask a model."""
    sparing: tuple[str, ...] = ()
    """Those of them that ask only where code cannot tell, so that a round may do without."""

    @property
    def settings(self) -> Settings:
        """The loop's numbers in this domain."""
        return Settings(
            rounds=self.rounds,
            weak_attempts=self.weak_attempts,
            strong_attempts=self.strong_attempts,
            candidates=self.candidates,
        )
