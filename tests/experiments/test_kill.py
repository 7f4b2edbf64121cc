"""`kill -9` at any moment: the same command again ends as if nothing had happened, and no finished
call is paid for twice."""

import json
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from killing import Victim, empty_database, prepare
from mlflow import MlflowClient
from worlds import World

from autodata.experiments.config import load_config
from autodata.experiments.documents import load
from autodata.experiments.source import DocumentSource
from autodata.experiments.store import Store
from autodata.experiments.tracking import Tracker
from autodata.optimizers import SearchOptions, Setup, Trial
from autodata.optimizers.joint.search import OptunaSearch
from autodata.programs import PROPOSER, ROLES

LOOP = (
    'gate={name="wide", weak_mean_max={limit=0.8}, gap_min={limit=0.1}}',
    "loop.rounds=3",
    "in_flight=8",
    *(f"models.{role}.extra={{latency=0.004, latency_spread=0.7}}" for role in (*ROLES, PROPOSER)),
)
SEARCH = (
    "documents.limit=10",
    "search.trials=5",
    "search.generation=3",
    "search.instructions=2",
    "search.prune_after=2",
    "search.finalists=1",
    "test_repeats=1",
)
GEPA = ("method=gepa", "documents.limit=12", "search.trials=6", "seed=1")


def command(verb: str, *overrides: str) -> list[str]:
    return [verb, "demo", *(word for one in (*LOOP, *overrides) for word in ("--set", one))]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.getbasetemp().parent)


class Killer:
    """Kills a command again and again and compares every end with an undisturbed one.

    Args:
        fresh: Makes a new victim.
        seed: Of the moments, which are drawn from the whole time of an undisturbed run.
    """

    def __init__(self, fresh: Callable[[], Victim], seed: int) -> None:
        self._fresh = fresh
        self._draw = random.Random(seed)
        self.undisturbed = fresh()
        prepare()
        started = time.monotonic()
        self.expected = self.undisturbed.run()
        self.duration = time.monotonic() - started
        self.answers = set(self.undisturbed.asked())

    def killed(self, times: int) -> list[tuple[Victim, Any]]:
        """Kill so many times; return every victim that came to its end, with what it found."""
        ended: list[tuple[Victim, Any]] = []
        kills = 0
        while kills < times:
            victim, before, started = self._fresh(), kills, time.monotonic()
            while (found := victim.run(self._moment(kills < times))) is None:
                kills += 1
            if kills == before:  # The machine is quicker than when the time was taken.
                self.duration = time.monotonic() - started
            self._check(victim, kills - before)
            ended.append((victim, found))
        return ended

    def _moment(self, kill: bool) -> float | None:
        return self._draw.uniform(0, self.duration) if kill else None

    def _check(self, victim: Victim, kills: int) -> None:
        """Look at what reached the models: all of it, nothing more, and no finished call again."""
        asked = victim.asked()
        assert victim.repeated() == []
        assert set(asked) == self.answers
        # In flight is at most one call a document, and each kill loses only those.
        assert len(asked) - len(self.answers) <= 8 * kills
        keys = journal(victim)
        assert len(keys) == len(set(keys))
        assert sorted(keys) == sorted(journal(self.undisturbed))


def journal(victim: Victim) -> list[str]:
    lines = (victim.runs / "demo" / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["key"] for line in lines]


