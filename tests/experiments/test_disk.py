"""A disk that fills up: one line says so, nothing finished is lost, and the run goes on later."""

from pathlib import Path

import pytest
from killing import Victim, empty_database, prepare

WORDS = ("documents.limit=8", "loop.rounds=2", "in_flight=4", "run=full")


@pytest.mark.parametrize("largest", [40_000, 250_000])
def test_a_run_on_a_full_disk_ends_in_a_line_and_goes_on_when_there_is_room(
    largest: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = empty_database(tmp_path_factory.getbasetemp().parent)
    prepare()
    command = ["generate", "demo", *(word for one in WORDS for word in ("--set", one))]
    undisturbed = Victim(tmp_path / "undisturbed", *command, database=database)
    victim = Victim(tmp_path / "full", *command, database=database)
    said = victim.filled(largest)
    assert "autodata: failed: " in said.splitlines()[-1]
    assert "Traceback" not in said
    assert len(victim.asked()) > 0
    found, expected = victim.run(), undisturbed.run()
    assert {**(found or {}), "tasks": ""} == {**(expected or {}), "tasks": ""}
    assert victim.repeated() == []
    assert set(victim.asked()) == set(undisturbed.asked())
    tasks = [one.runs / "full" / "tasks.jsonl" for one in (victim, undisturbed)]
    assert tasks[0].read_bytes() == tasks[1].read_bytes()
