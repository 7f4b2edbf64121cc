"""The `legal` preset from end to end: tasks written, unsuitable documents named, kills survived."""

import json
from pathlib import Path
from typing import Any

import pytest
from killing import Victim, empty_database, prepare
from legal_cases import LEGAL

from autodata.experiments.config import load_config
from autodata.experiments.generate import generate
from autodata.experiments.progress import Reporter
from autodata.programs import DOMAINS, PROPOSER
from autodata.programs.records import CapabilityTask, Episode

COLUMNS = {"document_id", "weak", "strong", "gap", "round", "candidate"}


def episodes(runs: Path) -> dict[str, Episode]:
    lines = (runs / "legal" / "journal.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {one["key"]: Episode.model_validate(one["episode"]) for one in found}


def test_the_preset_names_a_model_for_every_role_that_speaks() -> None:
    config = load_config("legal")
    assert config.task_domain is DOMAINS["legal"]
    assert set(config.models) == {*LEGAL.spoken, PROPOSER}
    assert all(one.model.startswith("simulation/") for one in config.models.values())
    assert (config.settings.rounds, config.rule.name) == (16, "legal")


def test_the_preset_writes_tasks_and_turns_three_documents_away(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    # Two rounds are enough to see what is written, and for whom.
    overrides = [f"runs={runs}", "loop.rounds=3"]
    done = generate(load_config("legal", overrides), Reporter(quiet=True))
    assert (done.failures, done.problem) == ({}, "")
    found = episodes(runs).values()
    away = [one for one in found if one.stopped == "unsuitable"]
    assert (len(found), len(away)) == (15, 3)
    assert all(one.reason and not one.rounds and set(one.roles) == {"reader"} for one in away)
    lines = (runs / "legal" / "tasks.jsonl").read_text().splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert done.accepted == len(rows) > 0
    for row in rows:
        task = CapabilityTask.model_validate(
            {name: row[name] for name in CapabilityTask.model_fields}
        )
        assert set(row) >= COLUMNS
        assert LEGAL.rules.faults(task) == []
        assert (len(row["weak"]), len(row["strong"])) == (5, 3)


@pytest.mark.timeout(300)
def test_a_killed_run_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    database = empty_database(tmp_path)
    latency = "extra={latency=0.01, latency_spread=0.5}"
    settings = ["documents.limit=6", "loop.rounds=4", "in_flight=4"]
    settings += [f"models.{role}.{latency}" for role in LEGAL.spoken]
    command = ["generate", "legal", *(word for one in settings for word in ("--set", one))]
    prepare()
    undisturbed = Victim(tmp_path / "0", *command, database=database)
    expected = undisturbed.run()
    assert expected is not None
    victim = Victim(tmp_path / "1", *command, database=database)
    killed = sum(victim.run(moment) is None for moment in (0.7, 0.9, 1.2))
    found = victim.run()
    assert found is not None
    assert killed
    assert victim.repeated() == []
    assert set(victim.asked()) == set(undisturbed.asked())
    written = [one.runs / "legal" / "tasks.jsonl" for one in (victim, undisturbed)]
    assert written[0].read_bytes() == written[1].read_bytes() != b""
    kept = [
        {key: (one.rounds, one.stopped, one.reason) for key, one in episodes(runs).items()}
        for runs in (victim.runs, undisturbed.runs)
    ]
    assert kept[0] == kept[1]
