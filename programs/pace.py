"""How many requests an endpoint is sent at once: it adapts to what the endpoint can take.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), as TCP has it: the number begins
low and doubles with every round of answers; an endpoint that refuses for want of capacity has it
halved, and from then on it grows by one a round. An endpoint that has answered before and then
fails again and again is taken for dead: it is asked by one request at a time, all others wait, and
the run goes on by itself if it comes back.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from copy import copy

import dspy.lm15 as lm15

logger = logging.getLogger(__name__)

START = 16
"""Requests in flight to begin with."""
DEAD = 5
"""Failures one after the other, without an answer in between, that make an endpoint dead."""
OVERLOADED = (429, 503, 529)
"""HTTP status codes that ask for fewer requests."""
LONGEST_PROBE = 5.0
"""Seconds between two requests that look whether a dead endpoint is back, at most."""


class Health:
    """Whether whatever answers at an address is alive; all models that it serves know it together.

    Args:
        address: The address, for people.
        patience: Seconds to wait for it to come back.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, address: str, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.failure: lm15.LM15Error | None = None
        """What it has failed with last, while it is dead."""
        self.until = 0.0
        """When it may be asked again."""
        self._address, self._patience = address, patience
        self._answered, self._died, self._failed = float("-inf"), 0.0, 0

    @property
    def dead(self) -> bool:
        """Whether it has answered before, and does not any more."""
        return self.failure is not None

    @property
    def hopeful(self) -> bool:
        """Whether a request that failed should wait for it to come back."""
        return self.dead and self.clock() - self._died < self._patience

    def answered(self) -> None:
        """Take note of an answer."""
        now = self.clock()
        if self.dead:
            logger.warning("%s: answers again after %.0f s", self._address, now - self._died)
        self._answered, self._failed, self.failure = now, 0, None

    def failed(self, error: lm15.LM15Error, started: float) -> None:
        """Take note of a failure of a request that was sent at `started`.

        One that was under way when another was answered says nothing; and where nothing has ever
        answered, the address is likely to be wrong, and nobody should wait.
        """
        if self._answered == float("-inf") or started < self._answered:
            return
        now = self.clock()
        self._failed += 1
        if self._failed == DEAD:
            self._died = now
            logger.warning(
                "%s: does not answer any more (%s); waiting up to %.0f s for it. Start it again, "
                "or press Ctrl-C: what is finished is kept",
                self._address,
                " ".join(error.message.split())[:120],
                self._patience,
            )
        if self._failed >= DEAD:
            self.failure = error
            # It is looked after less and less often.
            self.until = now + min(0.1 * 2.0 ** min(self._failed - DEAD, 6), LONGEST_PROBE)


class Pace:
    """The requests in flight at one endpoint. All of it happens on one event loop.

    Args:
        most: Requests in flight, at most.
        health: That of the endpoint's address.
    """

    def __init__(self, most: int, health: Health) -> None:
        self.health = health
        self.limit = float(min(START, most))
        """Requests in flight, at most, for now."""
        self._most, self._clock = most, health.clock
        self._flying, self._ramping = 0, True
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pause, self._cut = 0.0, float("-inf")

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Send a request inside of this block; entered as soon as it may be sent.

        Raises:
            LM15Error: If the endpoint has been dead for too long, and was asked a moment ago.
        """
        return _Turn(self)

    def end(self, error: BaseException | None, started: float) -> None:
        """Take note of how a request has ended, and let the next one go."""
        if error is None:
            self._taken()
        elif isinstance(error, lm15.LM15Error):
            self._refused(error, started)
        self._flying -= 1
        self._wake()

    async def begin(self) -> float:
        """Wait for a turn, and return when it began."""
        health = self.health
        while True:
            now = self._clock()
            if health.failure is not None and not health.hopeful and now < health.until:
                raise copy(health.failure)
            pause = max(self._pause, health.until if health.dead else 0.0) - now
            if pause > 0:
                await asyncio.sleep(pause)
            elif self._flying >= (1 if health.dead else int(self.limit)):
                await self._queue()
            else:
                self._flying += 1
                return now

    async def _queue(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # Who was woken and is cancelled at once must not take the turn with it.
            if turn.done() and not turn.cancelled():
                self._wake()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _wake(self) -> None:
        free = int(self.limit) - self._flying
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def _taken(self) -> None:
        """Take note of an answer: the endpoint can take a little more."""
        self.health.answered()
        step = 1.0 if self._ramping else 1.0 / self.limit
        self.limit = min(self.limit + step, float(self._most))

    def _refused(self, error: lm15.LM15Error, started: float) -> None:
        """Take note of a failure: send less to an endpoint that is overloaded."""
        now, outage = self._clock(), isinstance(error, _OUTAGES)
        overloaded = isinstance(error, _OVERLOADED) or error.status in OVERLOADED
        # Once for all requests that were under way together.
        if overloaded and started > self._cut:
            self.limit, self._ramping, self._cut = max(self.limit / 2, 1.0), False, now
        if overloaded and error.retry_after:
            self._pause = max(self._pause, now + error.retry_after)
        if outage:
            self.health.failed(error, started)


class _Turn:
    """A request's turn. A class, as there is one for every call."""

    __slots__ = ("_pace", "_started")

    def __init__(self, pace: Pace) -> None:
        self._pace, self._started = pace, 0.0

    async def __aenter__(self) -> None:
        self._started = await self._pace.begin()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._pace.end(error, self._started)


_OVERLOADED = (lm15.RateLimitError, lm15.TimeoutError)
_OUTAGES = (lm15.TransportError, lm15.ServerError, lm15.TimeoutError)
"""What says that the endpoint itself may be gone, and not only that it refused a request."""
