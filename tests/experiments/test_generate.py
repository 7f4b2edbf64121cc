"""Generate and evaluate: what is written, what is gone on with, and what an interrupt leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autodata.experiments.compiled import load_manifest
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.errors import InputError
from autodata.experiments.generate import evaluate, generate
from autodata.experiments.progress import Reporter
from autodata.programs import Task
from tests.experiments.conftest import OPEN_GATE, PLANTED, Command, Finished, sets

OUTAGE = ("models.weak.extra={faults={server_error=1.0}}", "models.weak.retries=0")
ROW = {"document_id", *Task.model_fields, "weak", "strong", "gap", "round", "candidate"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)


def config(tmp_path: Path, *overrides: str) -> ExperimentConfig:
    common = ["documents.limit=4", "loop.rounds=3", OPEN_GATE, f"runs={tmp_path / 'runs'}"]
    return load_config("demo", [*common, *overrides])


def rows(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "runs" / "demo" / "tasks.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_accepted_tasks_are_written_with_what_is_known_about_them(tmp_path: Path) -> None:
    found = generate(config(tmp_path), Reporter(quiet=True))
    written = rows(tmp_path)
    assert found.accepted == len(written) > 0
    assert found.measurement.episodes == 4
    assert (found.failures, found.problem) == ({}, "")
    for row in written:
        assert set(row) == ROW
        Task.model_validate({name: row[name] for name in Task.model_fields})
        gap = sum(row["strong"]) / len(row["strong"]) - sum(row["weak"]) / len(row["weak"])
        assert row["gap"] == pytest.approx(gap)
    assert len({row["document_id"] for row in written}) == len(written)


def test_the_same_command_again_asks_no_model_and_writes_the_same(tmp_path: Path) -> None:
    first = generate(config(tmp_path), Reporter(quiet=True))
    file = tmp_path / "runs" / "demo" / "tasks.jsonl"
    content = file.read_bytes()
    file.unlink()
    (tmp_path / "runs" / "cache" / "answers.db").unlink()
    assert generate(config(tmp_path), Reporter(quiet=True)) == first
    assert file.read_bytes() == content


def test_a_compiled_program_writes_with_its_own_prompts(finished: Finished, tmp_path: Path) -> None:
    program = finished.folder / "compiled"
    generate(config(tmp_path), Reporter(quiet=True), program=program)
    assert {row["candidate"] for row in rows(tmp_path)} == {load_manifest(program).candidate}


def test_a_program_of_another_domain_is_refused_in_one_line(
    finished: Finished, tmp_path: Path
) -> None:
    legal = load_config("legal", [f"runs={tmp_path}", "documents.limit=1"])
    with pytest.raises(InputError, match="made for domain 'research', and the configuration's is"):
        generate(legal, Reporter(quiet=True), program=finished.folder / "compiled")


def test_documents_that_are_turned_away_are_named_with_the_reason(tmp_path: Path) -> None:
    few = ["documents.limit=15", "loop.rounds=1", f"runs={tmp_path}"]
    found = generate(load_config("legal", few), Reporter(quiet=True))
    assert len(found.unsuitable) == found.measurement.unsuitable == 3
    assert all(found.unsuitable.values())
    assert found.failures == {}


def test_documents_that_nobody_could_score_are_named_and_tried_again(tmp_path: Path) -> None:
    # The fault strikes single calls: which documents it hits is decided by the seed.
    faults = ("models.weak.extra={faults={server_error=0.15}}", "models.weak.retries=0")
    found = generate(config(tmp_path, *faults, "documents.limit=12"), Reporter(quiet=True))
    assert 0 < len(found.failures) < 12
    assert found.measurement.failures == len(found.failures)
    assert all(reason.startswith("weak: ") for reason in found.failures.values())
    assert found.problem == ""
    kept = (tmp_path / "runs" / "demo" / "journal.jsonl").read_text().splitlines()
    assert len(kept) == 12 - len(found.failures)


def test_an_outage_everywhere_is_a_failure_with_the_remedy(cli: Command, tmp_path: Path) -> None:
    words = sets("documents.limit=2", "loop.rounds=1", f"runs={tmp_path / 'runs'}", *OUTAGE)
    answer = cli("generate", "demo", "--json", *words)
    assert answer.code == 1
    assert "no document could be scored (weak: " in answer.err
    assert "run `autodata check`" in answer.err
    found = json.loads(answer.out)
    assert (found["accepted"], len(found["failures"])) == (0, 2)
    assert rows(tmp_path) == []


def test_a_program_is_compared_with_the_shipped_one_on_the_test_documents(
    finished: Finished, tmp_path: Path
) -> None:
    overrides = ("documents.limit=6", "test_repeats=2", "train=0.3", "validation=0.4")
    program = finished.folder / "compiled"
    found = evaluate(config(tmp_path, *overrides), Reporter(quiet=True), program=program)
    assert found.documents == 2
    assert found.baseline.episodes == found.winner.episodes == 4
    assert found.baseline.gap is not None
    assert found.winner.gap is not None
    assert found.difference.gap == pytest.approx(found.winner.gap - found.baseline.gap)
    assert found.problem == ""


def test_a_comparison_of_nothing_is_a_failure(
    cli: Command, finished: Finished, tmp_path: Path
) -> None:
    words = sets("documents.limit=3", "loop.rounds=1", "test_repeats=1", *OUTAGE)
    words += sets(f"runs={tmp_path / 'runs'}")
    answer = cli("evaluate", "demo", "--program", finished.folder / "compiled", *words)
    assert answer.code == 1
    assert "no test document could be scored for both programs" in answer.err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(
    as_json: bool, cli: Command, tmp_path: Path
) -> None:
    # One document at a time, and a challenger that takes its time: some are done, some are not.
    words = sets("documents.limit=12", "in_flight=1", "loop.rounds=1", OPEN_GATE)
    words += sets(f"runs={tmp_path / 'runs'}", "models.challenger.extra={latency=0.4}")
    words += ["--json"] if as_json else []
    journal = tmp_path / "runs" / "demo" / "journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "autodata", "generate", "demo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert "interrupted: run the same command again to go on; nothing finished is lost" in err
    done = journal.read_bytes().count(b"\n")
    assert 2 <= done < 12
    assert f"stopped with {done} of 12 documents done" in err
    assert out == "" if not as_json else set(json.loads(out)) == {"error"}
    before = rows(tmp_path)
    again = cli("generate", "demo", *words, "--set", "in_flight=12")
    assert again.code == 0
    assert f"going on with {done} finished episodes" in again.err
    assert [row for row in rows(tmp_path) if row in before] == before
    assert journal.read_bytes().count(b"\n") == 12
