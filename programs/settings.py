"""The inner loop's numbers."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from .records import Record


class Settings(Record):
    """Numbers that steer the loop. They decide what is paid for, never what counts as good.

    `error` alone may change a verdict, as rarely as it says.
    """

    rounds: PositiveInt = 12
    """Tasks tried per document, at most."""
    tokens: PositiveInt | None = None
    """Start no further round once an episode has used this many tokens; no limit if absent."""
    weak_attempts: PositiveInt = 3
    """Answers of the weak solver per task."""
    strong_attempts: PositiveInt = 3
    """Answers of the strong solver per task."""
    candidates: PositiveInt = 1
    """Tasks written at once from one brief, each from another angle."""
    race: bool = True
    """Skip attempts that cannot change the verdict. Without it every attempt is made."""
    error: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """Stop attempts as soon as a sequential test with this share of errors decides; see
    `metrics.sequential`. Without it, or without `race`, only certainty stops them."""
    verify_last: bool = False
    """Ask the verifier's model only about tasks that the gate has accepted."""
    in_flight: PositiveInt = 1
    """Attempts of one solver under way at a time. 1 pays least; more ends a document sooner."""
    memory: NonNegativeInt = 0
    """Failed rounds that the orchestrator and the challenger are shown; 0 shows all."""
