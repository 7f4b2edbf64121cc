"""What a caller sees of each fault: an answer at last, or a failure of the right kind, in time."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

import dspy
import pytest
from faults import Counters, FaultyServer
from faults.kinds import FAULTS, HUGE, HUGE_BYTES, SLOW, Plan
from roles import Answer, Answerer, Judge

from autodata.programs import LanguageModels, ModelConfig, Usage, background
from autodata.programs.role import Reply, ask

TIMEOUT = 0.5
LATE = 2.5
"""Seconds after the timeout; the machine may be busy."""
READ_AT_ONCE = ("wrong_type", "no_usage")


class Met(NamedTuple):
    """How a call ended."""

    reply: Reply
    usage: Usage
    tokens: int
    """As the budget counts them."""
    seconds: float


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server that fails on purpose; each test asks models of other names."""
    with FaultyServer(tmp_path_factory.mktemp("faulty")) as running:
        yield running
        assert running.counters.broken == 0


def connected(faulty: FaultyServer, model: str, **options: Any) -> LanguageModels:
    given = {"timeout": TIMEOUT, "retries": 0, **options}
    return LanguageModels({"weak": ModelConfig(model=model, api_base=faulty.url, **given)})


async def call(
    models: LanguageModels, question: str = "why?", signature: type[dspy.Signature] = Answer
) -> Met:
    started = time.monotonic()
    reply = await ask(Answerer(models["weak"], signature), question=question)
    seconds = time.monotonic() - started
    return Met(reply, models.ledger.total, int(models.meter.spent.tokens), seconds)


def called(models: LanguageModels, **options: Any) -> Met:
    return background.run(call(models, **options))


def together(*models: LanguageModels) -> list[Met]:
    """Ask each of them at the same time."""

    async def all_of_them() -> list[Met]:
        return await asyncio.gather(*(call(one) for one in models))

    return background.run(all_of_them())


def infrastructure(reply: Reply) -> str:
    """Return why there is no answer, which must be the endpoint's fault."""
    assert reply.prediction is None
    assert reply.failure is not None
    assert reply.failure.kind == "infrastructure"
    assert "\n" not in reply.failure.message
    return reply.failure.message


def settled(faulty: FaultyServer) -> Counters:
    """Return the counters once the server has nothing in hand."""
    deadline = time.monotonic() + 10
    while (counters := faulty.counters).in_flight and time.monotonic() < deadline:
        time.sleep(0.02)
    return counters


def seen(faulty: FaultyServer, kind: str) -> str:
    """Say what a client of the standard library meets: a status, an error, or what is odd."""
    faulty.script(raw=[kind])
    connection = HTTPConnection("127.0.0.1", faulty.port, timeout=0.3 if kind in SLOW else 10)
    try:
        body = json.dumps({"model": "raw", "messages": [{"role": "user", "content": "why?"}]})
        connection.request("POST", "/v1/chat/completions", body)
        reply = connection.getresponse()
        pause, packed = reply.headers["Retry-After"], reply.headers["Content-Encoding"]
        if kind in HUGE and not packed:
            return f"{reply.status} of {len(reply.read(HUGE_BYTES)) >> 20} MiB"
        text = reply.read()
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
    if packed or reply.status != 200:
        return f"{reply.status} {pause or packed or reply.headers.get_content_type()}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"200 {type(error).__name__}"
    return f"200 {len(found['choices'])} choices"


