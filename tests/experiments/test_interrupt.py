"""Ctrl-C: what is paid for is waited for and kept; pressed again, nothing is waited for."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import WAITING, Victim, empty_database, prepare

WORDS = (
    "documents.limit=4",
    "in_flight=2",
    "loop.rounds=1",
    'gate={name="open", gap_min={limit=0.0}}',
    "models.challenger.extra={latency=1.5}",
)
SEQUENTIAL = ("loop.error=0.3", "loop.rounds=2", "gate=deployed")
RESUME = "interrupted: run the same command again to go on; nothing finished is lost"


@pytest.fixture
def victim(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Victim]:
    database = empty_database(tmp_path_factory.getbasetemp().parent)
    prepare()

    def made(name: str, *more: str) -> Victim:
        words = [word for one in (*WORDS, *more) for word in ("--set", one)]
        return Victim(tmp_path / name, "generate", "demo", *words, database=database)

    return made


def under_way(victim: Victim) -> Callable[[], bool]:
    """Tell when some requests are answered, and one has not been for a while."""
    seen: dict[str, float] = {}

    def ready() -> bool:
        now = time.monotonic()
        old = [key for key in victim.unanswered() if now - seen.setdefault(key, now) > 0.3]
        return bool(old) and len(victim.asked()) > 4

    return ready


def test_an_interrupt_waits_for_the_answers_that_are_under_way(
    victim: Callable[..., Victim],
) -> None:
    stopped, undisturbed = victim("stopped"), victim("undisturbed")
    said = stopped.interrupted(1, ready=under_way(stopped))
    assert WAITING in said
    assert RESUME in said
    assert stopped.unanswered() == set()
    first = stopped.asked()
    found, expected = stopped.run(), undisturbed.run()
    assert len(first) < len(stopped.asked()) == len(set(stopped.asked()))
    assert sorted(stopped.asked()) == sorted(undisturbed.asked())
    assert {**(found or {}), "tasks": ""} == {**(expected or {}), "tasks": ""}


@pytest.mark.parametrize("more", [(), SEQUENTIAL], ids=["exact", "sequential"])
def test_a_second_interrupt_stops_at_once_and_the_run_goes_on_later(
    more: tuple[str, ...], victim: Callable[..., Victim]
) -> None:
    stopped, undisturbed = victim("stopped", *more), victim("undisturbed", *more)
    said = stopped.interrupted(2, ready=under_way(stopped))
    assert WAITING in said
    assert RESUME in said
    assert "Traceback" not in said
    lost = stopped.unanswered()
    assert lost
    found, expected = stopped.run(), undisturbed.run()
    assert stopped.repeated() == []
    assert lost <= set(stopped.asked())
    assert set(stopped.asked()) == set(undisturbed.asked())
    assert {**(found or {}), "tasks": ""} == {**(expected or {}), "tasks": ""}
    journal = (stopped.runs / "demo" / "journal.jsonl").read_text()
    assert ("stopped by sequential test" in journal) == bool(more)
