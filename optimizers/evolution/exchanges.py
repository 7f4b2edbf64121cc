"""Whole exchanges in words: everything that was said in an episode, for a model to analyze."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...programs import Attempt, Document, Episode, Round

ROOM = 80_000
"""Characters that the exchanges of a minibatch may take, roughly 20,000 tokens."""
LIMITS = (8000, 4000, 2000, 1000, 500, 250, 120)
"""Characters of one text: the first that lets everything fit."""


def exchanges(
    documents: Mapping[str, Document], episodes: Sequence[Episode], *, room: int = ROOM
) -> str:
    """Write episodes down as they went: material, briefs, tasks, attempts, grades, verdicts.

    Nothing is left out as long as there is room. Without it every long text is cut, all of them at
    the same length, so that each round and each attempt is still seen.

    Args:
        documents: The documents by id.
        episodes: What a program did with them.
        room: Characters to keep to; kept unless there are very many rounds.
    """
    text = ""
    for limit in LIMITS:
        text = "\n\n".join(_episode(documents[one.document_id], one, limit) for one in episodes)
        if len(text) <= room:
            break
    return text


def _episode(document: Document, episode: Episode, limit: int) -> str:
    head = f"=== Document {document.id}"
    if episode.stopped == "unsuitable":
        return f"{head}: turned away\n{_cut(episode.reason, limit)}"
    ended = "accepted" if episode.accepted else f"no task accepted (ended by: {episode.stopped})"
    parts = [
        f"{head}: {ended}, {len(episode.rounds)} rounds",
        f"Material: {_cut(episode.material or document.text, limit)}",
        *(_round(one, limit) for one in episode.rounds),
    ]
    if episode.failure is not None:
        parts.append(f"Ended by a failure: {_cut(str(episode.failure), limit)}")
    return "\n".join(parts)


def _round(one: Round, limit: int) -> str:
    lines = [f"--- Round {one.number}: {one.outcome.value}"]
    said = {"Reason": one.reason, "Lesson": one.lesson, "Brief": one.brief, "Angle": one.angle}
    lines += [f"{name}: {_cut(text, limit)}" for name, text in said.items() if text]
    if one.task is not None:
        lines += _task(one.task.model_dump(mode="json"), limit)
    lines += [_attempt("Weak", number, a, limit) for number, a in enumerate(one.weak, 1)]
    lines += [_attempt("Strong", number, a, limit) for number, a in enumerate(one.strong, 1)]
    if one.review is not None:
        lines.append(f"Referee: {one.review.verdict}. {_cut(one.review.reason, limit)}")
    if one.failure is not None:
        lines.append(f"Failure: {_cut(str(one.failure), limit)}")
    return "\n".join(lines)


def _task(task: Mapping[str, Any], limit: int) -> list[str]:
    """Show a task field by field; its criteria with their weights."""
    lines = []
    for name, value in task.items():
        if name == "rubric":
            lines += [
                f"Criterion {number} ({one['weight']:+d}): {_cut(one['criterion'], limit)}"
                for number, one in enumerate(value, 1)
            ]
        else:
            shown = value if isinstance(value, str) else str(value)
            lines.append(f"{name.replace('_', ' ').capitalize()}: {_cut(shown, limit)}")
    return lines


def _attempt(solver: str, number: int, attempt: Attempt, limit: int) -> str:
    grade = "not graded" if attempt.grade is None else f"grade {float(attempt.grade):.2f}"
    met = [str(i) for i, satisfied in enumerate(attempt.satisfied, 1) if satisfied]
    notes = [grade]
    notes += [f"met criteria {', '.join(met) or 'none'}"] if attempt.satisfied else []
    notes += ["cut off at the token limit"] if attempt.truncated else []
    notes += [_cut(attempt.note, limit)] if attempt.note else []
    notes += [_cut(str(attempt.failure), limit)] if attempt.failure is not None else []
    return f"{solver} attempt {number} ({'; '.join(notes)}): {_cut(attempt.answer, limit)}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()} [...]"
