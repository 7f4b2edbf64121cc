"""The pace of requests: it adapts to what an endpoint can take, and waits for one that is gone."""

import asyncio
import logging
import time
from collections.abc import Callable

import dspy.lm15 as lm15
import pytest
from fakes import Answer, Scripted
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.programs import ModelConfig, background
from autodata.programs.endpoint import Endpoint
from autodata.programs.pace import DEAD, START, Health, Pace

REFUSED = lm15.RateLimitError("slow down", status=429)
GONE = lm15.TransportError("connection refused")


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def paced(most: int = 64, patience: float = 60.0) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(most, Health("http://server", patience, clock)), clock


async def send(pace: Pace, error: lm15.LM15Error | None = None) -> None:
    try:
        async with pace.turn():
            if error is not None:
                raise error
    except lm15.LM15Error:
        pass


def sent(pace: Pace, *outcomes: lm15.LM15Error | None) -> None:
    async def all_() -> None:
        for outcome in outcomes:
            pace._pause = pace.health.until = 0.0  # pyright: ignore[reportPrivateUsage]
            await send(pace, outcome)

    asyncio.run(all_())


async def together(pace: Pace, count: int) -> int:
    """Send so many at once; return how many were under way together."""
    most = flying = 0

    async def one() -> None:
        nonlocal most, flying
        async with pace.turn():
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0)
            flying -= 1

    await asyncio.gather(*(one() for _ in range(count)))
    return most


def test_it_begins_low_and_doubles_with_every_round_of_answers() -> None:
    pace, _ = paced(most=200)
    limits = []
    for _ in range(4):
        limits.append(int(pace.limit))
        sent(pace, *[None] * int(pace.limit))
    assert limits == [START, 2 * START, 4 * START, 8 * START]


def test_no_more_are_sent_at_once_than_the_limit() -> None:
    pace, _ = paced(most=3)
    assert asyncio.run(together(pace, 20)) == 3


def test_a_refusal_halves_the_limit_once_and_growth_is_slow_from_then_on() -> None:
    pace, clock = paced()
    sent(pace, *[None] * 48)
    assert pace.limit == 64

    async def refused_together() -> None:
        await asyncio.gather(*(send(pace, REFUSED) for _ in range(20)))

    asyncio.run(refused_together())
    assert pace.limit == 32
    clock.now += 1
    sent(pace, *[None] * 32)
    assert 32.9 < pace.limit < 33.1
    clock.now += 1
    sent(pace, REFUSED)
    assert 16.4 < pace.limit < 16.6


@settings(deadline=None)
@given(st.lists(st.sampled_from([None, REFUSED, GONE, lm15.AuthError("no")]), max_size=200))
def test_the_limit_stays_within_its_bounds(outcomes: list[lm15.LM15Error | None]) -> None:
    pace, clock = paced(most=40)
    for outcome in outcomes:
        clock.now += 0.1
        sent(pace, outcome)
        assert 1 <= pace.limit <= 40


def test_an_endpoint_that_stops_answering_is_dead_until_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pace, clock = paced(patience=60)
    sent(pace, None, *[GONE] * (DEAD - 1))
    assert not pace.health.dead
    with caplog.at_level(logging.WARNING):
        sent(pace, GONE)
        assert pace.health.dead
        assert pace.health.hopeful
        assert "http://server: does not answer any more (connection refused)" in caplog.text
        clock.now = 7
        sent(pace, None)
        assert not pace.health.dead
        assert "answers again after 7 s" in caplog.text


def test_requests_that_were_under_way_together_are_one_failure_of_a_living_endpoint() -> None:
    pace, clock = paced()

    async def run() -> None:
        turns = [pace.turn() for _ in range(10)]
        for turn in turns:
            await turn.__aenter__()
        clock.now = 1
        await send(pace)
        for turn in turns:
            await turn.__aexit__(lm15.TimeoutError, lm15.TimeoutError("late"), None)

    sent(pace, None)
    asyncio.run(run())
    assert not pace.health.dead


def test_models_at_one_address_know_together_that_it_is_gone() -> None:
    clock = Clock()
    health = Health("http://server", 60, clock)
    first, second = Pace(8, health), Pace(8, health)
    sent(first, None, *[GONE] * DEAD)
    sent(second, GONE)
    assert second.health.hopeful
    sent(second, None)
    assert not first.health.dead


def test_hope_ends_with_patience() -> None:
    pace, clock = paced(patience=60)
    sent(pace, None, *[GONE] * DEAD)
    clock.now = 59
    assert pace.health.hopeful
    clock.now = 61
    assert not pace.health.hopeful


def test_an_endpoint_that_has_never_answered_is_not_waited_for() -> None:
    pace, _ = paced()
    sent(pace, *[GONE] * 20)
    assert not pace.health.dead


def test_refusals_do_not_make_an_endpoint_dead() -> None:
    pace, _ = paced()
    sent(pace, None, *[REFUSED] * 20, *[lm15.InvalidRequestError("no", status=400)] * 20)
    assert not pace.health.dead


def test_a_cancelled_request_leaves_its_turn_to_the_next() -> None:
    pace, _ = paced(most=1)

    async def run() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with pace.turn():
                entered.set()
                await leave.wait()

        holder = asyncio.create_task(hold())
        await entered.wait()
        waiting = [asyncio.create_task(send(pace)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        leave.set()
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait_for(asyncio.gather(holder, *waiting, return_exceptions=True), 5)
        assert await asyncio.wait_for(together(pace, 2), 5) == 1

    asyncio.run(run())


def endpoint(script: Callable[[], Answer], **options: float) -> Endpoint:
    config = ModelConfig.model_validate({"model": "fake/m", "retries": 0, **options})
    return Endpoint(config, Scripted(lambda request, rollout: script()))


def ask(one: Endpoint, text: str) -> lm15.Response:
    request = lm15.Request(model="m", messages=(lm15.Message.user(text),))
    return one.complete(request, "weak", lambda call: None)


def test_a_run_goes_on_when_a_dead_endpoint_comes_back() -> None:
    answers: list[Answer] = ["first", *[GONE] * (DEAD + 2), "back"]
    one = endpoint(lambda: answers.pop(0))
    assert ask(one, "a").message.text == "first"
    for number in range(DEAD - 1):
        with pytest.raises(lm15.TransportError):
            ask(one, str(number))
    assert ask(one, "patient").message.text == "back"


def test_requests_fail_when_a_dead_endpoint_stays_away_for_too_long() -> None:
    answers: list[Answer] = ["first", *[GONE] * 100]
    one = endpoint(lambda: answers.pop(0), patience=0.3)
    ask(one, "a")
    started = time.monotonic()
    for number in range(DEAD + 200):
        with pytest.raises(lm15.TransportError, match="connection refused"):
            ask(one, str(number))
    assert time.monotonic() - started < 20
    assert len(answers) > 80


def test_all_waiting_requests_come_back_together() -> None:
    down = [True]
    seen = [0]

    def script() -> Answer:
        seen[0] += 1
        if seen[0] > 1 and down[0]:
            down[0] = seen[0] < 12
            return GONE
        return "here"

    one = endpoint(script, retries=DEAD)
    ask(one, "first")

    async def many() -> list[lm15.Response]:
        requests = [
            lm15.Request(model="m", messages=(lm15.Message.user(str(n)),)) for n in range(30)
        ]
        return await asyncio.gather(*(one.acomplete(r, "weak", lambda c: None) for r in requests))

    found = background.run(many())
    assert [one.message.text for one in found] == ["here"] * 30
    assert seen[0] < 60
