"""A run over many documents against a server that fails: nothing is lost, nothing is left behind.

`benchmarks/survival.py` does the same with 10,000 calls.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import FaultyServer
from faults.kinds import FAULTS, HUGE, ODD, SLOW, STORM, Plan
from faults.surviving import ATTEMPTS, REQUESTS, Survived, configured, survive

pytestmark = pytest.mark.long

DOCUMENTS = int(1500 / REQUESTS)
RATE = 0.2
MEMORY = 64 * 2**20
"""Bytes that a run may leave resident: a few MB of episodes, and no reply of 100 MB."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("survival")


@pytest.fixture(scope="module")
def faulty(folder: Path) -> Iterator[FaultyServer]:
    """A server that fails on purpose, once it has served a small run without a fault."""
    with FaultyServer(folder, simulated=True) as running:
        warm = survive(configured(folder, running.url, 3, "warm"), running)
        assert (len(warm.journaled), warm.usage.failed) == (3, 0)
        yield running
        assert running.counters.broken == 0


@pytest.fixture(scope="module")
def survived(folder: Path, faulty: FaultyServer) -> Survived:
    """A run with faults of every kind, and a storm amid it."""
    plan = Plan(seed=5, rate=RATE, latency=0.02, spread=0.5, storm_seconds=1.0)
    faulty.follow(plan._replace(storm_after=faulty.counters.arrived + 5 * DOCUMENTS))
    return survive(configured(folder, faulty.url, DOCUMENTS, "run"), faulty)


def complete(run: Survived) -> None:
    """Check that every document is an episode or a recorded failure, and stands nowhere twice."""
    assert run.found.measurement.episodes == len(run.documents)
    assert set(run.journaled.values()) == {1}
    assert set(run.journaled) | set(run.found.failures) == set(run.documents)
    assert run.found.accepted == run.written.total() == len(run.written)
    assert set(run.written) <= set(run.journaled) - set(run.found.failures)


def test_every_document_ends_as_an_episode_or_a_recorded_failure(survived: Survived) -> None:
    complete(survived)
    assert 0 < len(survived.unfinished) < DOCUMENTS / 4  # Retries save most, and not all.
    assert survived.found.accepted > 0


def test_every_kind_of_fault_was_met(survived: Survived) -> None:
    met = survived.server.faults
    # The slow and the huge ones are too rare to be sure of each.
    assert set(met) >= {STORM, *FAULTS, *ODD} - {*SLOW, *HUGE}
    assert sum(met.get(kind, 0) for kind in SLOW) > 0
    faults = sum(met.values()) - met["good"] - met[STORM]
    assert RATE - 0.05 < faults / (sum(met.values()) - met[STORM]) < RATE + 0.05


def test_the_server_has_counted_what_the_run_has_counted(survived: Survived) -> None:
    usage, server = survived.usage, survived.server
    assert survived.tried == server.arrived
    assert usage.calls - usage.cached == server.answered == survived.paid
    assert usage.failed == sum(server.faults.get(kind, 0) for kind in (*FAULTS, STORM))


def test_no_answer_was_paid_for_twice(survived: Survived) -> None:
    # One round: whoever writes or checks a task is asked once, and a solver once for each attempt.
    times = {"weak": ATTEMPTS, "strong": ATTEMPTS}
    prompts = survived.server.prompts.items()
    asked = [(key, n) for key, (_, n) in prompts if not key.startswith("judge")]
    assert [one for one in asked if one[1] > times.get(one[0].partition("-")[0], 1)] == []


def test_no_thread_is_left_behind(survived: Survived) -> None:
    assert survived.after.threads == survived.before.threads


def test_no_socket_is_left_behind(survived: Survived) -> None:
    assert survived.after.sockets <= survived.before.sockets


def test_the_memory_stays_flat(survived: Survived) -> None:
    grown = survived.after.rss - survived.before.rss
    assert grown < MEMORY, f"{grown >> 20} MiB"


def test_the_next_start_does_what_is_left_and_asks_for_nothing_again(
    folder: Path, faulty: FaultyServer, survived: Survived
) -> None:
    faulty.follow(Plan())
    again = survive(configured(folder, faulty.url, DOCUMENTS, "run"), faulty)
    complete(again)
    assert again.unfinished == set()
    assert again.usage.failed == 0
    assert again.usage.calls - again.usage.cached == again.server.answered == again.tried
    assert again.paid == survived.paid + again.server.answered
    assert again.server.answered < survived.server.answered / 4
    test_no_answer_was_paid_for_twice(again)


@pytest.fixture(scope="module")
def outlived(folder: Path, faulty: FaultyServer) -> Survived:
    """A run whose server dies twice, and comes back after seconds."""
    faulty.follow(Plan(latency=0.05))
    start = faulty.counters.arrived

    def die_twice() -> None:
        for more in (60, 180):
            while faulty.counters.arrived < start + more:
                time.sleep(0.01)
            faulty.kill()
            time.sleep(0.3)
            faulty.start()

    return survive(configured(folder, faulty.url, 40, "dying"), faulty, die_twice)


def test_no_document_is_lost_when_the_server_dies_and_comes_back(outlived: Survived) -> None:
    complete(outlived)
    usage, server = outlived.usage, outlived.server
    assert usage.failed > 0
    # Nothing was refused while it lived, so that what failed was under way, or never arrived.
    assert server.faults.keys() == {"good"}
    assert usage.calls - usage.cached == outlived.paid <= server.answered
    assert outlived.tried >= server.arrived


def test_a_server_that_dies_and_comes_back_is_waited_for(outlived: Survived) -> None:
    assert outlived.found.failures == {}
