"""What the README says of `autodata optimize demo`, proved by running it."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from killing import Victim, empty_database
from mlflow import MlflowClient

from autodata.experiments.config import load_config
from autodata.experiments.progress import Reporter
from autodata.experiments.runner import optimize

CORPUS = Path(__file__).parents[2] / "experiments" / "corpus" / "research"
SMALL = (
    "documents.limit=12",
    "search.trials=6",
    "search.generation=3",
    "search.instructions=2",
    "search.prune_after=3",
    "search.finalists=1",
    "loop.rounds=3",
    "test_repeats=1",
)
WRITE_A_TASK = """
import sys
from pathlib import Path
import autodata
program = autodata.load(sys.argv[1])
tasks = [program(document=Path(file).read_text()).task for file in sys.argv[2:]]
print(next(task.question for task in tasks if task is not None))
"""


class Demo(NamedTuple):
    """The demo, run once with its own seed."""

    victim: Victim
    found: dict[str, Any]
    asked: int
    """Requests that reached a model."""

    @property
    def folder(self) -> Path:
        return self.victim.runs / "demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    victim = Victim(tmp_path_factory.mktemp("demo") / "runs", "optimize", "demo")
    found = victim.run()
    assert found is not None
    return Demo(victim, found, len(victim.asked()))


def told(found: dict[str, Any]) -> dict[str, Any]:
    """Return a result without where it is and how long it took."""
    return {k: v for k, v in found.items() if k not in ("seconds", "compiled", "mlflow")}


def small(runs: Path, database: Path, in_flight: int) -> dict[str, Any]:
    """Run a smaller demo; return everything that it found."""
    runs.mkdir()
    shutil.copyfile(database, runs / "mlflow.db")
    config = load_config("demo", [*SMALL, f"in_flight={in_flight}", f"runs={runs}"])
    result = optimize(config, Reporter(quiet=True))
    trials = json.loads((config.folder / "trials.json").read_text())
    program = (config.folder / "compiled" / "program.json").read_text()
    return {**told(result.model_dump(mode="json")), "listed": trials, "program": program}


def python(*words: str | Path) -> str:
    """Run Python in a new process and return what it says."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    command = [sys.executable, *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_same_seed_gives_the_same_numbers_whatever_is_in_flight(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = empty_database(tmp_path_factory.getbasetemp().parent)
    one_by_one = small(tmp_path / "a", database, in_flight=1)
    assert small(tmp_path / "b", database, in_flight=16) == one_by_one
    assert sum(one_by_one["trials"].values()) >= 6


def test_a_tracking_server_that_dies_at_the_end_is_named_beside_where_the_result_is(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise OSError("connection refused")

    database = empty_database(tmp_path_factory.getbasetemp().parent)
    shutil.copyfile(database, tmp_path / "mlflow.db")
    config = load_config("demo", [*SMALL, "search.trials=2", f"runs={tmp_path}"])
    with monkeypatch.context() as patched, pytest.raises(RuntimeError) as caught:
        patched.setattr("autodata.experiments.store.Store.keep", gone)
        optimize(config, Reporter(quiet=True))
    written = config.folder / "result.json"
    assert f"{written} is written, but MLflow did not record the result" in str(caught.value)
    before = json.loads(written.read_text())
    found = optimize(config, Reporter(quiet=True)).model_dump(mode="json")
    assert told(found) == told(before)


@pytest.mark.timeout(900)
def test_the_demo_proves_what_the_readme_says(demo: Demo, tmp_path: Path) -> None:
    found = demo.found
    check_numbers(found)
    assert json.loads((demo.folder / "result.json").read_text()) == found
    check_tracked(demo)
    exported = tmp_path / "exported"
    python("-m", "autodata", "export", demo.folder, "--to", exported)
    documents = sorted(CORPUS.glob("*.md"))[:4]
    assert python("-c", WRITE_A_TASK, exported, *documents).strip()
    again = demo.victim.run()
    assert again is not None
    assert told(again) == told(found)
    assert again["mlflow"] == found["mlflow"]
    assert len(demo.victim.asked()) == demo.asked


def check_numbers(found: dict[str, Any]) -> None:
    """See that the winner is better on documents that nothing has looked at."""
    assert found["difference"]["low"] > 0
    assert found["winner"]["gap_low"] > found["baseline"]["gap"]
    assert found["baseline"]["failures"] == found["winner"]["failures"] == 0
    assert found["baseline"]["episodes"] == found["winner"]["episodes"] > 0
    assert found["trials"]["pruned"] >= 1
    # Those that were stopped early have made room for others.
    assert sum(found["trials"].values()) > load_config("demo").search.trials


def check_tracked(demo: Demo) -> None:
    """See that MLflow has a child run for every trial, in the states of the result."""
    place = demo.found["mlflow"]
    client = MlflowClient(tracking_uri=place["tracking_uri"])
    runs = client.search_runs([place["experiment_id"]])
    children = [run for run in runs if run.info.run_id != place["run_id"]]
    assert len(runs) == len(children) + 1
    assert len(children) >= 15
    states = Counter(run.data.tags["state"] for run in children)
    assert {**dict.fromkeys(demo.found["trials"], 0), **states} == demo.found["trials"]
    assert [run.data.tags["winner"] for run in children if "winner" in run.data.tags] == ["yes"]
