"""The scientific preset from end to end: offline, journaled, and gone on with where it stopped."""

import json
from pathlib import Path

import pytest

from autodata.experiments.check import check
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.generate import generate
from autodata.experiments.progress import Reporter
from autodata.programs.domains.scientific import SCIENTIFIC, covered
from autodata.programs.records import Episode
from autodata.programs.tasks import AnswerTask


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExperimentConfig:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return load_config("scientific", ["documents.limit=3", f"runs={tmp_path / 'runs'}"])


def test_the_preset_writes_problems_and_asks_nobody_twice(config: ExperimentConfig) -> None:
    first = generate(config, Reporter(quiet=True))
    file = config.folder / "tasks.jsonl"
    written = file.read_bytes()
    rows = [json.loads(line) for line in written.decode().splitlines()]
    assert first.accepted == len(rows) > 0
    assert first.failures == {}
    tasks = [
        AnswerTask.model_validate({name: row[name] for name in AnswerTask.model_fields})
        for row in rows
    ]
    assert [SCIENTIFIC.rules.faults(task) for task in tasks] == [[]] * len(tasks)
    assert covered(tasks).share > 0
    assert all(sum(row["weak"]) <= 1 and sum(row["strong"]) >= 3 for row in rows)

    journal = (config.folder / "journal.jsonl").read_text().splitlines()
    assert len(journal) == 3
    file.unlink()
    (Path(config.runs) / "cache" / "answers.db").unlink()
    assert generate(config, Reporter(quiet=True)) == first
    assert file.read_bytes() == written
    assert (config.folder / "journal.jsonl").read_text().splitlines() == journal


def test_a_document_that_is_missing_from_the_journal_is_run_again_alone(
    config: ExperimentConfig,
) -> None:
    generate(config, Reporter(quiet=True))
    journal = config.folder / "journal.jsonl"
    tasks = (config.folder / "tasks.jsonl").read_bytes()
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]))
    generate(config, Reporter(quiet=True))
    again = journal.read_text().splitlines(keepends=True)
    assert again[:-1] == lines[:-1]
    assert (config.folder / "tasks.jsonl").read_bytes() == tasks
    assert _rounds(again[-1]) == _rounds(lines[-1])


def _rounds(line: str) -> object:
    """Return the rounds of the episode that a line of the journal holds."""
    held = json.loads(line)
    episode = held.get("episode", held)
    return Episode.model_validate(episode).rounds


def test_check_finds_nothing_in_the_way_and_leaves_nothing_behind(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    found = check(config, Reporter(quiet=True))
    assert found.fine
    assert {model.role for model in found.models} == {*SCIENTIFIC.spoken, "proposer"}
    assert found.estimate is not None
    assert not (tmp_path / "runs").exists()
