"""Fresh attempts at kept tasks, and what counts of them: answers of contests no outage hit."""

import time
from collections.abc import Awaitable, Mapping

from ..programs import Attempt, Episode, Round
from ..programs.usage import Ledger, observing, sample


async def tried(document: str, contest: Awaitable[Round], rollout: str) -> Episode:
    """Hold a contest over a kept task, and return it as an episode with what it asked of models.

    Args:
        document: The id of the task's document.
        contest: The fresh attempts.
        rollout: The sample that its calls belong to.
    """
    ledger, started = Ledger(), time.monotonic()
    with observing(ledger.add), sample(rollout):
        closed = await contest
    return Episode(
        document_id=document,
        rounds=(closed,),
        usage=ledger.total,
        roles=ledger.roles,
        seconds=round(time.monotonic() - started, 3),
        stopped="rounds" if closed.failure is None else "failure",
        failure=closed.failure,
    )


def usable(measured: Mapping[str, Episode]) -> dict[str, Round]:
    """Return the measured rounds by document, without attempts that were cut off or empty.

    Their grade of 0 is no evidence of a gap. A measurement that an outage hit is left out whole: it
    is made again by the next start.
    """
    return {
        id: _whole(episode.rounds[-1])
        for id, episode in measured.items()
        if episode.failure is None and episode.rounds[-1].failure is None
    }


def hollow(measured: Mapping[str, Episode]) -> int:
    """Count the fresh attempts that were cut off or empty."""
    rounds = [one for episode in measured.values() for one in episode.rounds]
    return sum(attempt.hollow for one in rounds for attempt in (*one.weak, *one.strong))


def _whole(fresh: Round) -> Round:
    return fresh.model_copy(
        update={"weak": _without_hollow(fresh.weak), "strong": _without_hollow(fresh.strong)}
    )


def _without_hollow(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    return tuple(attempt for attempt in attempts if not attempt.hollow)
