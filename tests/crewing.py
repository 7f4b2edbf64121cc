"""A leader and workers in processes of their own, on one study, to be killed at any moment; and a
PostgreSQL server for them."""

import json
import multiprocessing
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autodata.experiments.documents import load
from autodata.experiments.journal import Journal
from autodata.experiments.source import DocumentSource
from autodata.optimizers import Candidate, Objective, SearchOptions, Setup, Trial
from autodata.optimizers.joint.search import OptunaSearch
from autodata.optimizers.joint.sharing import Timing
from autodata.optimizers.joint.storage import open_storage
from autodata.optimizers.joint.worker import Worker
from autodata.optimizers.objective import Part
from autodata.programs import (
    PROPOSER,
    ROLES,
    Autodata,
    Episode,
    LanguageModels,
    ModelConfig,
    Settings,
)

TIMING = Timing(poll=0.05, beat=0.3, grace=3.0, patience=60)
"""Short, and still long enough for a busy machine."""
PASSWORD = "planted-in-the-address"

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["crewing", "autodata.programs.simulation", "scipy.stats"])


class Crew:
    """The processes of one search.

    Args:
        folder: Holds the run's folder.
        address: The storage.
        options: How long and how widely to search.
    """

    def __init__(self, folder: Path, address: str, options: SearchOptions) -> None:
        self.folder, self.address = folder, address
        self.options = options.model_copy(update={"storage": address})
        self._made = 0

    def lead(self) -> Any:
        """Start the leader, again if it has been there before."""
        return self._start(_lead, self.folder, self.options)

    def help(self) -> Any:
        """Start a worker."""
        self._made += 1
        return self._start(_help, self.folder, self.address, f"worker-{self._made}")

    def hang(self) -> Any:
        """Start a worker that takes a trial and never ends it."""
        self._made += 1
        return self._start(_hang, self.folder, self.address, f"worker-{self._made}")

    def lead_here(self, strike: Callable[[], None], watch: Callable[[Trial], None]) -> None:
        """Lead in this process.

        Args:
            strike: Called when the first trial after the baseline's is about to be measured.
            watch: Told of every trial.
        """
        run = self.folder / "run"
        with Journal(run) as journal:
            models, objective, train, validation = _world(self.folder, journal)
            measure, own = objective.together, Candidate.of(objective.program)

            def together(parts: Sequence[Part], sample: str) -> Iterator[tuple[int, list[Episode]]]:
                if sample == "validation" and parts[0][0] != own:
                    strike()
                return measure(parts, sample)

            objective.together = together
            search = OptunaSearch(Setup(self.options, models[PROPOSER], folder=run), TIMING)
            search.search(objective, train, validation, watch)

    def trials(self) -> list[FrozenTrial]:
        """Return all trials of the run's studies."""
        storage = open_storage(self.address, self.folder / "run")
        names = [one.study_name for one in optuna.get_all_study_summaries(storage)]
        return [
            trial
            for name in sorted(names)
            for trial in optuna.load_study(study_name=name, storage=storage).get_trials()
        ]

    def wait(self, wanted: Callable[[list[FrozenTrial]], bool], seconds: float = 60) -> None:
        """Wait until the studies are as wanted."""
        until = time.monotonic() + seconds
        while not wanted(self.trials()):
            assert time.monotonic() < until, "not seen in time"
            time.sleep(0.05)

    def told(self) -> list[Trial]:
        """Return what the leader's search returned."""
        found = json.loads((self.folder / "told.json").read_text())
        return [Trial.model_validate(one) for one in found]

    def _start(self, target: Callable[..., None], *args: Any) -> Any:
        process = _processes.Process(target=target, args=args)
        process.start()
        return process


def holding(owner: str) -> Callable[[list[FrozenTrial]], bool]:
    """Return whether someone has a trial."""

    def seen(trials: Sequence[FrozenTrial]) -> bool:
        return any(
            trial.state is TrialState.RUNNING
            and trial.user_attrs.get("owner", "").startswith(owner)
            for trial in trials
        )

    return seen


def measuring(owner: str) -> Callable[[list[FrozenTrial]], bool]:
    """Return whether someone is measuring a trial."""

    def seen(trials: Sequence[FrozenTrial]) -> bool:
        return any(
            trial.state is TrialState.RUNNING
            and trial.user_attrs.get("owner", "").startswith(owner)
            and trial.intermediate_values
            for trial in trials
        )

    return seen


def _lead(folder: Path, options: SearchOptions) -> None:
    run = folder / "run"
    with Journal(run) as journal:
        models, objective, train, validation = _world(folder, journal)
        setup = Setup(options, models[PROPOSER], folder=run)
        trials = OptunaSearch(setup, TIMING).search(
            objective, train, validation, lambda trial: None
        )
    plain = [trial.model_dump(mode="json") for trial in trials]
    (folder / "told.json").write_text(json.dumps(plain))


def _help(folder: Path, address: str, name: str) -> None:
    run = folder / "run"
    with Journal(run / "workers" / name) as journal:
        _, objective, _, validation = _world(folder, journal)
        storage = open_storage(address, run)
        Worker(storage, "run", objective, validation, owner=name, timing=TIMING).work()


def _hang(folder: Path, address: str, name: str) -> None:
    run = folder / "run"
    with Journal(run / "workers" / name) as journal:
        _, objective, _, validation = _world(folder, journal)

        def together(parts: Sequence[Part], sample: str) -> Iterator[tuple[int, list[Episode]]]:
            time.sleep(600)
            raise AssertionError("nobody has killed it")

        objective.together = together
        storage = open_storage(address, run)
        Worker(storage, "run", objective, validation, owner=name, timing=TIMING).work()


def _world(folder: Path, journal: Journal) -> tuple[LanguageModels, Objective, Any, Any]:
    """Connect slow models, so that a kill finds trials under way."""
    extra = {"latency": 0.004}
    configs = {
        role: ModelConfig(model=f"simulation/{role}", extra=extra) for role in (*ROLES, PROPOSER)
    }
    models = LanguageModels(configs, folder / "cache")
    documents = load(DocumentSource(), seed=0).accepted
    program = Autodata(models.roles, settings=Settings(rounds=3))
    return models, Objective(program, seed=0, store=journal), documents[:3], documents[3:9]


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; `None` if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Run a PostgreSQL server of its own, on a socket in a new folder; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="autodata-pg-"))
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:  # The server refuses to be run by root.
        shutil.chown(folder, user)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)

    def call(program: str, *words: str) -> None:
        become = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
        command = [*become, str(programs / program), "-D", str(folder / "data"), *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    login = ("--username=tester", f"--pwfile={secret}", "--auth=scram-sha-256")
    try:
        call("initdb", *login, "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"-F -c listen_addresses='' -c unix_socket_directories={folder}"
        call("pg_ctl", "start", "--wait", "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql+psycopg://tester:{PASSWORD}@/postgres?host={folder}"
        finally:
            call("pg_ctl", "stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)
