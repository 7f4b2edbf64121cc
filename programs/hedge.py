"""A second request beside one that takes long (Dean and Barroso, The Tail at Scale, 2013)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def hedged(send: Callable[[], Coroutine[Any, Any, T]], after: float | None) -> T:
    """Send a request, and once more if it takes long; return the answer that comes first.

    The other one is broken off. One that fails while the other is under way does not count.

    Args:
        send: Sends the request once.
        after: Seconds to wait for the first one alone; for ever if `None`.

    Raises:
        Exception: What the first one to fail raised, if no other is under way or all fail.
    """
    if after is None:
        return await send()
    flights = {asyncio.create_task(send())}
    try:
        done, waiting = await asyncio.wait(flights, timeout=after)
        if not done:
            flights.add(asyncio.create_task(send()))
            done, waiting = await asyncio.wait(flights, return_when=asyncio.FIRST_COMPLETED)
        while waiting and all(one.exception() for one in done):
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        answered = [one for one in done if one.exception() is None]
        return (answered or list(done))[0].result()
    finally:
        for one in flights:
            one.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
