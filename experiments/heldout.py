"""The held-out solvers: what a pair that no search has seen makes of the accepted test tasks."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ..metrics import mean
from ..optimizers import score
from ..programs import Episode, Program, Round, Usage, background
from ..programs.budget import Amount
from ..programs.records import AnyTask
from .afford import episode_cost
from .compare_fresh import tried, usable
from .config import HELDOUT
from .result import HeldOut, HeldOutSide, averaged, mean_interval, paired
from .session import Session

Repeats = Sequence[Sequence[Episode]]


class _Kept(NamedTuple):
    """An accepted task, and what names it in the journal."""

    key: str
    document: str
    task: AnyTask


def held_out(session: Session, baseline: Repeats, winner: Repeats) -> HeldOut | None:
    """Let the held-out solvers try every task that was accepted on the test documents.

    Both make every attempt, with fresh answers, and the run's own judge grades them. What is graded
    is in the journal, and is not paid for again.

    Args:
        session: A run; without held-out models nothing is done.
        baseline: For each repeat the baseline's episodes in the documents' order.
        winner: The same for the winner.
    """
    config = session.config
    if not set(HELDOUT) <= config.models.keys():
        return None
    tasks = {kept.key: kept for repeat in (*baseline, *winner) for kept in _accepted(repeat)}
    session.reporter.stage("held-out solvers", len(tasks), announce=bool(tasks))
    measured = background.run(_measured(session, list(tasks.values())))
    rounds = usable(measured)
    before, after = (_values(repeats, rounds) for repeats in (baseline, winner))
    usage = sum((episode.usage for episode in measured.values()), Usage())
    return HeldOut(
        baseline=_side(baseline, before, rounds, seed=config.seed),
        winner=_side(winner, after, rounds, seed=config.seed),
        difference=paired(before, after, seed=config.seed),
        calls=usage.calls,
        tokens=usage.tokens,
    )


def held_out_cost(session: Session, episodes: Sequence[Episode]) -> Amount:
    """Estimate what `held_out` costs at most: where every test task is accepted.

    Each attempt is an answer and its grading. Both are taken to be as long as the run's own
    solvers' and judge's, at the held-out models' prices; a task takes an episode's time at most.

    Args:
        session: A run; without held-out models nothing is spent.
        episodes: Finished ones.
    """
    config = session.config
    if not set(HELDOUT) <= config.models.keys():
        return Amount()
    weak, strong = config.settings.weak_attempts, config.settings.strong_attempts
    asked = [("weak", HELDOUT[0], weak), ("strong", HELDOUT[1], strong)]
    if "judge" in config.task_domain.spoken:
        asked.append(("judge", "judge", weak + strong))
    seconds = episode_cost(config.models, episodes, together=config.at_once).seconds
    task = Amount(seconds=seconds)
    for role, model, count in asked:
        used = sum((one.roles.get(role, Usage()) for one in episodes), Usage())
        usd = config.models[model].cost(used.input_tokens, used.output_tokens)
        answer = Amount(calls=Decimal(1)).plus(
            Amount(tokens=Decimal(used.tokens), usd=usd).times(1 / Decimal(max(used.calls, 1)))
        )
        task = task.plus(answer.times(count))
    return task.times(2 * config.test_repeats * len(session.split().test))


def _accepted(episodes: Sequence[Episode]) -> list[_Kept]:
    return [kept for episode in episodes if (kept := _kept(episode)) is not None]


def _kept(episode: Episode) -> _Kept | None:
    """Name an episode's accepted task by its content: the same task is tried once."""
    if episode.accepted is None or episode.accepted.task is None:
        return None
    task = episode.accepted.task
    content = hashlib.sha256(task.model_dump_json().encode()).hexdigest()[:12]
    return _Kept(f"heldout/{content}/{episode.document_id}", episode.document_id, task)


async def _measured(session: Session, tasks: Sequence[_Kept]) -> dict[str, Episode]:
    """Try the tasks, as many at a time as the run allows, and keep what no outage hit."""
    config, journal = session.config, session.journal
    weak, strong = (session.models[name] for name in HELDOUT)
    models = session.models.roles._replace(weak=weak, strong=strong)
    solvers = Program(models, config.task_domain, config.rule, config.settings)
    limit = asyncio.Semaphore(config.at_once)

    async def one(kept: _Kept) -> Episode:
        episode = journal.get(kept.key)
        if episode is None:
            async with limit:
                attempts = solvers.attempted(kept.task)
                episode = await tried(kept.document, attempts, session.objective.rollout("heldout"))
            # An outage says nothing about a task: the next start tries again.
            if episode.failure is None or episode.failure.kind != "infrastructure":
                journal.put(kept.key, episode)
        session.reporter.advance(kept.document)
        return episode

    # All are waited for, so that an error in one loses no answer of another that is paid for.
    found = await asyncio.gather(*(one(kept) for kept in tasks), return_exceptions=True)
    episodes: dict[str, Episode] = {}
    for kept, episode in zip(tasks, found, strict=True):
        if isinstance(episode, BaseException):
            raise episode
        episodes[kept.key] = episode
    return episodes


def _values(repeats: Repeats, rounds: Mapping[str, Round]) -> list[float | None]:
    """Average each document's objective with the held-out grades in place of the run's own."""
    return averaged([[_value(episode, rounds) for episode in repeat] for repeat in repeats])


def _value(episode: Episode, rounds: Mapping[str, Round]) -> float | None:
    kept = _kept(episode)
    if kept is None:
        return score(episode)  # 0 without a task, `None` if that could not be found out.
    gap = rounds[kept.key].gap if kept.key in rounds else None
    return None if gap is None else float(gap)


def _side(
    repeats: Repeats,
    values: Sequence[float | None],
    rounds: Mapping[str, Round],
    *,
    seed: int,
) -> HeldOutSide:
    accepted = [kept for repeat in repeats for kept in _accepted(repeat)]
    found = [rounds[kept.key] for kept in accepted if kept.key in rounds]
    graded = [one for one in found if one.gap is not None]
    interval = mean_interval(values, seed=seed)
    return HeldOutSide(
        gap=interval.estimate if interval else None,
        gap_low=interval.low if interval else None,
        gap_high=interval.high if interval else None,
        weak=_mean([grade for one in graded for grade in one.grades("weak")]),
        strong=_mean([grade for one in graded for grade in one.grades("strong")]),
        tasks=len(accepted),
        unmeasured=len(accepted) - len(graded),
    )


def _mean(grades: Sequence[Fraction]) -> float | None:
    return float(mean(grades)) if grades else None
