"""The objective that every method optimizes: a candidate on documents gives episodes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..programs import Autodata, Document, Episode, Usage, background
from ..programs.budget import BudgetError
from .candidate import Candidate


class EpisodeStore(Protocol):
    """Keeps finished episodes, so that none is run twice."""

    def get(self, key: str) -> Episode | None:
        """Return the episode kept under `key`, or `None`."""
        ...

    def put(self, key: str, episode: Episode) -> None:
        """Keep an episode; it must survive a crash from here on."""
        ...


Run = Callable[[Document, str], Awaitable[Episode]]
"""Runs one document, under the `rollout` that names its samples; on the background loop."""


class Engine(Protocol):
    """Where episodes are run."""

    def ready(self, candidate: Candidate) -> Run:
        """Return what runs a candidate's episodes."""
        ...


class Here:
    """Runs episodes in this process.

    Args:
        program: The program to vary. It is never changed.
    """

    def __init__(self, program: Autodata) -> None:
        self._program = program

    def ready(self, candidate: Candidate) -> Run:
        """Return what runs a candidate's episodes."""
        program = candidate.applied(self._program)

        async def run(document: Document, rollout: str) -> Episode:
            return (await program.acall(document=document, rollout=rollout)).episode

        return run


class Forgetful:
    """A store that keeps nothing."""

    def get(self, key: str) -> Episode | None:
        """Return `None`."""
        return None

    def put(self, key: str, episode: Episode) -> None:
        """Do nothing."""


class Objective:
    """Runs candidates on documents, in parallel, each pair once.

    Args:
        program: The program to vary. It is never changed.
        seed: Root of the samples: the same seed asks for the same answers.
        in_flight: Documents under way at a time.
        store: Where finished episodes are kept.
        watch: Called with every episode as it ends, kept or new.
        engine: Where episodes are run; this process unless another place is given.
    """

    def __init__(
        self,
        program: Autodata,
        *,
        seed: int,
        in_flight: int = 16,
        store: EpisodeStore | None = None,
        watch: Callable[[Episode], None] = lambda episode: None,
        engine: Engine | None = None,
    ) -> None:
        self.program = program
        self.seed = seed
        self._in_flight = in_flight
        self._store = Forgetful() if store is None else store
        self._watch = watch
        self._engine = Here(program) if engine is None else engine
        self._usage: dict[str, Usage] = {}

    @property
    def usage(self) -> Usage:
        """What the episodes asked for so far have asked of models, run now or kept from before."""
        return sum(self._usage.values(), Usage())

    def episodes(
        self, candidate: Candidate, documents: Sequence[Document], sample: str
    ) -> list[Episode]:
        """Run a candidate on documents and return the episodes in the documents' order.

        Args:
            candidate: What to run.
            documents: What to run it on.
            sample: Name of the measurement. Under the same name a document is run once; another
                name asks all models afresh.

        Raises:
            BudgetError: If the run's budget is used up. Every document that could be finished is
                kept, so that a run with a larger budget goes on from there.
        """
        return background.run(self._all(candidate, documents, sample))

    def adopt(self, candidate: Candidate, episodes: Sequence[Episode], sample: str) -> None:
        """Keep episodes that another process has run, as if they had been run here.

        Args:
            candidate: What they were run with.
            episodes: Finished ones; those that an outage has ended are left out.
            sample: Name of the measurement.
        """
        for episode in episodes:
            key = _key(candidate, sample, episode.document_id)
            if _finished(episode) and self._store.get(key) is None:
                self._store.put(key, episode)

    def rollout(self, sample: str) -> str:
        """Return the program's `rollout` argument for a measurement of that name."""
        return f"{self.seed}/{sample}"

    async def _all(
        self, candidate: Candidate, documents: Sequence[Document], sample: str
    ) -> list[Episode]:
        run = self._engine.ready(candidate)
        limit = asyncio.Semaphore(self._in_flight)
        struck: list[BudgetError] = []

        async def one(document: Document) -> Episode:
            key = _key(candidate, sample, document.id)
            episode = self._store.get(key)
            if episode is None:
                async with limit:
                    episode = await run(document, self.rollout(sample))
                if _finished(episode):
                    self._store.put(key, episode)
            self._usage[key] = episode.usage
            self._watch(episode)
            return episode

        async def affordable(document: Document) -> Episode | None:
            try:
                return await one(document)
            except BudgetError as error:
                # The other documents may need no more than what is under way or kept.
                struck.append(error)
                return None

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(affordable(document)) for document in documents]
        except BaseExceptionGroup as faults:
            # The first one ended the others, and is what callers know how to handle.
            raise faults.exceptions[0] from None
        if struck:
            raise struck[0]
        return [episode for task in tasks if (episode := task.result()) is not None]


def _key(candidate: Candidate, sample: str, document: str) -> str:
    return f"{candidate.id}/{sample}/{document}"


def _finished(episode: Episode) -> bool:
    """Tell a finished episode from an outage, which says nothing about the candidate."""
    return episode.failure is None or episode.failure.kind != "infrastructure"