@pytest.mark.parametrize("kind", FAULTS)
def test_the_server_does_what_it_says(faulty: FaultyServer, kind: str) -> None:
    # This client's timeout is for each byte, and not for all of them.
    faulty.follow(Plan(drip=1.0))
    expected = {
        "429": "429 application/json",
        "429_seconds": "429 0.01",
        "429_nonsense": "429 soon",
        "500": "500 application/json",
        "503": "503 application/json",
        "page_502": "502 text/html",
        "nested": "200 RecursionError",
        "no_choices": "200 0 choices",
        "bad_gzip": "200 gzip",
        "huge_packed": "200 gzip",
        "reset": "ConnectionResetError",
        "cut_head": "RemoteDisconnected",
        "not_http": "BadStatusLine",
        **dict.fromkeys(("page_200", "torn_json", "not_json", "empty_body"), "200 JSONDecodeError"),
        **dict.fromkeys(("cut_body", "cut_chunk"), "IncompleteRead"),
        **dict.fromkeys(SLOW, "TimeoutError"),
        **dict.fromkeys(("huge", "huge_chunked"), "200 of 100 MiB"),
    }
    found = seen(faulty, kind)
    if kind == "429_date":
        assert abs(parsedate_to_datetime(found[4:]).timestamp() - time.time()) < 5
    else:
        assert found == expected[kind]


@pytest.fixture(scope="module")
def passing(faulty: FaultyServer) -> dict[str, Met]:
    """Meet every fault twice, and then an answer; all kinds at the same time."""
    faulty.follow(Plan())
    faulty.script(**{f"passing-{kind}": [kind, kind, ""] for kind in FAULTS})
    models = [connected(faulty, f"passing-{kind}", retries=2, timeout=1) for kind in FAULTS]
    return dict(zip(FAULTS, together(*models), strict=True))


@pytest.fixture(scope="module")
def lasting(faulty: FaultyServer) -> dict[str, Met]:
    """Meet every fault whenever it is asked; all kinds at the same time."""
    faulty.follow(Plan())
    faulty.script(**{f"lasting-{kind}": [kind] for kind in FAULTS})
    models = [connected(faulty, f"lasting-{kind}", retries=1) for kind in FAULTS]
    return dict(zip(FAULTS, together(*models), strict=True))


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_passes_is_tried_again_until_there_is_an_answer(
    faulty: FaultyServer, passing: dict[str, Met], kind: str
) -> None:
    met = passing[kind]
    assert met.reply.failure is None
    assert met.reply.prediction.answer == "forty-two"
    assert (met.usage.failed, met.usage.calls) == (2, 1)
    assert faulty.counters.models[f"passing-{kind}"] == 3


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_lasts_is_a_failure_of_infrastructure(
    faulty: FaultyServer, lasting: dict[str, Met], kind: str
) -> None:
    met = lasting[kind]
    infrastructure(met.reply)
    assert (met.usage.failed, met.usage.calls, met.tokens) == (2, 0, 0)
    assert faulty.counters.models[f"lasting-{kind}"] == 2


@pytest.mark.parametrize("kind", SLOW)
def test_no_server_holds_a_call_longer_than_its_timeout_in_all(
    faulty: FaultyServer, kind: str
) -> None:
    faulty.follow(Plan())
    faulty.script(**{f"slow-{kind}": [kind]})
    met = called(connected(faulty, f"slow-{kind}"))
    infrastructure(met.reply)
    assert TIMEOUT <= met.seconds < TIMEOUT + LATE


@pytest.mark.parametrize("kind", HUGE)
def test_a_hundred_megabytes_are_broken_off_before_they_fill_the_memory(
    faulty: FaultyServer, kind: str
) -> None:
    faulty.script(**{f"huge-{kind}": [kind]})
    models = connected(faulty, f"huge-{kind}", timeout=60)
    tracemalloc.start()
    try:
        met = called(models)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    infrastructure(met.reply)
    assert most < 64 * 2**20, f"{most >> 20} MiB"


@pytest.mark.parametrize("kind", READ_AT_ONCE)
def test_an_odd_reply_that_holds_an_answer_is_used(faulty: FaultyServer, kind: str) -> None:
    faulty.script(**{f"odd-{kind}": [kind]})
    met = called(connected(faulty, f"odd-{kind}"))
    assert met.reply.prediction.answer == "forty-two"
    assert (met.usage.failed, met.usage.calls) == (0, 1)
    assert met.tokens > 0  # Else a budget would have no end where usage is missing.


