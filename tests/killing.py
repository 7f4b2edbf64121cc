"""A command in a process of its own, to be killed at any moment, with a witness to its models.

The process notes `start KEY` for every request that reaches a model, and `kept KEY` for every
answer that is in the cache; KEY is the answer's name there. Each line is one write, so that a kill
leaves whole lines.

Processes are forked from one that has imported everything and done nothing: importing takes
longer than a small run, and a kill finds nothing to spoil there.
"""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dspy.lm15 as lm15
from filelock import FileLock

from autodata import cli
from autodata.programs import lms
from autodata.programs.cache import AnswerCache, cache_key
from autodata.programs.endpoint import Backend, ModelConfig

Note = Callable[[str, str], None]
WAITING = "waiting for the answers under way"

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "autodata.experiments.compare",
        "autodata.experiments.generate",
        "autodata.experiments.runner",
        "autodata.optimizers.joint.search",
        "autodata.optimizers.teleprompters.gepa",
        "autodata.programs.simulation",
        "gepa",
        "matplotlib.backends.backend_agg",
        "matplotlib.backends.backend_svg",
        "mlflow.store.tracking.sqlalchemy_store",
        "scipy.stats",
    ]
)


def prepare() -> None:
    """Wait until everything is imported, so that the next process starts at once."""
    process = _processes.Process(target=os.getpid)
    process.start()
    process.join()


def empty_database(folder: Path) -> Path:
    """Return an MLflow database without runs. It is made once for all test processes.

    Args:
        folder: A folder that they share.
    """
    from mlflow import MlflowClient

    made, copy = folder / "made.db", folder / "empty.db"
    with FileLock(folder / "empty.lock"):
        if not copy.exists():
            MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments()
            with sqlite3.connect(made) as source:
                source.execute("vacuum into ?", (str(copy),))
    return copy


class Witnessed:
    """A backend that notes every request before it answers."""

    def __init__(self, backend: Backend, endpoint: str, note: Note) -> None:
        self._backend, self._endpoint, self._note = backend, endpoint, note

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        self._note("start", cache_key(self._endpoint, request, rollout))
        return await self._backend.acomplete(request, rollout)

    async def close(self) -> None:
        await self._backend.close()


class Victim:
    """A command, to be started again after every kill.

    Args:
        folder: Made for it, with the runs folder in it.
        command: The verb, the configuration and what else the command line takes.
        database: An empty MLflow database to begin with; making one takes seconds.
    """

    def __init__(self, folder: Path, *command: str, database: Path | None = None) -> None:
        self.folder, self.runs = folder, folder / "runs"
        self.runs.mkdir(parents=True)
        if database is not None:
            shutil.copyfile(database, self.runs / "mlflow.db")
        self._command = (*command, "--set", f"runs={self.runs}", "--json")

    def run(self, kill_after: float | None = None) -> dict[str, Any] | None:
        """Start the command; return what it found, or `None` if it was killed first."""
        process = _processes.Process(target=_run, args=(self.folder, *self._command))
        process.start()
        process.join(kill_after)
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return None
        assert process.exitcode == 0, (self.folder / "err.txt").read_text()
        return json.loads((self.folder / "out.txt").read_text())

    def filled(self, largest: int) -> str:
        """Start the command where no file can grow past so many bytes; return what it said."""
        process = _processes.Process(target=_limited, args=(largest, self.folder, *self._command))
        process.start()
        process.join(120)
        said = (self.folder / "err.txt").read_text()
        assert process.exitcode == 1, said
        return said

    def interrupted(self, times: int, *, ready: Callable[[], bool]) -> str:
        """Start the command and press Ctrl-C; return what it said on standard error.

        Args:
            times: How often; again only after the first one has been answered.
            ready: Tells when to press it first.
        """
        process = _processes.Process(target=_run, args=(self.folder, *self._command))
        process.start()
        said = self.folder / "err.txt"
        _wait(lambda: ready() or not process.is_alive())
        os.kill(process.pid or 0, signal.SIGINT)
        for _ in range(times - 1):
            _wait(lambda: WAITING in said.read_text() or not process.is_alive())
            os.kill(process.pid or 0, signal.SIGINT)
        process.join(60)
        assert process.exitcode == 1, said.read_text()
        return said.read_text()

    def unanswered(self) -> set[str]:
        """Return the keys of requests that reached a model, and have no answer in the cache."""
        return set(self.asked()) - {key for event, key in self._events() if event == "kept"}

    def asked(self) -> list[str]:
        """Return the keys of all requests that reached a model, in order."""
        return [key for event, key in self._events() if event == "start"]

    def repeated(self) -> list[str]:
        """Return the keys of requests that were sent although their answer was kept."""
        kept: set[str] = set()
        again: list[str] = []
        for event, key in self._events():
            if event == "kept":
                kept.add(key)
            elif key in kept:
                again.append(key)
        return again

    def _events(self) -> list[tuple[str, str]]:
        log = self.folder / "calls.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(event, key) for event, _, key in (line.partition(" ") for line in lines)]


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _limited(largest: int, *run: Any) -> None:
    """Run the command as on a disk that fills up: the kernel writes what fits, and refuses more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    _run(*run)


def _run(folder: Path, *command: str) -> None:
    """Be the command, in a folder."""
    # A background job of a shell ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("MLFLOW_TRACKING_")]:
        del os.environ[name]
    sys.argv = ["autodata", *command]
    for stream, file in ((sys.stdout, "out.txt"), (sys.stderr, "err.txt")):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    log = os.open("calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, key: str) -> None:
        os.write(log, f"{event} {key}\n".encode())

    backend_for = lms.backend_for

    def witnessed(config: ModelConfig) -> Backend:
        return Witnessed(backend_for(config), config.identity, note)

    class WitnessedCache(AnswerCache):
        def put(self, key: str, response: lm15.Response, endpoint: str = "") -> None:
            super().put(key, response, endpoint)
            note("kept", key)

    with (
        patch.object(lms, "backend_for", witnessed),
        patch.object(lms, "AnswerCache", WitnessedCache),
    ):
        cli.main()
