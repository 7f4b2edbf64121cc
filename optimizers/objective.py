"""The objective that every method optimizes: a candidate on documents gives episodes."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ..programs import Autodata, Document, Episode, Usage, background
from ..programs.budget import BudgetError
from .candidate import Candidate
from .engine import Engine, Here, Run


class EpisodeStore(Protocol):
    """Keeps finished episodes, so that none is run twice."""

    def __contains__(self, key: str) -> bool:
        """Say whether `get` is expected to find something."""
        ...

    def get(self, key: str) -> Episode | None:
        """Return the episode kept under `key`, or `None`."""
        ...

    def put(self, key: str, episode: Episode) -> None:
        """Keep an episode; it must survive a crash from here on."""
        ...


Part = tuple[Candidate, Sequence[Document]]
"""A candidate, and documents to run it on."""


class Forgetful:
    """A store that keeps nothing."""

    def __contains__(self, key: str) -> bool:
        """Say no."""
        return False

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
        in_flight: Documents under way at a time, in each process of the engine.
        start: Documents to begin with; each that ends lets one more be under way. A budget that
            ends early then leaves few of them half done. All of `in_flight` if absent.
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
        start: int | None = None,
        store: EpisodeStore | None = None,
        watch: Callable[[Episode], None] = lambda episode: None,
        engine: Engine | None = None,
    ) -> None:
        self.program = program
        self.seed = seed
        self._store = Forgetful() if store is None else store
        self._watch = watch
        self._engine = Here(program) if engine is None else engine
        self._in_flight = in_flight * self._engine.processes
        self._start = self._in_flight if start is None else min(start, self._in_flight)
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
        ((_, found),) = self.together([(candidate, documents)], sample)
        return found

    def together(self, parts: Sequence[Part], sample: str) -> Iterator[tuple[int, list[Episode]]]:
        """Run candidates side by side, each on documents of its own.

        Args:
            parts: What to run on what. Two parts may overlap: a pair of both is run once.
            sample: Name of the measurement, as for `episodes`.

        Yields:
            When all has ended: the place of a part, and its episodes in the order of its documents.

        Raises:
            BudgetError: As `episodes` does, but after the parts that were finished.
        """
        found: dict[str, Episode] = {}
        keys: list[list[str]] = [[] for _ in parts]
        struck: list[BudgetError] = []

        def different() -> Iterator[_Work]:
            seen: set[str] = set()
            for own, part in zip(keys, parts, strict=True):
                for work in self._works(*part, sample):
                    own.append(work.key)
                    if work.key not in seen:
                        seen.add(work.key)
                        yield work

        def took(key: str, episode: Episode) -> None:
            self._usage[key] = episode.usage
            found[key] = episode

        try:
            background.run(self._each(different(), sample, took))
        except BudgetError as error:
            struck.append(error)
        for place, own in enumerate(keys):
            if found.keys() >= set(own):
                yield place, [found[key] for key in own]
        if struck:
            raise struck[0]

    def stream(
        self,
        candidate: Candidate,
        documents: Sequence[Document],
        sample: str,
        *,
        skipped: Callable[[], None] = lambda: None,
    ) -> Iterator[Episode]:
        """Run what the store lacks of many documents, then yield all episodes one by one.

        Unlike `episodes`, it holds none but those that an outage has ended, watches none that was
        kept from before, and does not count in `usage`.

        Args:
            candidate: What to run.
            documents: What to run it on. They are read twice.
            sample: Name of the measurement.
            skipped: Called for every document that was kept from before.

        Raises:
            BudgetError: If the run's budget is used up, as for `episodes`.
        """
        missed: dict[str, Episode] = {}
        key = _keys(candidate, sample)

        def took(key: str, episode: Episode) -> None:
            if not _finished(episode):
                missed[key] = episode

        def lacking() -> Iterator[Document]:
            for document in documents:
                if key(document.id) in self._store:
                    skipped()
                else:
                    yield document

        background.run(self._each(self._works(candidate, lacking(), sample), sample, took))
        for document in documents:
            yield (
                missed.get(key(document.id))
                or self._store.get(key(document.id))
                # Its line was damaged.
                or self.episodes(candidate, [document], sample)[0]
            )

    def kept(
        self, candidate: Candidate, documents: Iterable[Document], sample: str
    ) -> Iterator[Episode]:
        """Yield what the store has of these documents, in their order."""
        key = _keys(candidate, sample)
        for document in documents:
            episode = self._store.get(key(document.id))
            if episode is not None:
                yield episode

    def adopt(self, candidate: Candidate, episodes: Sequence[Episode], sample: str) -> None:
        """Keep episodes that another process has run, as if they had been run here.

        Args:
            candidate: What they were run with.
            episodes: Finished ones; those that an outage has ended are left out.
            sample: Name of the measurement.
        """
        key = _keys(candidate, sample)
        for episode in episodes:
            name = key(episode.document_id)
            if _finished(episode) and self._store.get(name) is None:
                self._store.put(name, episode)

    def rollout(self, sample: str) -> str:
        """Return the program's `rollout` argument for a measurement of that name."""
        return f"{self.seed}/{sample}"

    def _works(
        self, candidate: Candidate, documents: Iterable[Document], sample: str
    ) -> Iterator["_Work"]:
        """Say what is to be done for a candidate, document by document."""
        run, key = self._engine.ready(candidate), _keys(candidate, sample)
        for document in documents:
            yield _Work(key(document.id), run, document)

    async def _each(
        self, works: Iterable["_Work"], sample: str, took: Callable[[str, Episode], None]
    ) -> None:
        """Hand every episode over as it ends, with its key.

        What is to be done is taken one by one, as others end.
        """
        waiting = iter(works)
        struck: list[BudgetError] = []

        async def one(work: _Work) -> Episode:
            episode = self._store.get(work.key)
            if episode is None:
                episode = await work.run(work.document, self.rollout(sample))
                if _finished(episode):
                    self._store.put(work.key, episode)
            else:
                await asyncio.sleep(0)  # Reading what is kept keeps nobody waiting.
            self._watch(episode)
            return episode

        async def work() -> None:
            for todo in waiting:
                try:
                    took(todo.key, await one(todo))
                except BudgetError as error:
                    # The other documents may need no more than what is under way or kept.
                    struck.append(error)
                if next(more, None) is not None:
                    group.create_task(work())

        more = iter(range(self._start, self._in_flight))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._start):
                    group.create_task(work())
        except BaseExceptionGroup as faults:
            # The first one ended the others, and is what callers know how to handle.
            raise faults.exceptions[0] from None
        if struck:
            raise struck[0]


class _Work(NamedTuple):
    """An episode to be had: kept under a key, or else to be run."""

    key: str
    run: Run
    document: Document


def _keys(candidate: Candidate, sample: str) -> Callable[[str], str]:
    """Return what makes a document's id the key of its episode."""
    return f"{candidate.id}/{sample}/".__add__


def _finished(episode: Episode) -> bool:
    """Tell a finished episode from an outage, which says nothing about the candidate."""
    return episode.failure is None or episode.failure.kind != "infrastructure"
