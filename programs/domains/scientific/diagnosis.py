"""How failed problems are told: by group as everywhere, the latest with their single attempts.

The paper's scientist reads the file of every attempt (Fig. 15): where a weak attempt was right it
asks what made the problem easy, where a strong one was wrong it asks at which step.
"""

from collections.abc import Sequence

from ...records import Attempt, Outcome, Round

GROUPS = (
    Outcome.TOO_EASY,
    Outcome.FAILED_ON_STRONG,
    Outcome.FAILED_QUALITY_CHECK,
    Outcome.IMPROVE,
)
LATEST = 4
"""Failed rounds whose attempts are quoted: as many as are written at once."""
QUOTED = 2
"""Attempts quoted of each solver and round."""
_REASON, _QUESTION, _EARLIER, _EXCERPT, _NOTE = 400, 1500, 400, 320, 240
"""Most characters of what is quoted: the reason, the question of a latest round and of an earlier
one, an attempt, and what the judge said of it."""


def diagnosed(rounds: Sequence[Round], *, memory: int = 0) -> str:
    """Write the failed rounds down for a model.

    Args:
        rounds: The episode so far, oldest first. Accepted and unscored rounds are left out.
        memory: How many of the latest failures to show; 0 shows all.

    Returns:
        One block per group that has an entry; empty if nothing failed. Every text of a model is
        put on one line and cut, so that it can neither pass for an entry nor crowd out the rest.
    """
    failed = [one for one in rounds if one.outcome in GROUPS]
    shown = failed[-memory:] if memory else failed
    latest = {one.number for one in failed[-LATEST:]}
    blocks = []
    for group in GROUPS:
        entries = [_entry(one, one.number in latest) for one in shown if one.outcome is group]
        if entries:
            blocks.append(f"{group.value}\n" + "\n".join(entries))
    return "\n\n".join(blocks)


def _entry(one: Round, latest: bool) -> str:
    lines = [f"- Round {one.number}: {cut(one.reason, _REASON)}"]
    if one.angle:
        lines.append(f"  Angle: {cut(one.angle, _EARLIER)}")
    if one.task is not None:
        lines += [
            f"  Type: {cut(one.task.question_type, _EARLIER)}",
            f"  Question: {cut(one.task.question, _QUESTION if latest else _EARLIER)}",
        ]
    for solver in ("weak", "strong"):
        grades = one.grades(solver)
        if grades:
            lines.append(f"  {solver.capitalize()} right: {sum(grades)} of {len(grades)}")
    if one.task is not None and latest:
        lines.append(f"  Reference: {cut(one.task.reference, _EARLIER)}")
        lines += [f"  {line}" for line in (*_easy(one.weak), *_hard(one.strong))]
    return "\n".join(lines)


def _easy(weak: Sequence[Attempt]) -> list[str]:
    """Quote weak attempts that were right: the end of the way that led there."""
    right = [(i, a) for i, a in enumerate(weak, 1) if a.grade == 1]
    return [
        f"Weak attempt {i} was right; its way: {tail(attempt.answer, _EXCERPT)}"
        for i, attempt in right[:QUOTED]
    ]


def _hard(strong: Sequence[Attempt]) -> list[str]:
    """Quote strong attempts that were wrong, and what they answered instead."""
    wrong = [(i, a) for i, a in enumerate(strong, 1) if a.grade == 0]
    return [
        f"Strong attempt {i} was wrong ({_instead(attempt)}); its way: "
        f"{tail(attempt.answer, _EXCERPT)}"
        for i, attempt in wrong[:QUOTED]
    ]


def _instead(attempt: Attempt) -> str:
    if attempt.truncated:
        return "cut off at the token limit"
    return cut(attempt.note, _NOTE) or "no note"


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}\u2026"


def tail(text: str, limit: int) -> str:
    """Return the end of a text on one line: the step before the result stands there."""
    line = " ".join(text[-8 * limit :].split())
    return line if len(line) <= limit else f"\u2026{line[1 - limit :]}"
