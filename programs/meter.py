"""What a run has spent, and whether it may send another request."""

import asyncio
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from decimal import Decimal
from pathlib import Path

from .budget import Amount, Budget, BudgetError, share

logger = logging.getLogger(__name__)

_PAUSE = 0.02
"""Seconds between two looks at whether the requests under way have ended."""
ONE_CALL = Amount(calls=Decimal(1))
"""What is known of every request before it is sent."""
_LINE = re.compile(r"([0-9]+) ([0-9]+) ([0-9]+(?:\.[0-9]+)?)usd")
"""Input tokens, output tokens and price; a line that is torn anywhere has not this form."""


class Meter:
    """Counts what was sent and answered, and admits a request as long as the budget lasts.

    The count is in a file: a short line for each answer, appended before the answer is used, so
    that a run that was killed goes on counting. Processes that share the file read what the others
    have added before they send. Time counts from the making of the meter.

    A request that failed or was broken off is not counted: nobody says what it cost.

    Args:
        budget: What may be spent; everything without one.
        tally: The file; without one the count ends with the process.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        tally: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self.refusal: BudgetError | None = None
        """What the last request met that was not sent, for want of budget."""
        self._path, self._file, self._read = tally, -1, 0
        self._clock, self._started = clock, clock()
        self._lock = threading.Lock()
        self._counted, self._held = Amount(), Amount()
        self._flying, self._reserved = 0, Amount()
        self._over = ""

    @property
    def spent(self) -> Amount:
        """What is spent so far, by every process that shares the file."""
        with self._lock:
            return self._spent()

    @property
    def shown(self) -> str:
        """What is spent of what, for people; empty without a budget."""
        return "" if self.budget is None else self.budget.of(self.spent)

    def hold(self, reserve: Amount) -> None:
        """Keep a part of the budget back, in place of the part that was kept back before."""
        with self._lock:
            self._held = reserve

    @contextmanager
    def keeping(self, share: float) -> Iterator[None]:
        """Keep back, inside of the block, a share in [0, 1] of what is not kept back already.

        It is a share of the whole budget, whatever is spent of it, and so the same after a restart.
        """
        before = self._held
        limits = self.budget.limits if self.budget is not None else {}
        free = {unit: limit - getattr(before, unit) for unit, limit in limits.items()}
        part = Amount(**{unit: max(rest, Decimal(0)) for unit, rest in free.items()})
        self.hold(before.plus(part.times(Decimal(str(share)))))
        try:
            yield
        finally:
            self.hold(before)

    def end(self, why: str) -> None:
        """Refuse every request until `release`, whatever the budget leaves, even without one."""
        with self._lock:
            self._over = why

    def release(self) -> None:
        """Let the whole budget be spent."""
        with self._lock:
            self._held, self._over = Amount(), ""

    def follow(self, budget: Budget | None, reserve: Amount, passed: float) -> None:
        """Take over the limits of another process's meter, which shares the file.

        Args:
            budget: Its budget.
            reserve: What it keeps back.
            passed: Seconds since its time began.
        """
        with self._lock:
            self.budget, self._held, self._started = budget, reserve, self._clock() - passed

    def arequest(self, estimate: Amount = ONE_CALL) -> AbstractAsyncContextManager[None]:
        """Send a request inside of this block; `count` its answer there as well.

        What it is expected to take is reserved before it is sent. Where that does not fit beside
        what is reserved for others, it waits for them; so no more than one request can take the
        sum past the budget, if estimates are not too low.

        Args:
            estimate: What the request may take.

        Raises:
            BudgetError: If the budget is used up and nothing is under way any more. What another
                task has sent is finished first, so that no paid answer is lost when the error ends
                them all.
        """
        return _Request(self, estimate)

    def count(self, input_tokens: int, output_tokens: int, usd: Decimal) -> None:
        """Count an answer. The file has it when this returns.

        Raises:
            OSError: If the file cannot be written.
        """
        with self._lock:
            if self._path is None:
                self._counted = self._counted.plus(_answer(input_tokens + output_tokens, usd))
            else:
                line = f"{input_tokens} {output_tokens} {usd:f}usd\n"
                os.write(self._opened(self._path), line.encode())

    def close(self) -> None:
        """Close the file. It is opened again if there is more to count."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def admitted(self, estimate: Amount) -> bool:
        """Reserve what a request about to be sent may take; raise if it may not be sent.

        Returns:
            Whether it may be sent; if not, the caller is to ask again when others have ended.
        """
        with self._lock:
            why = self._over or (self._why_not(self.budget) if self.budget is not None else "")
            if why and not self._flying:
                self.refusal = BudgetError(why)
                raise self.refusal
            if why or (self._flying and self._tight(estimate)):
                return False
            self._flying += 1
            self._reserved = self._reserved.plus(estimate)
            return True

    def ended(self, estimate: Amount) -> None:
        """Give back what was reserved for a request that has ended."""
        with self._lock:
            self._flying -= 1
            self._reserved = self._reserved.minus(estimate)

    def _tight(self, estimate: Amount) -> bool:
        """Tell whether the budget may not pay for one more beside what is under way."""
        if self.budget is None:
            return False
        sure = self._spent().plus(self._held).plus(self._reserved).plus(estimate)
        return any(getattr(sure, unit) > limit for unit, limit in self.budget.limits.items())

    def _why_not(self, budget: Budget) -> str:
        """Say what is used up and what to do; nothing if there is something left."""
        spent = self._spent()
        # Of a request under way only one thing is known: that it is a call.
        sure = spent._replace(calls=spent.calls + self._flying)
        for unit, limit in budget.limits.items():
            if getattr(sure, unit) + getattr(self._held, unit) >= limit:
                told = share(unit, getattr(spent, unit), limit)
                kept = ", the rest is kept for what follows" if getattr(self._held, unit) else ""
                remedy = (
                    "run the same command again to go on"
                    if unit == "seconds"
                    else "raise it with --budget and run the same command again"
                )
                return f"the budget is used up: {told}{kept}; {remedy}, nothing paid for is lost"
        return ""

    def _spent(self) -> Amount:
        if self._path is not None and (self._file >= 0 or self._path.exists()):
            self._catch_up(self._path)
        return self._counted._replace(seconds=_seconds(self._clock() - self._started))

    def _opened(self, path: Path) -> int:
        """Open the file on first use, and end a line that a crash has left without an end."""
        if self._file < 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._file).st_size
            # Others may be writing: the tail is ended and not cut off.
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")
        return self._file

    def _catch_up(self, path: Path) -> None:
        """Count the whole lines that were added to the file since the last look."""
        file = self._opened(path)
        size = os.fstat(file).st_size
        if size <= self._read:
            return
        added = os.pread(file, size - self._read, self._read)
        lines = added[: added.rfind(b"\n") + 1]
        self._read += len(lines)
        for line in lines.split(b"\n"):
            if not line:
                continue
            if (found := _LINE.fullmatch(line.decode("ascii", "replace"))) is None:
                logger.warning("%s: a damaged line is skipped", path)
                continue
            tokens = int(found[1]) + int(found[2])
            self._counted = self._counted.plus(_answer(tokens, Decimal(found[3])))


class _Request:
    """A request that a meter admits. A class, as there is one for every call."""

    __slots__ = ("_estimate", "_meter")

    def __init__(self, meter: Meter, estimate: Amount) -> None:
        self._meter, self._estimate = meter, estimate

    async def __aenter__(self) -> None:
        while not self._meter.admitted(self._estimate):
            await asyncio.sleep(_PAUSE)

    async def __aexit__(self, *ended: object) -> None:
        self._meter.ended(self._estimate)


@contextmanager
def heeded(meter: Meter | None) -> Iterator[None]:
    """Raise a `BudgetError` that code inside of the block has swallowed, as DSPy's often does."""
    meter = meter or Meter()
    before = meter.refusal
    try:
        yield
    except BudgetError:
        raise
    except Exception as error:
        # What was made of the refusal, such as "too many errors", does not say what happened.
        if meter.refusal is not None and meter.refusal is not before:
            raise meter.refusal from error
        raise
    if meter.refusal is not None and meter.refusal is not before:
        raise meter.refusal


def _answer(tokens: int, usd: Decimal) -> Amount:
    return Amount(Decimal(1), Decimal(tokens), usd)


def _seconds(passed: float) -> Decimal:
    return Decimal(round(passed * 1000)).scaleb(-3)
