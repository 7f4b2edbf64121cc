"""Equal requests that are made at the same moment, sent as one that asks for several answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")

Send = Callable[[bytes, int], Awaitable[list[T]]]
"""Sends a request once and returns so many answers, each independent of the others."""


@dataclass
class _Group(Generic[T]):
    """Those who wait for answers to one request."""

    waiting: list[asyncio.Future[T]] = field(default_factory=list)
    sending: asyncio.Task[list[T]] | None = None


class Together(Generic[T]):
    """Gathers equal requests until the event loop has run what is ready, and sends them as one.

    So the attempts that a solver makes at once share one reading of their prompt. Nobody waits for
    others longer than that.

    Args:
        send: Sends a request for several answers.
    """

    def __init__(self, send: Send[T]) -> None:
        self._send = send
        self._gathering: dict[bytes, _Group[T]] = {}

    async def answer(self, body: bytes) -> T:
        """Return an answer of its own to a request.

        Raises:
            Exception: What `send` raised, to all who share the request.
        """
        group = self._gathering.get(body)
        if group is None:
            group = self._gathering[body] = _Group()
            group.sending = asyncio.create_task(self._flush(body, group))
            group.sending.add_done_callback(partial(_hand_over, group))
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        group.waiting.append(mine)
        try:
            return await mine
        except asyncio.CancelledError:
            if all(one.done() for one in group.waiting) and group.sending is not None:
                group.sending.cancel()  # Nobody wants it any more.
            raise

    async def _flush(self, body: bytes, group: _Group[T]) -> list[T]:
        del self._gathering[body]
        return await self._send(body, len(group.waiting))


def _hand_over(group: _Group[T], done: asyncio.Task[list[T]]) -> None:
    """Give everybody who still waits an answer of their own, or the error that all have met."""
    error = None if done.cancelled() else done.exception()
    for number, one in enumerate(group.waiting):
        if one.done():
            continue
        if done.cancelled():
            one.cancel()
        elif error is not None:
            one.set_exception(error)
        else:
            one.set_result(done.result()[number])
