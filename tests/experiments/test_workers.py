"""Several processes on one study: all trials are measured once, whoever is killed meanwhile."""

import io
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from crewing import PASSWORD, Crew, holding, measuring, postgres, postgres_programs
from optuna.trial import FrozenTrial, TrialState

from autodata.experiments import worker
from autodata.experiments.config import load_config
from autodata.experiments.errors import InputError
from autodata.experiments.progress import Reporter
from autodata.experiments.runner import optimize
from autodata.experiments.worker import local_workers, work
from autodata.optimizers import SearchOptions, measured
from autodata.optimizers.joint.generation import EPISODES
from autodata.optimizers.joint.sharing import get_text, unpacked
from autodata.optimizers.joint.slots import SLOT, Slots, ended
from autodata.optimizers.methods import METHODS
from autodata.programs import Episode, Usage
from autodata.programs.budget import BudgetError
from tests.experiments.conftest import Command, sets

OPTIONS = SearchOptions(trials=8, generation=4, instructions=2, prune_after=3, parallel=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package `postgresql`)")
    pytest.importorskip("psycopg", reason="the extra [postgres] is not installed")
    with postgres(programs) as address:
        yield address


@pytest.fixture
def empty(server: str) -> str:
    """Return the address of a database without studies."""
    import psycopg

    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return server


def check_whole(crew: Crew) -> None:
    """See that each trial ended once and that the leader was told just what was measured."""
    trials, told = crew.trials(), crew.told()
    done = [trial for trial in trials if SLOT in trial.user_attrs and ended(trial)]
    numbers = list(range(len(told)))
    # Trials that were stopped early have left something for more of them.
    count = len(told[0].episodes)
    left = OPTIONS.trials * count - sum(len(trial.episodes) for trial in told)
    assert len(told) >= OPTIONS.trials and 0 <= left < count
    assert Counter(trial.user_attrs[SLOT] for trial in done) == Counter(numbers)
    assert [trial.number for trial in told] == numbers
    assert not [t for t in trials if t.state in (TrialState.RUNNING, TrialState.WAITING)]
    for trial in done:
        ours = told[trial.user_attrs[SLOT]]
        theirs = unpacked(get_text(trial.user_attrs, EPISODES) or "")
        assert measured_alike(ours.episodes) == measured_alike(theirs)
        assert ours.measurement == measured(ours.episodes)
        assert (ours.value, ours.params) == (trial.value, trial.params)


def measured_alike(episodes: Sequence[Episode]) -> list[Episode]:
    """Leave out how long it took and which answers were in the cache.

    A killed leader has kept a part of a trial that a worker then took, and found the answers there.
    """

    def alike(usage: Usage) -> Usage:
        return usage.model_copy(update={"cached": 0})

    return [
        one.model_copy(
            update={
                "seconds": 0.0,
                "usage": alike(one.usage),
                "roles": {role: alike(usage) for role, usage in one.roles.items()},
            }
        )
        for one in episodes
    ]


def finish(*processes: Any) -> None:
    for process in processes:
        process.join(120)
        assert process.exitcode == 0


def owners(crew: Crew) -> set[str]:
    return {one.user_attrs["owner"] for one in crew.trials() if SLOT in one.user_attrs}


def test_two_processes_finish_a_study_in_a_sqlite_file_together(tmp_path: Path) -> None:
    crew = Crew(tmp_path, f"sqlite:///{tmp_path / 'study.db'}", OPTIONS)
    finish(crew.lead(), crew.help())
    check_whole(crew)
    assert owners(crew) == {"leader", "worker-1"}


def test_a_worker_on_postgres_that_is_killed_loses_no_trial_and_doubles_none(
    tmp_path: Path, empty: str
) -> None:
    crew = Crew(tmp_path, empty, OPTIONS)
    leader, worker = crew.lead(), crew.help()
    crew.wait(measuring("worker"))
    worker.kill()
    finish(leader)
    assert worker.exitcode == -signal.SIGKILL
    check_whole(crew)
    assert PASSWORD not in "".join(
        file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file()
    )


def test_a_leader_on_postgres_that_is_killed_goes_on_when_it_is_started_again(
    tmp_path: Path, empty: str
) -> None:
    crew = Crew(tmp_path, empty, OPTIONS)
    leader, worker = crew.lead(), crew.help()
    crew.wait(measuring("leader"))
    leader.kill()
    leader.join()
    again = crew.lead()
    finish(again, worker)
    check_whole(crew)


def test_a_worker_that_is_killed_while_the_leader_waits_for_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Crew(tmp_path, f"sqlite:///{tmp_path / 'study.db'}", OPTIONS)
    workers, looks, told, finish = list[Any](), list[int](), list[int](), Slots.finish

    def finishing(slots: Slots) -> tuple[dict[int, FrozenTrial], int]:
        found = finish(slots)
        looks.append(found[1])
        if len(looks) == 1:
            workers[0].kill()  # The leader has just begun to wait.
        return found

    def strike() -> None:
        workers.append(crew.hang())
        crew.wait(holding("worker"))
        raise BudgetError("used up")

    monkeypatch.setattr(Slots, "finish", finishing)
    with pytest.raises(BudgetError, match="used up"):
        crew.lead_here(strike, lambda trial: told.append(trial.number))
    workers[0].join()
    assert workers[0].exitcode == -signal.SIGKILL
    assert (looks[0], looks[-1]) == (1, 0)
    assert told == [0]
    assert not [t for t in crew.trials() if t.state in (TrialState.RUNNING, TrialState.WAITING)]


