"""Documents over a Ray cluster: workers run the episodes, and this process keeps the only journal.

A worker is a Ray actor with models, connections and a cache of answers of its own. It is given a
candidate and a document, and returns an episode. When a worker or its node dies, Ray starts it
again where there is room, and what it was working on is run again there; what has come back is kept
and is never run again.
"""

import asyncio
import json
import os
import platform
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..optimizers import Candidate, Engine
from ..optimizers.engine import Here, Run
from ..optimizers.options import SearchOptions
from ..programs import Autodata, Document, Episode, LanguageModels, background
from .config import ExperimentConfig, TrackingConfig
from .errors import InputError
from .progress import Reporter
from .source import one_line

DEATHS = 3
"""Workers that may die over a document."""
PATIENCE = 60.0
"""Seconds to wait for a worker when all are gone."""
PAUSE = 0.5
"""Seconds until a document whose worker was lost is given to another."""
REACH = 10.0
"""Seconds to wait for a cluster's address."""
AGAIN = 5.0
"""Seconds between two looks at whether a lost worker has come back."""


class Worker:
    """Runs episodes in a process of a Ray cluster.

    Args:
        config: The run's configuration as JSON, with the numbers of its gate.
        host: Name of the host that leads, whose cache of answers is used there.
        cache: Folder of the cache on that host.
    """

    def __init__(self, config: str, host: str, cache: str) -> None:
        parsed = ExperimentConfig.model_validate_json(config)
        # No other host's folder is used: SQLite and network drives do not go together.
        folder = Path(cache) if platform.node() == host else _own_cache()
        self._models = LanguageModels(parsed.models, folder)
        program = Autodata(self._models.roles, parsed.task_domain, parsed.rule, parsed.settings)
        self._here = Here(program)
        self._ready: dict[str, Run] = {}

    async def where(self) -> str:
        """Return the name of the host: the worker is ready."""
        return platform.node()

    async def episode(self, candidate: str, document: str, rollout: str) -> str:
        """Run a candidate on a document.

        Args:
            candidate: As JSON, like document and episode: nothing but data goes from host to host.
            document: What to run it on.
            rollout: Names its samples.
        """
        if candidate not in self._ready:
            self._ready[candidate] = self._here.ready(Candidate.model_validate_json(candidate))
        run = self._ready[candidate]
        found = Document.model_validate_json(document)
        return (await background.arun(run(found, rollout))).model_dump_json()


class RayEngine:
    """Gives each document to the worker that has the fewest.

    Args:
        workers: Handles of the workers.
        patience: Seconds to wait for a worker when all are gone.
    """

    def __init__(self, workers: list[Any], *, patience: float = PATIENCE) -> None:
        self._crew = [_Hand(worker) for worker in workers]
        self._patience = patience

    @property
    def processes(self) -> int:
        """How many processes share the work."""
        return len(self._crew)

    def ready(self, candidate: Candidate) -> Run:
        """Return what runs a candidate's episodes."""
        text = candidate.model_dump_json()

        async def run(document: Document, rollout: str) -> Episode:
            # Ctrl-C waits for it once, as it does for requests: it is being paid for.
            traffic = background.traffic
            await traffic.begin()
            try:
                return await self._run(text, document, rollout)
            finally:
                traffic.end()

        return run

    async def _run(self, candidate: str, document: Document, rollout: str) -> Episode:
        from ray.exceptions import RayActorError

        deaths = 0
        while True:
            hand = min(self._crew, key=lambda one: one.rank)
            hand.load, hand.tried = hand.load + 1, time.monotonic()
            sent = hand.tried
            try:
                found = await _asked(hand.worker, candidate, document, rollout)
                hand.lost = None
                return Episode.model_validate_json(found)
            except RayActorError as error:
                # Refused at once, it was never given to the worker.
                deaths += time.monotonic() - sent > PAUSE
                hand.lost = hand.lost or time.monotonic()
                self._check(document, deaths, error)
            finally:
                hand.load -= 1
            await asyncio.sleep(PAUSE)

    def _check(self, document: Document, deaths: int, error: Exception) -> None:
        """Give up on a document that workers die of, and on a cluster without workers."""
        if deaths >= DEATHS:
            raise RuntimeError(
                f"document {document.id}: {deaths} Ray workers died while it was under way; look "
                "at the cluster's logs, or leave it out. What is finished is kept"
            ) from error
        lost = [one.lost for one in self._crew if one.lost is not None]
        if len(lost) == len(self._crew) and time.monotonic() - max(lost) > self._patience:
            raise RuntimeError(
                f"no Ray worker has answered for {self._patience:.0f} s ({_said(error)}); look at "
                "`ray status`, and run the same command again to go on. What is finished is kept"
            ) from error


