import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from autodata.programs.hedge import hedged

Event = tuple[str, int]


class Sends:
    """Requests that take so long each, and fail where it says so."""

    def __init__(self, *takes: float, fail: tuple[int, ...] = ()) -> None:
        self._takes, self._fail = takes, fail
        self.events: list[Event] = []

    def __call__(self) -> Coroutine[Any, Any, int]:
        return self._send(sum(event == "sent" for event, _ in self.events))

    async def _send(self, number: int) -> int:
        self.events.append(("sent", number))
        try:
            await asyncio.sleep(self._takes[number])
        except asyncio.CancelledError:
            self.events.append(("broken off", number))
            raise
        if number in self._fail:
            raise ValueError(f"request {number}")
        return number


def test_a_quick_answer_is_sent_for_once() -> None:
    sends = Sends(0.0)
    assert asyncio.run(hedged(sends, 5)) == 0
    assert sends.events == [("sent", 0)]


def test_a_slow_request_is_sent_again_and_broken_off_when_the_second_answers() -> None:
    sends = Sends(30, 0.0)
    assert asyncio.run(hedged(sends, 0.01)) == 1
    assert sends.events == [("sent", 0), ("sent", 1), ("broken off", 0)]


def test_a_slow_request_may_still_answer_first() -> None:
    sends = Sends(0.05, 30)
    assert asyncio.run(hedged(sends, 0.01)) == 0
    assert sends.events[-1] == ("broken off", 1)


def test_a_failure_beside_another_request_is_not_the_answer() -> None:
    assert asyncio.run(hedged(Sends(0.05, 0.0, fail=(1,)), 0.01)) == 0
    assert asyncio.run(hedged(Sends(0.05, 0.1, fail=(0,)), 0.01)) == 1


def test_a_failure_alone_is_raised_without_a_second_request() -> None:
    sends = Sends(0.0, fail=(0,))
    with pytest.raises(ValueError, match="request 0"):
        asyncio.run(hedged(sends, 5))
    assert sends.events == [("sent", 0)]


def test_if_all_fail_the_failure_is_raised() -> None:
    with pytest.raises(ValueError, match="request"):
        asyncio.run(hedged(Sends(0.03, 0.0, fail=(0, 1)), 0.01))


def test_nothing_is_left_under_way_by_a_cancellation() -> None:
    async def scenario(sends: Sends) -> None:
        task = asyncio.create_task(hedged(sends, 0.01))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    sends = Sends(30, 30)
    asyncio.run(scenario(sends))
    assert sorted(sends.events[-2:]) == [("broken off", 0), ("broken off", 1)]
