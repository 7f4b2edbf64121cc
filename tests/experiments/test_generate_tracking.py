"""A run of `generate` as MLflow has it, and what a dead tracking server leaves of it."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from killing import empty_database
from mlflow import MlflowClient
from mlflow.entities import Run

from autodata.experiments import address
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.exports import export_trial
from autodata.experiments.generate import Generated, generate
from autodata.experiments.progress import Reporter
from autodata.experiments.tracking import Tracker
from tests.experiments.conftest import OPEN_GATE, PLANTED, Command, Finished, sets

SMALL = ("documents.limit=4", "loop.rounds=2", OPEN_GATE)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)


@pytest.fixture
def runs(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    empty = empty_database(tmp_path_factory.getbasetemp().parent)
    shutil.copyfile(empty, folder / "mlflow.db")
    return folder


def config(runs: Path, *overrides: str) -> ExperimentConfig:
    return load_config("demo", [*SMALL, f"runs={runs}", *overrides])


def generated(runs: Path, *overrides: str, program: Path | None = None) -> Generated:
    return generate(config(runs, *overrides), Reporter(quiet=True), program=program)


def recorded(runs: Path) -> list[Run]:
    client = MlflowClient(tracking_uri=address.default_uri(runs))
    experiment = client.get_experiment_by_name("autodata")
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def artifact(run: Run, name: str) -> str:
    return Path(unquote(urlsplit(run.info.artifact_uri or "").path), name).read_text()


def test_a_run_of_generate_is_one_run_with_its_numbers_and_tasks(runs: Path) -> None:
    found = generated(runs)
    (run,) = recorded(runs)
    assert (run.info.status, run.data.tags["kind"]) == ("FINISHED", "generate")
    assert (run.info.run_name or "").startswith("demo generate-")
    assert run.data.params["documents.limit"] == "4"
    assert run.data.params["program"] == "shipped prompts"
    assert run.data.metrics["documents"] == 4
    assert run.data.metrics["calls"] == found.measurement.calls
    assert run.data.metrics["gap"] == pytest.approx(found.measurement.gap, abs=1e-5)
    assert len(json.loads(artifact(run, "tasks.json"))["data"]) == found.accepted > 0
    assert artifact(run, "tasks.jsonl") == Path(found.tasks).read_text()
    assert "OPEN" not in artifact(run, "failures.json")


def test_the_same_command_again_goes_on_with_the_same_run(runs: Path) -> None:
    generated(runs)
    (first,) = recorded(runs)
    generated(runs)
    (second,) = recorded(runs)
    assert second.info.run_id == first.info.run_id


def test_a_search_in_the_same_folder_keeps_its_own_run(
    runs: Path, finished: Finished, tmp_path: Path
) -> None:
    with Tracker(config(runs)) as tracker:
        tracker.fail("only here to have a run of its own")
    before = {run.info.run_id for run in recorded(runs)}
    generated(runs)
    other = tmp_path / "other"
    export_trial(finished.folder, other, 1)
    generated(runs, program=other)
    both = [run for run in recorded(runs) if run.info.run_id not in before]
    assert {run.data.tags["kind"] for run in both} == {"generate"}
    assert len({run.data.params["candidate"] for run in both}) == 2
    assert address.noted(runs / "demo") == tracker.location


@pytest.mark.parametrize("when", ["from the beginning", "at the end"])
def test_a_dead_tracking_server_loses_no_task(
    when: str, runs: Path, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = sets(*SMALL, f"runs={runs}")

    def gone(*_: Any) -> None:
        raise OSError("connection refused")

    with monkeypatch.context() as patched:
        if when == "from the beginning":
            patched.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        else:
            patched.setattr("autodata.experiments.store.Store.keep", gone)
        answer = cli("generate", "demo", "--json", *words)
    assert answer.code == 1
    found = json.loads(answer.out)
    assert Path(found["tasks"]).read_text().count("\n") == found["accepted"] > 0
    assert "but MLflow has no record of the run: " in found["untracked"]
    assert f"failed: the tasks are in {found['tasks']}, but MLflow" in answer.err
    journal = (runs / "demo" / "journal.jsonl").read_bytes()
    again = cli("generate", "demo", "--json", *words)
    assert (again.code, json.loads(again.out)["untracked"]) == (0, "")
    assert (runs / "demo" / "journal.jsonl").read_bytes() == journal
    assert [run.info.status for run in recorded(runs)] == ["FINISHED"]


def test_a_run_that_scored_nothing_is_recorded_as_failed(runs: Path) -> None:
    outage = ("models.weak.extra={faults={server_error=1.0}}", "models.weak.retries=0")
    found = generated(runs, *outage, "loop.rounds=1")
    assert found.problem.startswith("no document could be scored")
    (run,) = recorded(runs)
    assert run.info.status == "FAILED"
    assert run.data.tags["reason"].startswith("no document could be scored (weak: ")