@dataclass
class _Hand:
    """A worker, as the engine knows it."""

    worker: Any
    load: int = 0
    """Documents that it was given."""
    lost: float | None = None
    """Since when it does not answer; `None` if it does."""
    tried: float = 0.0
    """When it was given a document last."""

    @property
    def rank(self) -> tuple[bool, float]:
        """The lowest is asked next: who answers, by load; a lost one, now and then."""
        away = self.lost is not None and time.monotonic() - self.tried < AGAIN
        return away, self.tried if away else self.load


async def _asked(worker: Any, candidate: str, document: Document, rollout: str) -> str:
    import ray
    from ray.exceptions import RayTaskError

    answer = worker.episode.remote(candidate, document.model_dump_json(), rollout)
    try:
        return await answer
    except RayTaskError as error:
        raise error.cause or error from None
    except asyncio.CancelledError:
        ray.cancel(answer)
        raise


@contextmanager
def ray_engine(
    config: ExperimentConfig, workers: int | None, reporter: Reporter
) -> Iterator[Callable[[ExperimentConfig], Engine]]:
    """Connect to the cluster that `RAY_ADDRESS` names; without the variable, start one here.

    A cluster that was started here ends with the block.

    Args:
        config: What is to be run.
        workers: How many, spread over the nodes; one for each node if `None`.
        reporter: Told where the workers are.

    Raises:
        InputError: If the configuration cannot be run there, Ray is not installed, or no cluster
            can be reached or started.
    """
    _check(config)
    # Ray reports its use to its makers unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise InputError(
            "--engine ray: Ray is not installed; install autodata-dspy[ray] here and on every node"
        ) from None
    mine = not ray.is_initialized()
    if mine:
        _connect(ray)
    try:
        yield lambda config: _started(ray, config, workers, reporter)
    finally:
        if mine:
            ray.shutdown()


def _connect(ray: Any) -> None:
    """Join the cluster that `RAY_ADDRESS` names, or make one of this machine alone."""
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        if address:
            _look(address)
            ray.init(address=address, **quiet)
        else:
            ray.init(address="local", include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"--engine ray: no cluster at RAY_ADDRESS={address!r} ({one_line(error)}); start one "
            "with `ray start --head`, or correct the variable"
        ) from None


def _look(address: str) -> None:
    """Raise an `OSError` if nothing listens: Ray itself would try for many minutes."""
    found = re.fullmatch(r"(?:ray://)?\[?([^/\]]+)\]?:([0-9]{1,5})", address)
    if found:
        socket.create_connection((found[1], int(found[2])), timeout=REACH).close()


def _started(
    ray: Any, config: ExperimentConfig, workers: int | None, reporter: Reporter
) -> RayEngine:
    """Start the workers, and wait until each has its models."""
    plain = {"tracking": TrackingConfig(), "search": SearchOptions()}
    text = json.dumps(config.model_copy(update=plain).model_dump(mode="json"))
    cache = str((Path(config.runs) / "cache").absolute())
    count = workers or sum(node["Alive"] for node in ray.nodes())
    remote = ray.remote(num_cpus=1, scheduling_strategy="SPREAD", max_restarts=-1)(Worker)
    crowded = remote.options(max_concurrency=config.at_once)
    crew = [crowded.remote(text, platform.node(), cache) for _ in range(count)]
    try:
        hosts = ray.get([worker.where.remote() for worker in crew], timeout=PATIENCE)
    except ray.exceptions.GetTimeoutError:
        raise InputError(
            f"--workers {count}: the cluster has no room for so many within {PATIENCE:.0f} s, at a "
            "CPU each; take fewer"
        ) from None
    except ray.exceptions.RayError as error:
        raise InputError(f"--engine ray: a worker cannot start: {_said(error)}") from None
    plural = "" if count == 1 else "s"
    reporter.line(f"{count} Ray worker{plural} on {', '.join(sorted(set(hosts)))}")
    return RayEngine(crew)


def _check(config: ExperimentConfig) -> None:
    """Refuse what several hosts cannot keep to, or must not be told."""
    if config.budget is not None:
        raise InputError(
            f"budget={config.budget!r}: is counted by one process, and Ray's workers are several; "
            "leave it out, or leave --engine ray out"
        )
    if config.public.models != config.models:
        raise InputError(
            "models: an address holds a password, which is not sent to other hosts; name the "
            "variable of the environment that holds it in api_key_env"
        )


def _own_cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "autodata"


def _said(error: Exception) -> str:
    """Return the last line of what Ray says, which has the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
