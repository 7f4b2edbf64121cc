import asyncio

import pytest

from autodata.programs.together import Together


class Sends:
    """Answers `body/number`; keeps what was sent, and what was broken off."""

    def __init__(self, takes: float = 0.0, error: Exception | None = None) -> None:
        self._takes, self._error = takes, error
        self.sent: list[tuple[bytes, int]] = []
        self.broken: list[bytes] = []

    async def __call__(self, body: bytes, count: int) -> list[str]:
        self.sent.append((body, count))
        try:
            await asyncio.sleep(self._takes)
        except asyncio.CancelledError:
            self.broken.append(body)
            raise
        if self._error is not None:
            raise self._error
        return [f"{body.decode()}/{number}" for number in range(count)]


def test_equal_requests_of_a_moment_are_sent_as_one_and_answered_apart() -> None:
    sends = Sends()

    async def scenario() -> list[str]:
        together = Together(sends)
        bodies = [b"a", b"b", b"a", b"a"]
        return await asyncio.gather(*(together.answer(body) for body in bodies))

    assert asyncio.run(scenario()) == ["a/0", "b/0", "a/1", "a/2"]
    assert sends.sent == [(b"a", 3), (b"b", 1)]


def test_a_later_request_does_not_share_an_earlier_answer() -> None:
    sends = Sends()

    async def scenario() -> None:
        together = Together(sends)
        await together.answer(b"a")
        await together.answer(b"a")

    asyncio.run(scenario())
    assert sends.sent == [(b"a", 1), (b"a", 1)]


def test_who_leaves_does_not_take_the_others_answer_away() -> None:
    async def scenario() -> str:
        together = Together(Sends(takes=0.05))
        one, other = (asyncio.create_task(together.answer(b"a")) for _ in range(2))
        await asyncio.sleep(0.01)
        one.cancel()
        return await other

    assert asyncio.run(scenario()) == "a/1"


def test_a_request_that_nobody_waits_for_is_broken_off() -> None:
    sends = Sends(takes=30)

    async def scenario() -> None:
        together = Together(sends)
        both = [asyncio.create_task(together.answer(b"a")) for _ in range(2)]
        await asyncio.sleep(0.01)
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert sends.broken == [b"a"]


def test_an_error_reaches_all_who_share_the_request() -> None:
    async def scenario() -> list[str | BaseException]:
        together = Together(Sends(error=ValueError("no")))
        answers = (together.answer(b"a") for _ in range(2))
        return await asyncio.gather(*answers, return_exceptions=True)

    found = asyncio.run(scenario())
    assert [str(one) for one in found] == ["no", "no"]
    with pytest.raises(ValueError, match="no"):
        asyncio.run(Together(Sends(error=ValueError("no"))).answer(b"a"))
