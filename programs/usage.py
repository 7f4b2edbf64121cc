"""Who watches the model calls: metering by role, and the sample a call belongs to.

Both travel in context variables, so they follow a coroutine into every task it starts.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from .records import Usage


class Call(NamedTuple):
    """One request to a model, ended."""

    role: str
    usage: Usage
    finish_reason: str


_observers: ContextVar[tuple[Callable[[Call], None], ...]] = ContextVar("observers", default=())
_rollout: ContextVar[str] = ContextVar("rollout", default="")


class Ledger:
    """Adds up calls by role. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roles: dict[str, Usage] = {}

    def add(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            self._roles[call.role] = self._roles.get(call.role, Usage()) + call.usage

    @property
    def roles(self) -> dict[str, Usage]:
        """Return a copy of the sums by role, in order of names."""
        with self._lock:
            return dict(sorted(self._roles.items()))

    @property
    def total(self) -> Usage:
        """Return the sum over all roles."""
        return sum(self.roles.values(), Usage())


@contextmanager
def observing(observer: Callable[[Call], None]) -> Iterator[None]:
    """Let `observer` see every call made in this context, until the block ends."""
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


def report(call: Call) -> None:
    """Show a call to every observer of the current context."""
    for observer in _observers.get():
        observer(call)


@contextmanager
def sample(name: str) -> Iterator[None]:
    """Mark the calls of this block as one more independent sample.

    Samples nest (`seed-0/round-2/weak-1`). Two calls with the same prompt and different samples
    are answered independently; with the same sample the second comes from the cache.
    """
    path = _rollout.get()
    token = _rollout.set(f"{path}/{name}" if path else name)
    try:
        yield
    finally:
        _rollout.reset(token)


def rollout() -> str:
    """Return the path of the sample that the current context belongs to."""
    return _rollout.get()
