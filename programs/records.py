"""What the inner loop leaves behind: documents, tasks, attempts, rounds, episodes and failures.

Everything is frozen and goes to JSON and back without loss, so that a journal line is an episode.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..metrics import Exact, Group, Miss, gap, mean
from .tasks import AnswerTask, AnyTask, CapabilityTask, ProgramTask, Task

__all__ = [
    "AnswerTask",
    "AnyTask",
    "Attempt",
    "CapabilityTask",
    "Document",
    "Episode",
    "Failure",
    "Outcome",
    "ProgramTask",
    "Record",
    "Review",
    "Round",
    "Stopped",
    "Task",
    "Usage",
]


class Record(BaseModel):
    """Base of all records: frozen, closed, documented field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Document(Record):
    """The text that a task is grounded in."""

    id: str
    """Stable name, unique within a run. Never used as a path."""
    text: str
    """The whole text."""
    title: str = ""
    """For people; empty if the document has none."""


class Usage(Record):
    """What model calls cost, added up."""

    calls: int = 0
    """Answers of a model, whether paid for now or found in the cache."""
    cached: int = 0
    """Those of `calls` that the cache answered."""
    failed: int = 0
    """Requests that ended in an error; retries count each time. Not part of `calls`."""
    input_tokens: int = 0
    """Prompt tokens of `calls` as the endpoint reports them."""
    output_tokens: int = 0
    """Answer tokens of `calls`, reasoning included."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            cached=self.cached + other.cached,
            failed=self.failed + other.failed,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class Failure(Record):
    """Why a role gave no usable answer. Never a score."""

    role: str
    """Which role failed, such as `judge`."""
    kind: Literal["infrastructure", "malformed", "truncated", "empty", "duplicate"]
    """`infrastructure` says nothing about a prompt; the others say what an answer lacked."""
    message: str
    """One line for people."""

    def __str__(self) -> str:
        return f"{self.role}: {self.message}"


class Attempt(Record):
    """One answer of a solver."""

    answer: str
    """The solver's text; empty if the call failed."""
    grade: Exact | None = None
    """Score in [0, 1]; `None` if it could not be scored."""
    satisfied: tuple[bool, ...] = ()
    """The judge's verdict for each criterion of the rubric, in order."""
    note: str = ""
    """What the judge says beyond the criteria, such as why a program failed."""
    truncated: bool = False
    """The answer hit the token limit: graded 0 without a judge, and never evidence of a gap."""
    failure: Failure | None = None
    """Set if and only if `grade` is `None`."""

    @property
    def hollow(self) -> bool:
        """Whether it was graded 0 for want of a whole answer."""
        return self.truncated or (self.grade is not None and not self.answer)


class Outcome(StrEnum):
    """How a round ended."""

    ACCEPTED = "ACCEPTED"
    TOO_EASY = Group.TOO_EASY.value
    FAILED_ON_STRONG = Group.FAILED_ON_STRONG.value
    FAILED_QUALITY_CHECK = Group.FAILED_QUALITY_CHECK.value
    IMPROVE = "IMPROVE"
    UNSCORED = "UNSCORED"


class Review(Record):
    """What a referee made of a round whose grades the gate let pass (paper, Fig. 13)."""

    weak_pattern: str
    """What the weak attempts have in common, with their numbers."""
    strong_pattern: str
    """The same for the strong attempts."""
    gap_interpretation: str
    """What the difference comes from."""
    rubric_concerns: tuple[str, ...] = ()
    """Criteria that do not test what they should."""
    suitability: Literal["high", "medium", "low"]
    """How useful the task is for training the weak solver by reinforcement."""
    verdict: Literal["accept", "improve"]
    reason: str
    """Why, in one or two sentences."""
    suggestion: str = ""
    """What the writer should do next; empty on accept."""


class Round(Record):
    """One task tried, and why it was accepted or not."""

    number: int
    """Counted from 1 within the episode."""
    known: int = 0
    """Rounds before it that were known when it was written; less than `number` - 1 if several were
    written at once."""
    lesson: str = ""
    """What the orchestrator made of the failures before; empty in the first round."""
    brief: str
    """What the challenger was told."""
    angle: str = ""
    """What it was told besides, if several tasks were written from one brief."""
    notes: str = ""
    """The challenger's scratchpad, kept because a demonstration needs it."""
    task: AnyTask | None = None
    """`None` if the challenger gave nothing that could be read."""
    weak: tuple[Attempt, ...] = ()
    """Attempts of the weak solver, in order; fewer than planned if the verdict was certain."""
    strong: tuple[Attempt, ...] = ()
    """The same for the strong solver; empty if the weak attempts decided."""
    outcome: Outcome
    reason: str = ""
    """Every rule that failed and by how much, in one line; empty if accepted."""
    misses: tuple[Miss, ...] = ()
    """The rules of the gate that failed."""
    sequential: str = ""
    """How a sequential test ended the attempts, and which were not asked; empty if none did."""
    review: Review | None = None
    """What the referee said, in domains that have one."""
    failure: Failure | None = None
    """Why the round could not be scored, or what was malformed."""

    def grades(self, solver: Literal["weak", "strong"]) -> list[Fraction]:
        """Return the scored grades of one solver, in order."""
        attempts = self.weak if solver == "weak" else self.strong
        return [attempt.grade for attempt in attempts if attempt.grade is not None]

    @property
    def gap(self) -> Fraction | None:
        """Strong mean minus weak mean, in [-1, 1]; `None` until both solvers have a grade."""
        weak, strong = self.grades("weak"), self.grades("strong")
        return gap(weak, strong) if weak and strong else None

    def mean(self, solver: Literal["weak", "strong"]) -> Fraction | None:
        """Average grade of one solver in [0, 1]; `None` without a grade."""
        grades = self.grades(solver)
        return mean(grades) if grades else None


Stopped = Literal["accepted", "rounds", "tokens", "unsuitable", "failure"]


class Episode(Record):
    """All rounds on one document."""

    document_id: str
    material: str = ""
    """What the roles were given in place of the document's text; empty if it was the text."""
    rounds: tuple[Round, ...]
    usage: Usage = Usage()
    """Everything that the episode asked of any model."""
    roles: dict[str, Usage] = Field(default_factory=dict)
    """The same, by role."""
    seconds: float = 0.0
    """Wall-clock time."""
    stopped: Stopped = "rounds"
    """What ended the episode: an accepted task, a cap, an unsuitable document, or a failure."""
    reason: str = ""
    """Why the document is unsuitable; empty if it is not."""
    failure: Failure | None = None
    """Set if the episode could not be scored though its document was suitable."""

    @property
    def accepted(self) -> Round | None:
        """The accepted round, if the episode has one."""
        last = self.rounds[-1] if self.rounds else None
        return last if last is not None and last.outcome is Outcome.ACCEPTED else None

    @property
    def score(self) -> Fraction | None:
        """Gap of the accepted task, 0 if there is none, `None` if nothing could be scored."""
        if self.failure is not None or self.stopped == "unsuitable":
            return None
        accepted = self.accepted
        return Fraction(0) if accepted is None else accepted.gap
