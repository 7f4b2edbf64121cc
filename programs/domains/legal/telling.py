"""The packet in words: for the referee, and for those who have to write the next task."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ...records import CapabilityTask, Outcome, Review, Round
from .overriding import LONGEST
from .packet import CapabilityRow, CriterionRow, Packet, packet

GROUPS = (
    Outcome.TOO_EASY,
    Outcome.FAILED_ON_STRONG,
    Outcome.FAILED_QUALITY_CHECK,
    Outcome.IMPROVE,
)

_MARKS = (
    "1 where the criterion is true of the attempt; of a criterion with a negative weight this is "
    "an error made, and passed counts those without it"
)


def for_referee(closed: Round, task: CapabilityTask, before: Sequence[Round]) -> str:
    """Write the whole packet down, with the verdicts on earlier rounds."""
    found = packet(closed, task)
    blocks = {
        "QUESTION": f"{found.length} of at most {LONGEST} characters\n{task.question}",
        "CAPABILITIES": _named(task),
        "AGGREGATES": _aggregates(found),
        "ATTEMPTS": f"weak: {_list(found.weak)}\nstrong: {_list(found.strong)}",
        "CRITERIA": "\n".join((_MARKS, *map(_criterion, range(1, 99), found.criteria))),
        "CAPABILITIES, WEAKEST FIRST": "\n".join(_table(found)),
        "EARLIER VERDICTS": "\n".join(_verdicts(before)) or "none",
    }
    return "\n\n".join(f"{name}\n{text}" for name, text in blocks.items())


def describe(rounds: Sequence[Round], *, memory: int = 0) -> str:
    """Write the failed rounds down for orchestrator and writer, grouped by how they failed.

    The latest round that was tried is told in full: its packet, what the referee said, and what
    code refused. The same goes for the latest task, if it was refused untried. Of earlier rounds
    only the reason and the averages are told.

    Args:
        rounds: The episode so far, oldest first. Accepted and unscored rounds are left out.
        memory: How many of the latest failures to show; 0 shows all.

    Returns:
        One block per group that has an entry; empty if nothing failed.
    """
    failed = [one for one in rounds if one.outcome in GROUPS]
    shown = failed[-memory:] if memory else failed
    whole = _told_whole(shown)
    blocks = []
    for group in GROUPS:
        entries = [_entry(one, one in whole) for one in shown if one.outcome is group]
        if entries:
            blocks.append(f"{group.value}\n" + "\n".join(entries))
    return "\n\n".join(blocks)


def _told_whole(shown: Sequence[Round]) -> list[Round]:
    """Return the latest round with a task, and the latest with attempts."""
    tasks = [one for one in shown if isinstance(one.task, CapabilityTask)]
    return [*tasks[-1:], *[one for one in tasks if one.weak][-1:]]


def _entry(one: Round, whole: bool) -> str:
    lines = [f"- Round {one.number}: {_flat(one.reason)}"]
    if isinstance(one.task, CapabilityTask):
        found = packet(one, one.task)
        if whole:
            lines += _task_lines(one.task, found.length)
        if one.weak:
            lines += [f"  {line}" for line in _aggregates(found).split("\n")]
        if whole and one.weak:
            lines += ["  Capabilities, weakest first:", *(f"  {line}" for line in _table(found))]
        if not one.weak and one.outcome is Outcome.FAILED_QUALITY_CHECK:
            lines.append("  Refused by code before anybody tried it; no referee can lift that.")
    if one.review is not None:
        lines += [f"  {line}" for line in _review(one.review, whole)]
    return "\n".join(lines)


def _task_lines(task: CapabilityTask, length: int) -> list[str]:
    return [
        f"  Type: {_flat(task.question_type)}",
        f"  Question ({length} of at most {LONGEST} characters): {_flat(task.question)}",
        f"  {_named(task)}",
    ]


def _review(review: Review, whole: bool) -> Iterator[str]:
    yield f"Suitability: {review.suitability}"
    if whole:
        yield f"Weak pattern: {_flat(review.weak_pattern)}"
        yield f"Strong pattern: {_flat(review.strong_pattern)}"
        yield f"Gap interpretation: {_flat(review.gap_interpretation)}"
        yield from (f"Rubric concern: {_flat(one)}" for one in review.rubric_concerns)
        yield f"Suggestion: {_flat(review.suggestion)}"


def _verdicts(before: Sequence[Round]) -> Iterator[str]:
    for one in before:
        if one.review is not None:
            weak = _share(one.mean("weak"))
            said = f"{one.review.verdict}, suitability {one.review.suitability}, weak {weak}"
            yield f"Round {one.number}: {said}: {_flat(one.review.reason)}"
        elif one.outcome is Outcome.FAILED_QUALITY_CHECK:
            yield f"Round {one.number}: refused by code: {_flat(one.reason)}"


def _named(task: CapabilityTask) -> str:
    primary, secondary = task.capabilities.primary, task.capabilities.secondary
    return f"Primary: {_flat(', '.join(primary))}. Secondary: {_flat(', '.join(secondary))}."


def _aggregates(found: Packet) -> str:
    weak, strong = found.weak, found.strong
    averages = [sum(grades, Fraction(0)) / len(grades) for grades in (weak, strong) if grades]
    gap = _share(averages[1] - averages[0]) if len(averages) == 2 else "unknown"
    return "\n".join(
        (
            f"Weak average: {_share(_mean(weak))} of {len(weak)} attempts, "
            f"spread {found.spread:.3f} (standard deviation)",
            f"Strong average: {_share(_mean(strong))} of {len(strong)} attempts",
            f"Gap: {gap}",
        )
    )


def _mean(grades: Sequence[Fraction]) -> Fraction | None:
    return sum(grades, Fraction(0)) / len(grades) if grades else None


def _criterion(number: int, row: CriterionRow) -> str:
    sides = []
    for name, attempts in (("weak", row.weak), ("strong", row.strong)):
        marks = " ".join(str(int(one)) for one in attempts) or "-"
        average = _share(_mean([Fraction(one) for one in attempts]))
        sides.append(f"{name} {marks} (average {average}, passed {row.passed(attempts)})")
    head = f"{number}. [{row.weight:+d}, {_flat(row.capability)}]"
    return f"{head} {'; '.join(sides)}: {_flat(row.criterion)}"


def _table(found: Packet) -> Iterator[str]:
    """Yield a line per capability, those that the weak solver does worst on first."""

    def order(row: CapabilityRow) -> tuple[bool, Fraction]:
        return row.weak is None, row.weak or Fraction(0)

    for row in sorted(found.capabilities, key=order):
        yield (
            f"- {_flat(row.capability)}: {row.criteria} criteria, weak {_share(row.weak)}, "
            f"strong {_share(row.strong)}, gap {_share(row.gap)}"
        )


def _list(grades: Sequence[Fraction]) -> str:
    return ", ".join(f"{float(one):.3f}" for one in grades) or "none"


def _share(value: Fraction | None) -> str:
    return "unknown" if value is None else f"{float(value):.3f}"


def _flat(text: str) -> str:
    """Put a model's text on one line, so that it cannot pass for a heading or another entry."""
    return " ".join(text.split())
