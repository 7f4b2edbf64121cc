"""The work of a comparison: methods run on documents, and what they keep is tried afresh."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ..programs import Document, Episode, Failure, Program, Round, background
from ..programs.baselines import METHODS, BestOfN
from ..programs.records import AnyTask
from ..programs.role import ask
from .compare_fresh import tried
from .compare_result import Work
from .errors import InputError
from .session import Session

BUDGETED, PAYER = "best-of-n", "agentic"
"""The method that is given a number of calls, and the one that it gets it from."""

Run = Callable[[], Awaitable[Episode]]


def programs(session: Session, names: Sequence[str]) -> dict[str, Program]:
    """Make the programs of methods, on the same models and the same gate.

    Raises:
        InputError: If a method cannot be used in the session's domain.
    """
    config, made = session.config, {}
    for name in names:
        try:
            made[name] = METHODS[name](
                session.models.roles, config.task_domain, config.rule, config.settings
            )
        except ValueError as error:
            raise InputError(f"--methods {name}: {error}") from None
    return made


class Workbench:
    """Runs methods on a session's documents, each once, and measures the tasks that they keep.

    Every episode and every measurement is in the journal as soon as it has ended, and is not paid
    for again.

    Args:
        session: Documents, models, journal and gate.
        calls: Model calls per document for the budgeted method; without it as many as the loop
            made there.
    """

    def __init__(self, session: Session, calls: int | None = None) -> None:
        config = session.config
        self._session = session
        self._calls = calls
        self._judges = Program(
            session.models.roles, config.task_domain, config.rule, config.settings
        )
        self._episodes: dict[str, list[Episode]] = {}

    def work(self, name: str, program: Program) -> Work:
        """Let a method work on all documents, choose, and have its choice measured."""
        documents, reporter = self._session.documents, self._session.reporter
        reporter.stage(name, len(documents))
        budget = self._budget(program)
        runnable = [one for one in documents if budget is None or one.id in budget]
        found = background.run(self._run(name, program, runnable, budget or {}))
        if budget is not None:
            known = {one.document_id: one for one in found}
            found = [known.get(one.id) or _without_budget(one) for one in documents]
        self._episodes[name] = found
        chosen = [(one.document_id, one.accepted) for one in program.select(found)]
        kept = {id: one for id, one in chosen if one is not None and one.task is not None}
        tasks = {id: one.task for id, one in kept.items() if one.task is not None}
        reporter.stage(f"{name}: fresh attempts", len(tasks), announce=bool(tasks))
        return Work(name, found, kept, background.run(self._measure(tasks)))

    def _budget(self, program: Program) -> Mapping[str, int] | None:
        """Give the budgeted method its calls by document; `None` for all others."""
        if not isinstance(program, BestOfN):
            return None
        if self._calls is not None:
            budget = {one.id: self._calls for one in self._session.documents}
        else:
            loop = [one for one in self._episodes[PAYER] if not _outage(one)]
            budget = {one.document_id: one.usage.calls for one in loop}
        program.calls = budget
        return budget

    async def _run(
        self,
        name: str,
        program: Program,
        documents: Sequence[Document],
        budget: Mapping[str, int],
    ) -> list[Episode]:
        """Run a program on documents; on one after the other where it says so."""
        prompts, rollout = _fingerprint(program), self._session.objective.rollout("compare")
        limit = asyncio.Semaphore(1 if program.sequential else self._session.config.at_once)

        async def one(document: Document, keep: bool = True) -> Episode:
            allowed = f"-{budget[document.id]}" if document.id in budget else ""
            key = f"compare/{name}-{prompts}{allowed}/{document.id}"

            async def run() -> Episode:
                return (await program.acall(document=document, rollout=rollout)).episode

            kept = self._session.journal.get(key)
            if kept is not None:
                program.recall(kept)
            return await self._once(key, run, limit, keep)

        if program.sequential:
            found: list[Episode] = []
            for document in documents:
                # What follows an outage lacks its episode, and is done again by the next start.
                found.append(await one(document, keep=not any(map(_outage, found))))
            return found
        return await _together([one(document) for document in documents])

    async def _measure(self, tasks: Mapping[str, AnyTask]) -> dict[str, Episode]:
        """Let both solvers make every attempt at every task, as a sample of its own."""
        limit = asyncio.Semaphore(self._session.config.at_once)
        rollout = self._session.objective.rollout("measure")

        async def one(id: str, task: AnyTask) -> Episode:
            content = hashlib.sha256(task.model_dump_json().encode()).hexdigest()[:12]
            key = f"measure/{content}/{id}"
            return await self._once(key, lambda: tried(id, self._fresh(task), rollout), limit)

        found = await _together([one(id, task) for id, task in tasks.items()])
        return dict(zip(tasks, found, strict=True))

    async def _fresh(self, task: AnyTask) -> Round:
        """Try a task afresh, and hear the referee on how that went."""
        closed = await self._judges.attempted(task)
        if closed.failure is not None:
            return closed
        reply = await ask(self._judges.referee, closed=closed, before=())
        review = None if reply.prediction is None else reply.prediction.review
        return closed.model_copy(update={"review": review, "failure": reply.failure})

    async def _once(
        self, key: str, run: Run, limit: asyncio.Semaphore, keep: bool = True
    ) -> Episode:
        """Return what is kept under a key, or run it and keep it."""
        episode = self._session.journal.get(key)
        if episode is None:
            async with limit:
                episode = await run()
            # An outage says nothing about a method: the next start tries again.
            if keep and not _outage(episode):
                self._session.journal.put(key, episode)
        self._session.reporter.advance(episode.document_id)
        return episode


def _outage(episode: Episode) -> bool:
    return episode.failure is not None and episode.failure.kind == "infrastructure"


def _without_budget(document: Document) -> Episode:
    """Return the episode of a document whose number of calls is not known."""
    message = f"{PAYER} could not be scored here, so that its number of calls is not known"
    failure = Failure(role=BUDGETED, kind="infrastructure", message=message)
    return Episode(document_id=document.id, rounds=(), stopped="failure", failure=failure)


def _fingerprint(program: Program) -> str:
    """Return a hash of a program's prompts, so that no journal mixes two versions of them."""
    prompts = {name: one.signature.instructions for name, one in program.optimizable().items()}
    return hashlib.sha256(json.dumps(prompts, sort_keys=True).encode()).hexdigest()[:12]


async def _together(jobs: Sequence[Awaitable[Episode]]) -> list[Episode]:
    """Do jobs at the same time; the first one that fails ends the others."""

    async def done(job: Awaitable[Episode]) -> Episode:
        return await job

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(done(job)) for job in jobs]
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    return [task.result() for task in tasks]
