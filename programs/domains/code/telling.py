"""How failed rounds are told to the orchestrator and the challenger: with programs and reasons."""

from collections.abc import Sequence

from ...orchestrator import describe_failures
from ...records import Attempt, Outcome, Round
from .source import extract_program

PROGRAMS = 2
"""Programs quoted of the latest failure, at most."""
LINES, CHARACTERS = 24, 1200
"""How much of each is quoted."""


def describe_programs(rounds: Sequence[Round], *, memory: int = 0) -> str:
    """Write the failed rounds down, and what the programs of the latest one did.

    After a task that was too easy these are weak programs that passed; after one that was too hard,
    strong ones that failed. The reasons are those of the sandbox.
    """
    told = describe_failures(rounds, memory=memory, criteria=0)
    failed = [one for one in rounds if one.outcome not in (Outcome.ACCEPTED, Outcome.UNSCORED)]
    if not failed or not (failed[-1].weak or failed[-1].strong):
        return told
    return "\n\n".join([told, f"Programs of round {failed[-1].number}", *_attempts(failed[-1])])


def _attempts(one: Round) -> list[str]:
    """Return the outcome of every attempt in a line, and the most telling programs."""
    lines = [
        f"  {solver} attempt {number}: {_outcome(attempt)}"
        for solver, attempts in (("Weak", one.weak), ("Strong", one.strong))
        for number, attempt in enumerate(attempts, 1)
    ]
    easy = one.outcome is Outcome.TOO_EASY
    solver, attempts = ("Weak", one.weak) if easy else ("Strong", one.strong)
    shown = [attempt for attempt in attempts if attempt.grade == (1 if easy else 0)]
    verb = "passed" if easy else "failed"
    quoted = [*filter(None, dict.fromkeys(_quoted(attempt) for attempt in shown))][:PROGRAMS]
    return [
        "\n".join(lines),
        *(
            f"  {solver} program that {verb}:\n{text}"
            for text in [*filter(None, quoted)][:PROGRAMS]
        ),
    ]


def _outcome(attempt: Attempt) -> str:
    if attempt.grade is None:
        return "not scored"
    if attempt.truncated:
        return "failed (the answer hit the token limit)"
    return "passed" if attempt.grade == 1 else f"failed ({attempt.note})"


def _quoted(attempt: Attempt) -> str:
    """Return the beginning of an attempt's program, indented so that no line can pass for ours."""
    lines = extract_program(attempt.answer)[:CHARACTERS].splitlines()
    cut = lines[:LINES] + (["..."] if len(lines) > LINES else [])
    return "\n".join(f"    {line}" for line in cut)
