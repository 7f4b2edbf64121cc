"""A worker: measures trials of a run that another process leads, on this host or another."""

import logging
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from ..metrics import Gate
from ..metrics.calibration import CALIBRATED
from ..optimizers import Objective
from ..programs import Autodata
from .config import ExperimentConfig
from .documents import load, split
from .errors import InputError
from .explain import explained
from .journal import Journal
from .limits import follow
from .progress import Reporter
from .session import connect

__all__ = ["check_shared", "local_workers", "work"]

logger = logging.getLogger(__name__)

SHARED = ("optuna", "random")
"""The methods whose trials several processes can measure."""
FAREWELL = 5.0
"""Seconds that local workers have to end by themselves, and then once more when told to."""
LOOK = 0.05
"""Seconds between two looks at whether they have."""


def work(
    config: ExperimentConfig,
    reporter: Reporter,
    *,
    orphaned: Callable[[], bool] = lambda: False,
) -> int:
    """Measure trials of a run until its leader has no more.

    The leader is `autodata optimize` with the same configuration. The episodes that are measured
    here are kept in `RUNS/RUN/workers/`, and the leader is given them with each trial.

    Args:
        config: The leader's configuration.
        reporter: Told of what is measured and waited for.
        orphaned: Whether to end before the next trial.

    Returns:
        How many trials were measured here.

    Raises:
        InputError: If configuration or documents cannot be used.
        RuntimeError: If the storage cannot be used, or the leader's run is another one.
    """
    from ..optimizers.joint.storage import kept_at, open_storage
    from ..optimizers.joint.worker import Worker

    check_shared(config)
    config = _with_numbers(config)
    loaded = load(
        config.documents, seed=config.seed, domain=config.domain, scratch=Path(config.runs)
    )
    splits = split(
        loaded.accepted, train=config.train, validation=config.validation, seed=config.seed
    )
    name = re.sub(r"[^\w.-]", "-", f"{platform.node()}-{os.getpid()}")
    models = connect(config)
    with Journal(config.folder / "workers" / name) as journal, closing(models):
        objective = Objective(
            Autodata(models.roles, config.task_domain, config.rule, config.settings),
            seed=config.seed,
            in_flight=config.at_once,
            store=journal,
        )
        storage = open_storage(config.search.storage, config.folder)
        with kept_at(config.search.storage):
            return Worker(
                storage,
                config.run,
                objective,
                splits.validation,
                owner=name,
                say=reporter.line,
                orphaned=orphaned,
                prepare=lambda: follow(config.folder, models.meter),
            ).work()


def check_shared(config: ExperimentConfig) -> None:
    """Refuse a method that only one process can work on.

    Raises:
        InputError: If the configuration's method is one.
    """
    if config.method not in SHARED:
        raise InputError(
            f"method={config.method!r}: is searched by one process; leave the workers out, or set "
            f"method to {' or '.join(SHARED)}"
        )


@contextmanager
def local_workers(config: ExperimentConfig, count: int, reporter: Reporter) -> Iterator[None]:
    """Let workers on this host help while the block lasts. What they say is in `RUN/workers/`.

    Args:
        config: The run's, with the numbers of its gate.
        count: Workers beside this process; may be 0.
        reporter: Told of workers that ended early.
    """
    folder = config.folder / "workers"
    crew: list[tuple[Path, subprocess.Popen[bytes]]] = []
    try:
        for number in range(1, count + 1):
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / f"local-{number}.log"
            crew.append((log, _started(config, log)))
        yield
    finally:
        codes = _ended([process for _, process in crew])
        for (log, _), code in zip(crew, codes, strict=True):
            if code not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
                reporter.line(f"a worker ended early; {log} says why")


def _started(config: ExperimentConfig, log: Path) -> subprocess.Popen[bytes]:
    """Start a worker, which is told its configuration through a pipe: it may hold a password."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "autodata.experiments.worker"],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C is for the leader, which then ends its workers.
        )
    with suppress(BrokenPipeError), closing(process.stdin) as pipe:  # pyright: ignore[reportArgumentType]
        pipe.write(config.model_dump_json().encode())
    return process


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Wait until all workers have ended, less and less patiently; return their exit codes."""
    for urge in (subprocess.Popen.terminate, subprocess.Popen.kill):
        until = time.monotonic() + FAREWELL
        while any(one.poll() is None for one in processes) and time.monotonic() < until:
            time.sleep(LOOK)
        for process in processes:
            if process.poll() is None:
                urge(process)
    return [process.wait() for process in processes]


def _with_numbers(config: ExperimentConfig) -> ExperimentConfig:
    """Give a gate that is to be calibrated the numbers that the leader froze."""
    if config.gate != CALIBRATED:
        return config
    file = config.folder / "config.toml"
    try:
        frozen = Gate.model_validate(tomllib.loads(file.read_text())["gate"])
    except (OSError, ValueError, KeyError):
        raise InputError(
            f'gate="calibrated": {file} has no numbers; start the leader first, or copy the [gate] '
            "table of its config.toml into the configuration"
        ) from None
    return config.model_copy(update={"gate": frozen})


def main() -> None:
    """Be a local worker: read the configuration from standard input, end with the leader.

    Exit codes are those of the command line: 1 failed, 2 bad input.
    """
    leader = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        config = _told(sys.stdin.read())
        with Reporter() as reporter:
            work(config, reporter, orphaned=lambda: os.getppid() != leader)
    except (InputError, RuntimeError, OSError, sqlite3.Error) as error:
        logger.error("%s", " ".join(str(error).split()))
        sys.exit(2 if isinstance(error, InputError) else 1)


def _told(text: str) -> ExperimentConfig:
    """Read what the leader has written.

    Raises:
        InputError: If it is no configuration.
    """
    try:
        return ExperimentConfig.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"standard input: {explained(error, ExperimentConfig)}; start workers with `autodata "
            "optimize --workers N` or `autodata work CONFIG`"
        ) from None


if __name__ == "__main__":
    main()
