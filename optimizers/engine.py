"""Where episodes are run: in this process, unless another engine is given."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..programs import Autodata, Document, Episode
from .candidate import Candidate

Run = Callable[[Document, str], Coroutine[Any, Any, Episode]]
"""Runs one document, under the `rollout` that names its samples; on the background loop."""


class Engine(Protocol):
    """Where episodes are run."""

    @property
    def processes(self) -> int:
        """How many processes share the work."""
        ...

    def ready(self, candidate: Candidate) -> Run:
        """Return what runs a candidate's episodes."""
        ...


class Here:
    """Runs episodes in this process.

    Args:
        program: The program to vary. It is never changed.
    """

    processes = 1

    def __init__(self, program: Autodata) -> None:
        self._program = program

    def ready(self, candidate: Candidate) -> Run:
        """Return what runs a candidate's episodes."""
        program = candidate.applied(self._program)

        async def run(document: Document, rollout: str) -> Episode:
            return (await program.acall(document=document, rollout=rollout)).episode

        return run