def check_optimized(killer: Killer, victim: Victim, found: Any) -> None:
    """Compare what a run of `optimize` left with what the undisturbed one left."""
    folder, other = victim.runs / "demo", killer.undisturbed.runs / "demo"
    assert json.loads((folder / "result.json").read_text()) == found
    assert told(found) == told(killer.expected)
    for name in ("trials.json", "compiled/program.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    check_tracked(victim, found)


def told(found: Any) -> dict[str, Any]:
    return {k: v for k, v in found.items() if k not in ("seconds", "compiled", "mlflow")}


def check_tracked(victim: Victim, found: Any) -> None:
    """See that MLflow shows one run with one child for each trial."""
    client = MlflowClient(tracking_uri=f"sqlite:///{victim.runs / 'mlflow.db'}")
    runs = client.search_runs([found["mlflow"]["experiment_id"]])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.run_id == found["mlflow"]["run_id"]
    children = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    numbers = sorted(int(run.data.tags["autodata.trial"]) for run in children)
    assert numbers == list(range(sum(found["trials"].values())))
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    assert parent.info.status == "FINISHED"


def test_generate_survives_12_kills(tmp_path: Path, database: Path) -> None:
    made = iter(range(100))
    documents = "documents.limit=12"
    killer = Killer(
        lambda: Victim(
            tmp_path / str(next(made)), *command("generate", documents), database=database
        ),
        seed=1,
    )
    expected = (killer.undisturbed.runs / "demo" / "tasks.jsonl").read_bytes()
    assert expected.count(b"\n") > 3
    for victim, found in killer.killed(12):
        assert (victim.runs / "demo" / "tasks.jsonl").read_bytes() == expected
        assert {**found, "tasks": ""} == {**(killer.expected or {}), "tasks": ""}


@pytest.mark.timeout(600)
def test_optimize_survives_7_kills(tmp_path: Path, database: Path) -> None:
    made = iter(range(100))
    words = command("optimize", *SEARCH)
    killer = Killer(lambda: Victim(tmp_path / str(next(made)), *words, database=database), seed=2)
    for victim, found in killer.killed(7):
        check_optimized(killer, victim, found)


def test_gepa_survives_3_kills(tmp_path: Path, database: Path) -> None:
    made = iter(range(100))
    words = command("optimize", *SEARCH, *GEPA)
    killer = Killer(lambda: Victim(tmp_path / str(next(made)), *words, database=database), seed=4)
    for victim, found in killer.killed(3):
        check_optimized(killer, victim, found)


@pytest.mark.parametrize(
    "method",
    [
        *("relay", "evolution", "infer-rules"),
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in ("miprov2", "copro", "simba", "bootstrap", "random")
        ),
    ],
)
def test_every_other_method_survives_a_kill(method: str, tmp_path: Path, database: Path) -> None:
    made = iter(range(100))
    options = ("documents.limit=12", "loop.rounds=2", "search.trials=5", f"method={method}")
    words = command("optimize", *SEARCH, *options)
    killer = Killer(lambda: Victim(tmp_path / str(next(made)), *words, database=database), seed=5)
    for victim, found in killer.killed(1):
        check_optimized(killer, victim, found)


def test_kills_while_mlflow_makes_its_tables_leave_no_half_made_database(tmp_path: Path) -> None:
    options = ("documents.limit=10", "loop.rounds=1", "search.trials=1", "search.instructions=1")
    victim = Victim(tmp_path / "0", *command("optimize", *options, "test_repeats=1"))
    prepare()
    for moment in (0.6, 1.2, 1.8, 2.4, 3.0):
        victim.run(kill_after=moment)
    found = victim.run()
    assert found is not None
    check_tracked(victim, found)


def test_a_run_that_was_made_in_mlflow_but_not_noted_is_found_again(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = load_config("demo", [f"runs={tmp_path}"])
    begin = Store.begin

    def dies(*args: Any) -> str:
        begin(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Store, "begin", dies)
        Tracker(config)
    with Tracker(config) as tracker:
        place = tracker.location
    client = MlflowClient(tracking_uri=place.tracking_uri)
    assert [run.info.run_id for run in client.search_runs([place.experiment_id])] == [place.run_id]


STEPS = [
    # What is interrupted, at which call, before or after it is done.
    (optuna.Study, "enqueue_trial", 1, "after"),
    (optuna.Study, "tell", 1, "before"),
    (optuna.Study, "tell", 2, "after"),
    (optuna.trial.Trial, "report", 5, "before"),
    (optuna.trial.Trial, "set_user_attr", 2, "before"),
    (optuna.Study, "add_trial", 2, "before"),
    (optuna.trial.Trial, "set_user_attr", 6, "after"),
    (optuna.Study, "ask", 2, "after"),
]


def test_a_search_cut_off_between_any_two_steps_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOffError(BaseException):
        pass

    def cut(owner: Any, name: str, call: int, when: str) -> None:
        step, calls = getattr(owner, name), 0

        def cut_step(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call and when == "before":
                raise CutOffError
            done = step(*args, **options)
            if calls == call:
                raise CutOffError
            return done

        patched.setattr(owner, name, cut_step)

    undisturbed = searched(None)
    for step in STEPS:
        with monkeypatch.context() as patched, pytest.raises(CutOffError):
            cut(*step)
            searched(tmp_path)
    with (tmp_path / "study.log").open("ab") as study:
        study.write(b'{"op_code": 4, "wor')
    assert searched(tmp_path) == undisturbed


def searched(folder: Path | None) -> list[tuple[Any, ...]]:
    """Search in this process, without a journal or a cache."""
    world = World(load(DocumentSource(), seed=0).accepted[:8])
    options = SearchOptions(trials=6, generation=3, instructions=2, prune_after=2)
    trials: list[Trial] = []
    OptunaSearch(Setup(options, world.models[PROPOSER], folder=folder)).search(
        world.objective(), world.train, world.validation, trials.append
    )
    return [(t.number, t.state, t.params, t.value, t.candidate.id) for t in trials]