def test_an_answer_cut_at_the_token_limit_is_marked_and_paid_for_once(
    faulty: FaultyServer,
) -> None:
    faulty.script(cut=["length"])
    met = called(connected(faulty, "cut"))
    assert met.reply.truncated
    assert met.reply.failure is None or met.reply.failure.kind == "truncated"
    assert met.usage.failed == 0
    assert met.usage.calls == faulty.counters.models["cut"]


def test_an_answer_cut_before_its_form_is_whole_is_a_failure_of_that_kind(
    faulty: FaultyServer,
) -> None:
    faulty.script(torn=["length"])
    met = called(connected(faulty, "torn"), signature=Judge)
    assert met.reply.failure is not None
    assert met.reply.failure.kind == "truncated"
    assert "max_tokens" in met.reply.failure.message


@pytest.mark.parametrize(("kind", "least"), [("429_seconds", 2.0), ("429_date", 1.0)])
def test_a_pause_that_is_asked_for_is_kept(faulty: FaultyServer, kind: str, least: float) -> None:
    # A date has whole seconds: two seconds from now is more than one.
    faulty.follow(Plan(pause=2.0))
    faulty.script(**{f"pause-{kind}": [kind, ""]})
    met = called(connected(faulty, f"pause-{kind}", retries=1))
    assert met.reply.failure is None
    assert least <= met.seconds < 2.0 + LATE


@pytest.mark.parametrize("kind", ["429", "429_nonsense"])
def test_without_a_pause_that_can_be_read_there_is_one_all_the_same(
    passing: dict[str, Met], kind: str
) -> None:
    assert passing[kind].seconds >= 1


def test_a_call_that_is_given_up_is_hung_up_on(faulty: FaultyServer) -> None:
    faulty.script(left=["hang"])
    models = connected(faulty, "left", timeout=60)
    before = settled(faulty).dropped

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call(models), 0.5)

    background.run(impatient())
    after = settled(faulty)
    assert (after.in_flight, after.dropped) == (0, before + 1)
    assert after.models["left"] == 1


async def many(models: LanguageModels, count: int) -> list[Met]:
    """Ask many questions at the same time, once the endpoint has answered one."""
    first = await call(models, question="first")
    return [first, *await asyncio.gather(*(call(models, question=str(n)) for n in range(count)))]


def test_a_storm_is_waited_out(faulty: FaultyServer) -> None:
    before = faulty.counters
    faulty.follow(Plan(storm_after=before.arrived + 5, storm_seconds=1.5, latency=0.02))
    found = background.run(many(connected(faulty, "storm", retries=4, timeout=10), 24))
    assert [met.reply.failure for met in found] == [None] * 25
    after = faulty.counters
    stormed = after.faults["storm"] - before.faults.get("storm", 0)
    assert stormed > 0
    assert after.arrived - before.arrived == 25 + stormed
    assert after.answered - before.answered == 25


def test_a_server_that_dies_with_calls_in_hand_and_comes_back_answers_them_all(
    faulty: FaultyServer,
) -> None:
    faulty.follow(Plan(latency=0.3))
    models = connected(faulty, "dying", retries=4, timeout=10)
    waiter = asyncio.run_coroutine_threadsafe(many(models, 24), background.loop())
    while faulty.counters.models.get("dying", 0) < 6:
        time.sleep(0.01)
    faulty.kill()
    time.sleep(0.7)
    faulty.start()
    found = waiter.result(60)
    assert [met.reply.failure for met in found] == [None] * 25
    assert models.ledger.total.calls == 25
    assert models.ledger.total.failed > 0


def test_a_server_that_stays_away_is_a_failure_of_infrastructure(faulty: FaultyServer) -> None:
    models = connected(faulty, "away", retries=1)
    faulty.kill()
    try:
        met = called(models)
    finally:
        faulty.start()
    infrastructure(met.reply)
    assert met.seconds < 1 + LATE
