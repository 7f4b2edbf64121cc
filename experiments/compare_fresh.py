"""What counts of the fresh attempts at kept tasks: whole answers of contests that no outage hit."""

from collections.abc import Mapping

from ..programs import Attempt, Episode, Round


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