def test_what_another_process_has_measured_is_not_measured_again(tmp_path: Path) -> None:
    crew = Crew(tmp_path, f"sqlite:///{tmp_path / 'study.db'}", OPTIONS)
    finish(crew.lead(), crew.help())
    leader = (tmp_path / "run" / "journal.jsonl").read_text()
    for trial in crew.told():
        for episode in trial.episodes:
            assert f"{trial.candidate.id}/validation/{episode.document_id}" in leader
    kept = (tmp_path / "run" / "journal.jsonl").read_text()
    finish(crew.lead())
    assert (tmp_path / "run" / "journal.jsonl").read_text() == kept


SMALL = (
    "documents.limit=12",
    "search.trials=6",
    "search.generation=100",
    "search.instructions=2",
    "loop.rounds=2",
    "test_repeats=1",
)
SLOW = tuple(f"models.{role}.extra={{latency=0.02}}" for role in ("challenger", "weak", "strong"))


def test_local_workers_measure_trials_and_end_with_the_leader(tmp_path: Path) -> None:
    config = load_config("demo", [*SMALL, *SLOW, f"runs={tmp_path}"])
    with local_workers(config, 1, Reporter(quiet=True)):
        result = optimize(config, Reporter(quiet=True))
    # Trials that are pruned leave room for others; which ones are depends on who was quicker.
    assert sum(result.trials.values()) >= 6
    rows = json.loads((config.folder / "trials.json").read_text())
    validation = result.documents["validation"]
    assert 5 * validation < sum(row["measurement"]["episodes"] for row in rows) <= 6 * validation
    said = (config.folder / "workers" / "local-1.log").read_text()
    assert "trial" in said
    (folder,) = [one for one in (config.folder / "workers").iterdir() if one.is_dir()]
    assert (folder / "journal.jsonl").stat().st_size > 0


def test_workers_leave_what_is_kept_for_the_finalists_and_the_test(tmp_path: Path) -> None:
    config = load_config("demo", [*SMALL, *SLOW, "search.trials=60", f"runs={tmp_path}"])
    limited = config.model_copy(update={"budget": "1500calls"})
    # Like `autodata work`: they are not told of a budget and outlast the search.
    with local_workers(config, 2, Reporter(quiet=True)):
        result = optimize(limited, Reporter(quiet=True), workers=2)
    assert 1 < sum(result.trials.values()) < 60
    assert json.loads((config.folder / "plan.json").read_text())["struck"]
    assert len((config.folder / "spent.log").read_text().splitlines()) <= 1500


def test_local_workers_are_waited_for_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*given: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"])

    monkeypatch.setattr(worker, "_started", deaf)
    monkeypatch.setattr(worker, "FAREWELL", 0.5)
    config = load_config("demo", [f"runs={tmp_path}"])
    began = time.monotonic()
    with local_workers(config, 5, Reporter(quiet=True)):
        pass
    assert time.monotonic() - began < 2.5  # One after the other it would be 5 seconds.


def test_a_local_worker_that_cannot_work_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FAREWELL", 60.0)  # A busy machine takes its time to say so.
    config = load_config("demo", ["method=gepa", f"runs={tmp_path}"])
    reporter = Reporter()
    reporter.console.file = io.StringIO()
    with local_workers(config, 1, reporter):
        pass
    assert "a worker ended early" in reporter.console.file.getvalue()
    assert "searched by one process" in (config.folder / "workers" / "local-1.log").read_text()


def test_a_method_of_one_process_takes_no_workers(tmp_path: Path) -> None:
    config = load_config("demo", ["method=gepa", f"runs={tmp_path}"])
    with pytest.raises(InputError, match=r"'gepa': is searched by one process.*optuna"):
        work(config, Reporter(quiet=True))


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"optuna", "random"}))
def test_asking_for_workers_that_a_method_cannot_have_ends_before_anything_begins(
    tmp_path: Path, cli: Command, method: str
) -> None:
    words = sets(f"method={method}", f"runs={tmp_path / 'runs'}")
    answer = cli("optimize", "demo", "--workers", "2", *words)
    assert answer.code == 2
    assert answer.err.splitlines() == [
        f"autodata: method='{method}': is searched by one process; leave the workers out, or set "
        "method to optuna or random"
    ]
    assert not (tmp_path / "runs").exists()


def misspelt() -> str:
    """Return a leader's configuration with a method that does not exist, and a password."""
    table = load_config("demo").model_dump(mode="json")
    table["search"]["storage"] = "postgresql+psycopg://me:planted@db/studies"
    return json.dumps({**table, "method": "optunna"})


@pytest.mark.parametrize(
    ("told", "said"),
    [("", "standard input: Invalid JSON"), (misspelt(), "standard input: method: expected one of")],
    ids=["nothing", "misspelt"],
)
def test_a_local_worker_that_is_told_nonsense_says_so_in_a_line(told: str, said: str) -> None:
    command = [sys.executable, "-m", "autodata.experiments.worker"]
    ended = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert said in line
    assert "autodata optimize --workers N" in line
    assert "planted" not in line


def test_a_worker_without_the_numbers_of_a_calibrated_gate_says_where_they_are(
    tmp_path: Path,
) -> None:
    config = load_config("demo", ['gate="calibrated"', f"runs={tmp_path}"])
    with pytest.raises(InputError, match=r"config\.toml has no numbers; start the leader first"):
        work(config, Reporter(quiet=True))
