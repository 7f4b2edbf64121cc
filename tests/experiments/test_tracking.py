"""A run as MLflow has it: what is recorded, once and whole, and what never is."""

import base64
import json
import shutil
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from autodata.experiments import address, tracking
from autodata.experiments.config import ExperimentConfig
from autodata.experiments.errors import InputError
from autodata.experiments.store import Store
from autodata.experiments.tracking import Tracker
from tests.experiments import trials

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make MLflow's tables once, because that takes seconds."""
    made = tmp_path_factory.mktemp("tables") / "made.db"
    MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments()
    copy = made.with_name("copy.db")
    source, target = sqlite3.connect(made), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    return copy


@pytest.fixture
def runs(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a runs folder with an empty database, and see that nothing is written elsewhere."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    folder = tmp_path / "the runs #1, 100%"
    folder.mkdir()
    shutil.copyfile(empty_database, folder / "mlflow.db")
    yield folder
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {elsewhere.name, folder.name}


def client(config: ExperimentConfig) -> MlflowClient:
    return MlflowClient(tracking_uri=address.default_uri(config.runs))


def children(config: ExperimentConfig, tracker: Tracker) -> list[Run]:
    """Return the child runs by trial number."""
    where = tracker.location
    found = client(config).search_runs(
        [where.experiment_id], f"tags.`mlflow.parentRunId` = '{where.run_id}'"
    )
    return sorted(found, key=lambda run: int(run.data.tags["autodata.trial"]))


def artifacts(run: Run) -> dict[str, str]:
    """Return the texts at the root of a run."""
    folder = Path(unquote(urlsplit(run.info.artifact_uri or "").path))
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def rows(text: str) -> list[dict[str, Any]]:
    table = json.loads(text)
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def recorded(config: ExperimentConfig, count: int = 6) -> Tracker:
    """Record a search of so many trials, without its result."""
    tracker = Tracker(config)
    for trial in trials.study(count):
        tracker.trial(trial, trials.BASELINE)
    tracker.fail("stopped here", killed=True)
    tracker.close()
    return tracker


def charted(config: ExperimentConfig, tracker: Tracker) -> list[int]:
    """Return the trials in the parent run's chart, in the order in which they were written."""
    history = client(config).get_metric_history(tracker.location.run_id, "trial/gap")
    return [point.step for point in history]


def wait_for(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_is_a_parent_with_a_child_for_every_trial(runs: Path) -> None:
    config = trials.config(runs)
    searched = trials.study(6)
    with Tracker(config) as tracker:
        for trial in searched:
            tracker.trial(trial, trials.BASELINE)
        result = trials.result(config, searched, searched[4])
        tracker.finish(result, {"compiled": config.folder / "compiled"})
    parent = client(config).get_run(tracker.location.run_id)
    assert parent.info.run_name == "study"
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["kind"] == "study"
    assert parent.data.params["search.trials"] == "20"
    assert parent.data.metrics["difference/gap"] == 0.12
    assert parent.data.metrics["winner/gap"] == pytest.approx(searched[4].value)
    assert parent.data.metrics["calls"] == 1234
    assert parent.data.metrics["best_gap"] == pytest.approx(searched[4].value)
    assert parent.data.tags["mlflow.note.content"].startswith("**gap +0.120** against the baseline")
    runs_of = children(config, tracker)
    assert [run.info.run_name for run in runs_of] == [
        "t000 baseline",
        "t001 write-1 best-2",
        "t002 write-2",
        "t003 write-3",
        "t004 best-2",
        "t005 write-1",
    ]
    assert {run.data.tags["kind"] for run in runs_of} == {"trial"}
    assert [run.data.tags.get("winner") for run in runs_of] == [None, None, None, None, "yes", None]
    history = client(config).get_metric_history(tracker.location.run_id, "trial/gap")
    assert [point.step for point in history] == [0, 1, 2, 3, 4]


def test_every_trial_has_every_parameter_and_its_metrics_by_their_bare_names(runs: Path) -> None:
    config = trials.config(runs)
    found = children(config, recorded(config))
    names = {"plan", "write", "demos", "temperature", "memory"}
    names |= {"run", "method", "origin", "parent", "candidate"}
    assert all(set(run.data.params) == names for run in found)
    assert found[1].data.params["temperature"] == "0.98"
    measured = trials.study(2)[1].measurement
    metrics = found[1].data.metrics
    for name in ("gap", "acceptance", "accepted_gap", "weak", "strong", "rounds", "calls"):
        assert metrics[name] == pytest.approx(getattr(measured, name), rel=1e-5)
    for name in ("tokens", "tokens_per_accepted", "failures"):
        assert metrics[name] == pytest.approx(getattr(measured, name), rel=1e-5)
    steps = client(config).get_metric_history(found[1].info.run_id, "doc/gap_mean")
    assert [point.step for point in steps] == list(range(10))
    assert steps[-1].value == pytest.approx(measured.gap, rel=1e-5)


def test_pruned_and_failed_trials_end_as_killed_and_failed(runs: Path) -> None:
    config = trials.config(runs)
    found = children(config, recorded(config))
    assert [(run.data.tags["state"], run.info.status) for run in found[2:]] == [
        ("complete", "FINISHED"),
        ("pruned", "KILLED"),
        ("complete", "FINISHED"),
        ("failed", "FAILED"),
    ]
    assert "gap" not in found[5].data.metrics
    assert found[5].data.metrics["failures"] == 1
    assert "stopped as clearly worse after 4 documents" in found[3].data.tags["mlflow.note.content"]


def test_a_trial_keeps_prompts_differences_tasks_and_failures(runs: Path) -> None:
    config = trials.config(runs)
    found = children(config, recorded(config, 3))
    kept = artifacts(found[1])
    assert sorted(kept) == [
        "candidate.json",
        "diff.txt",
        "failures.json",
        "prompts.json",
        "tasks.json",
    ]
    assert rows(kept["prompts.json"])[0] == {
        "role": "challenger.write",
        "instruction": "Write one task of kind 1.\nIt must be hard to solve.",
    }
    assert "-Write one task.\n" in kept["diff.txt"]
    assert "+Write one task of kind 1.\n" in kept["diff.txt"]
    assert artifacts(found[0])["diff.txt"] == "no difference from the baseline\n"
    candidate = trials.study(2)[1].candidate
    assert type(candidate).model_validate_json(kept["candidate.json"]) == candidate
    task = rows(kept["tasks.json"])[0]
    assert (task["document"], task["weak"], task["strong"], task["round"]) == (
        "doc-00",
        0.3,
        0.51,
        2,
    )
    failures = {row["outcome"]: row for row in rows(kept["failures.json"])}
    assert failures["TOO EASY"]["reason"] == "weak mean"
    assert failures["TOO EASY"]["rounds"] == 7
    assert failures["FAILED QUALITY CHECK"]["documents"] == "doc-02, doc-05, doc-08"
    tables = json.loads(found[1].data.tags["mlflow.loggedArtifacts"])
    assert {"path": "prompts.json", "type": "table"} in tables


def test_the_files_of_a_result_are_kept_by_the_names_given(runs: Path) -> None:
    config = trials.config(runs)
    searched = trials.study(2)
    with Tracker(config) as tracker:
        result = trials.result(config, searched, searched[1])
        manifest = config.folder / "compiled" / "manifest.json"
        tracker.finish(result, {"compiled": manifest.parent, "notes/m.json": manifest})
    run_id = tracker.location.run_id
    listed = {file.path for file in client(config).list_artifacts(run_id)}
    assert listed == {"compiled", "config.toml", "notes", "result.json"}
    inner = {file.path for file in client(config).list_artifacts(run_id, "compiled")}
    assert inner == {"compiled/README.md", "compiled/manifest.json", "compiled/program.json"}
    kept = artifacts(client(config).get_run(run_id))
    assert json.loads(kept["result.json"])["calls"] == 1234
    assert kept["config.toml"] == config.to_toml()


def test_a_second_start_goes_on_with_the_same_run_and_records_nothing_twice(runs: Path) -> None:
    config = trials.config(runs)
    first = recorded(config, 3)
    assert client(config).get_run(first.location.run_id).data.tags["reason"] == "stopped here"
    second = Tracker(config)
    assert second.location == first.location
    parent = client(config).get_run(first.location.run_id)
    assert parent.info.status == "RUNNING"
    assert "reason" not in parent.data.tags
    searched = trials.study(5)
    for trial in searched:
        second.trial(trial, trials.BASELINE)
    result = trials.result(config, searched, searched[1])
    second.finish(result, {"compiled": config.folder / "compiled"})
    second.close()
    found = children(config, second)
    assert [run.data.tags["autodata.trial"] for run in found] == ["0", "1", "2", "3", "4"]
    assert found[1].data.tags["winner"] == "yes"
    steps = client(config).get_metric_history(first.location.run_id, "trial/gap")
    assert [point.step for point in steps] == [0, 1, 2, 3, 4]
    assert client(config).get_run(first.location.run_id).info.status == "FINISHED"


def test_a_trial_that_a_crash_cut_short_is_recorded_again(runs: Path) -> None:
    config = trials.config(runs)
    first = recorded(config, 3)
    cut = children(config, first)[1]
    client(config).update_run(cut.info.run_id, status="RUNNING")
    second = recorded(config, 3)
    found = children(config, second)
    assert [run.data.tags["autodata.trial"] for run in found] == ["0", "1", "2"]
    assert found[1].info.run_id != cut.info.run_id
    assert found[1].info.status == "FINISHED"


@pytest.mark.parametrize("loss", ["deleted run", "damaged note", "other database"])
def test_a_run_that_is_gone_from_the_store_is_recorded_anew(runs: Path, loss: str) -> None:
    config = trials.config(runs)
    first = recorded(config, 2)
    if loss == "deleted run":
        client(config).delete_run(first.location.run_id)
    elif loss == "damaged note":
        (config.folder / "mlflow.json").write_text("{")
    else:
        note = first.location.model_copy(update={"run_id": "0" * 32})
        (config.folder / "mlflow.json").write_text(note.model_dump_json())
    second = recorded(config, 2)
    assert second.location.run_id != first.location.run_id
    assert len(children(config, second)) == 2


def test_an_error_or_an_interrupt_ends_the_run_with_its_reason(runs: Path) -> None:
    config = trials.config(runs)
    with pytest.raises(RuntimeError, match="all models are down"), Tracker(config) as tracker:
        raise RuntimeError("all models are down")
    parent = client(config).get_run(tracker.location.run_id)
    assert (parent.info.status, parent.data.tags["reason"]) == ("FAILED", "all models are down")
    with pytest.raises(KeyboardInterrupt), Tracker(config) as tracker:
        raise KeyboardInterrupt
    parent = client(config).get_run(tracker.location.run_id)
    assert (parent.info.status, parent.data.tags["reason"]) == ("KILLED", "KeyboardInterrupt")


def test_no_secret_is_written_anywhere(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", KEY)
    plain = trials.config(runs)
    weak = plain.models["weak"].model_copy(update={"api_key_env": "PLANTED_KEY"})
    config = plain.model_copy(update={"models": {**plain.models, "weak": weak}})
    careless = trials.trial(
        0,
        [
            trials.unscored("doc-00", f"401: the key {KEY} is not known"),
            trials.accepted("doc-01", "0.2", "0.9", f"What does {KEY} mean in this document?"),
        ],
    )
    with pytest.raises(RuntimeError), Tracker(config) as tracker:
        tracker.trial(careless, trials.BASELINE)
        raise RuntimeError(f"401: {KEY}")
    assert "[hidden]" in artifacts(children(config, tracker)[0])["tasks.json"]
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert any(path.name == "mlflow.db" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_the_configuration_is_kept_without_the_address_s_password(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "postgresql://me:pa55word@host/db"
    local = address.default_uri(runs)
    monkeypatch.setattr(address, "tracking_uri", lambda config: local)
    config = trials.config(runs, tracking={"uri": uri})
    tracker = Tracker(config)
    tracker.close()
    kept = artifacts(client(config).get_run(tracker.location.run_id))
    assert 'uri = "postgresql://host/db"' in kept["config.toml"]
    assert not [p for p in runs.rglob("*") if p.is_file() and b"pa55word" in p.read_bytes()]


def test_an_experiment_made_through_a_server_is_not_written_behind_its_back(runs: Path) -> None:
    config = trials.config(runs)
    client(config).create_experiment("autodata", artifact_location="mlflow-artifacts:/7")
    with pytest.raises(InputError, match=r"set `tracking\.experiment` to another name"):
        Tracker(config)


def test_a_deleted_experiment_is_named_with_the_remedy(runs: Path) -> None:
    config = trials.config(runs)
    client(config).delete_experiment(client(config).create_experiment("autodata"))
    with pytest.raises(InputError, match=r"'autodata' was deleted; set `tracking\.experiment`"):
        Tracker(config)


def test_what_could_not_be_recorded_is_raised_by_name_and_the_next_start_makes_up_for_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trials.config(runs)
    searched = trials.study(3)
    whole = Store.begin

    def begin(store: Store, name: str, tags: dict[str, str], start: int) -> str:
        if name.startswith("t001"):
            raise OSError("no space left")
        return whole(store, name, tags, start)

    monkeypatch.setattr(Store, "begin", begin)
    tracker = Tracker(config)
    with pytest.raises(RuntimeError, match="did not record trial 1: OSError: no space left"):
        for trial in searched:
            tracker.trial(trial, trials.BASELINE)
        tracker.close()
    tracker.close()
    monkeypatch.undo()
    assert len(children(config, tracker)) == 2
    assert len(children(config, recorded(config, 3))) == 3


def test_an_error_of_the_run_is_not_hidden_by_one_of_the_tracker(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(*_: object) -> None:
        raise OSError("no space left")

    with pytest.raises(ValueError, match="the real reason") as caught, Tracker(trials.config(runs)):
        monkeypatch.setattr(Store, "record", record)
        raise ValueError("the real reason")
    assert "no space left" in caught.value.__notes__[0]


def test_recording_a_trial_keeps_nobody_waiting(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trials.config(runs)
    tracker = Tracker(config)
    gate, whole = threading.Event(), Store.begin

    def begin(*args: Any) -> str:
        gate.wait(60)
        return whole(*args)

    monkeypatch.setattr(Store, "begin", begin)
    for trial in trials.study(2):
        tracker.trial(trial, trials.BASELINE)
    assert children(config, tracker) == []
    gate.set()
    tracker.close()
    assert len(children(config, tracker)) == 2


def test_the_parent_s_chart_grows_while_the_search_goes_on(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "PAUSE_MS", 0)
    config = trials.config(runs)
    with Tracker(config) as tracker:
        tracker.trial(trials.study(1)[0], trials.BASELINE)
        wait_for(lambda: charted(config, tracker) == [0])


def test_the_parent_s_chart_lacks_nothing_after_a_kill_and_has_nothing_twice(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trials.config(runs)
    killed = Tracker(config)
    for trial in trials.study(2):
        killed.trial(trial, trials.BASELINE)
    wait_for(lambda: [run.info.status for run in children(config, killed)] == ["FINISHED"] * 2)
    assert charted(config, killed) == []
    monkeypatch.setattr(tracking, "PAUSE_MS", 0)
    assert charted(config, recorded(config, 3)) == [0, 1, 2]
    assert charted(config, recorded(config, 5)) == [0, 1, 2, 3, 4]


def test_the_saved_view_shows_the_trials_of_its_run(runs: Path) -> None:
    config = trials.config(runs)
    tracker = recorded(config, 2)
    where = tracker.location
    tags = client(config).get_experiment(where.experiment_id).tags
    value = tags[f"mlflow.sharedViewState.autodata-{where.run_id}"]
    assert len(value) < 20000
    view = json.loads(value)
    kind, _, packed = view["state"].partition(";")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert (view["name"], kind) == ("study: trials", "deflate")
    assert where.run_id in state["searchFilter"]
    assert {"metrics.`gap`", "params.`write`", "tags.`state`"} <= set(state["selectedColumns"])
    assert f"viewStateShareKey=autodata-{where.run_id}" in tracker.view_url


def test_names_and_texts_beyond_mlflow_s_limits_are_shortened_here(runs: Path) -> None:
    config = trials.config(runs)
    long = trials.trial(0, [trials.rejected("doc-00")])
    long = long.model_copy(update={"params": {"write (long)": "x" * 9000}})
    tracker = Tracker(config)
    tracker.trial(long, trials.BASELINE)
    tracker.close()
    params = children(config, tracker)[0].data.params
    assert "write _long_" in params
    assert len(params["write _long_"]) == 500
