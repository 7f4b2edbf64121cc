"""`kill -9` at any moment of a comparison: the same command ends as if nothing had happened."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from killing import Victim, empty_database, prepare

from autodata.programs import PROPOSER, ROLES

OVERRIDES = (
    'gate={name="wide", weak_mean_max={limit=0.8}, gap_min={limit=0.1}}',
    "loop.rounds=2",
    "documents.limit=6",
    "in_flight=3",
    *(f"models.{role}.extra={{latency=0.004, latency_spread=0.7}}" for role in (*ROLES, PROPOSER)),
)
# One is sequential, and needs what it wrote before the kill; one gets its budget from another.
METHODS = "self-instruct,cot,best-of-n,agentic"
KILLS = 5


def told(found: Any) -> dict[str, Any]:
    return {k: v for k, v in found.items() if k not in ("seconds", "folder", "mlflow")}


def keys(victim: Victim) -> list[str]:
    lines = (victim.runs / "demo-compare" / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["key"] for line in lines]


@pytest.mark.timeout(600)
def test_a_comparison_survives_5_kills_and_pays_for_nothing_twice(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = empty_database(tmp_path_factory.getbasetemp().parent)
    sets = [word for one in OVERRIDES for word in ("--set", one)]

    def fresh(name: str) -> Victim:
        words = ("compare", "demo", "--methods", METHODS, *sets)
        return Victim(tmp_path / name, *words, database=database)

    undisturbed = fresh("undisturbed")
    prepare()
    started = time.monotonic()
    expected = undisturbed.run()
    duration = time.monotonic() - started
    assert expected is not None
    assert sum(row["kept"] for row in expected["methods"]) > 6
    draw, kills, number = random.Random(1), 0, 0
    while kills < KILLS:
        victim, before = fresh(str(number)), kills
        number += 1
        while (found := victim.run(draw.uniform(0, duration) if kills < KILLS else None)) is None:
            kills += 1
        assert told(found) == told(expected)
        assert victim.repeated() == []
        assert set(victim.asked()) == set(undisturbed.asked())
        # In flight are at most 3 documents, with all 6 attempts at a task while it is measured.
        assert len(victim.asked()) - len(set(victim.asked())) <= 18 * (kills - before)
        assert len(keys(victim)) == len(set(keys(victim)))
        assert sorted(keys(victim)) == sorted(keys(undisturbed))
