"""The history log: what was tried, what came of it, and why it failed, for those who try next."""

from collections.abc import Sequence
from typing import Literal

from ...programs.records import Record

RECENT, BEST = 8, 4
"""How many of the latest iterations and of the best other ones the log tells of."""

Outcome = Literal["accepted", "rejected", "not scored", "failed"]


class Entry(Record):
    """One iteration, ended."""

    iteration: int
    """Counted from 1."""
    parent: int
    """Number of the parent's trial."""
    child: int | None = None
    """Number of the child's trial; `None` if no child was measured."""
    summary: str = ""
    """What the implementer says that it changed and why; empty if it said nothing readable."""
    changed: tuple[str, ...] = ()
    """Names of what was edited."""
    outcome: Outcome
    """`rejected` was not strictly better than the parent; `failed` was never applied."""
    parent_score: float | None = None
    """The parent's score in the evaluation that decided, in [-1, 1]."""
    child_score: float | None = None
    """The child's score in the same evaluation, in [-1, 1]."""
    why: str = ""
    """Why nothing was applied or could be scored; empty otherwise."""

    @property
    def gain(self) -> float:
        """Child minus parent; minus infinity if there is nothing to compare."""
        if self.parent_score is None or self.child_score is None:
            return float("-inf")
        return self.child_score - self.parent_score

    def told(self) -> str:
        """Put the entry into one line."""
        edit = f"edited {', '.join(self.changed)}" if self.changed else "no edit"
        if self.parent_score is not None and self.child_score is not None:
            scores = f": {self.parent_score:+.3f} before, {self.child_score:+.3f} after"
        else:
            scores = ""
        line = f"- Iteration {self.iteration}, {self.outcome}{scores}; {edit}."
        return " ".join(part for part in (line, self.summary, self.why) if part)


def told(entries: Sequence[Entry], *, recent: int = RECENT, best: int = BEST) -> str:
    """Tell the latest iterations, and of the others those that gained most, oldest first.

    Args:
        entries: All iterations so far, in order.
        recent: How many of the latest to tell.
        best: How many accepted ones to tell besides.

    Returns:
        One line each; empty if nothing was tried yet.
    """
    latest = entries[-recent:] if recent else []
    earlier = [one for one in entries[: len(entries) - len(latest)] if one.outcome == "accepted"]
    earlier = sorted(earlier, key=lambda one: (-one.gain, one.iteration))[:best]
    shown = sorted([*earlier, *latest], key=lambda one: one.iteration)
    return "\n".join(one.told() for one in shown)
