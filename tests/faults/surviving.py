"""A run of `generate` against a server that fails, and what is left of it: the accounts.

What the server has counted stands beside what the run says, so that a call that was lost or counted
twice shows.
"""

import gc
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from autodata.experiments import generate as generating
from autodata.experiments import session
from autodata.experiments.config import ExperimentConfig
from autodata.experiments.generate import Generated
from autodata.experiments.progress import Reporter
from autodata.programs import ROLES, Usage

from . import Counters, FaultyServer

ATTEMPTS = 2
"""Of each solver: small episodes, so that a run has many documents."""
REQUESTS = 8.6
"""Per document, with a fault in five, about."""
TIMEOUT = 2.0
RETRIES = 2


class Held(NamedTuple):
    """What a process holds at one moment."""

    threads: tuple[str, ...]
    """Names of those that are not of the event loop's own pool, which has a fixed size."""
    sockets: int
    rss: int
    """Resident memory in bytes."""


class Survived(NamedTuple):
    """What a run has left, and what the server says of it."""

    documents: list[str]
    """Names of all documents."""
    found: Generated
    journaled: Counter[str]
    """How often each document stands in the journal."""
    written: Counter[str]
    """How often each document has a task in the file."""
    usage: Usage
    """What this start asked of all models."""
    paid: int
    """Answers in the count for the budget, earlier starts included."""
    server: Counters
    """What the server counted during this start; its `prompts` are all that there ever were."""
    seconds: float
    cpu: float
    """Seconds of CPU time of this process."""
    before: Held
    after: Held

    @property
    def tried(self) -> int:
        """Requests that the run has sent, by its own account."""
        return self.usage.calls - self.usage.cached + self.usage.failed

    @property
    def unfinished(self) -> set[str]:
        """Documents that are not in the journal: those that an outage has ended."""
        return set(self.documents) - set(self.journaled)


def held() -> Held:
    """Return what this process holds."""
    gc.collect()
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(entry))  # noqa: PTH115
        except FileNotFoundError:
            continue  # The one that reads the folder.
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    sockets = sum(link.startswith("socket:") for link in links)
    names = sorted(one.name for one in threading.enumerate())
    threads = tuple(name for name in names if not name.startswith("asyncio_"))
    return Held(threads, sockets, pages * os.sysconf("SC_PAGE_SIZE"))


def configured(folder: Path, url: str, documents: int, run: str) -> ExperimentConfig:
    """Return a configuration with one small round for each of so many documents."""
    models = {
        role: {"model": role, "api_base": url, "timeout": TIMEOUT, "retries": RETRIES}
        for role in ROLES
    }
    return ExperimentConfig.model_validate(
        {
            "run": run,
            "runs": str(folder / "runs"),
            "in_flight": 200,
            "documents": {"path": str(_texts(folder, documents, run)), "id_column": "id"},
            "models": models,
            "loop": {"rounds": 1, "weak_attempts": ATTEMPTS, "strong_attempts": ATTEMPTS},
        }
    )


def survive(
    config: ExperimentConfig, server: FaultyServer, meanwhile: Callable[[], None] = lambda: None
) -> Survived:
    """Run `generate` to its end, whatever the server does meanwhile.

    Args:
        config: Of a run, new or not.
        server: Where its models are.
        meanwhile: What is done to the server, on a thread of its own.
    """
    earlier, before = server.counters, held()
    cpu, started = time.process_time(), time.monotonic()
    thread = threading.Thread(target=meanwhile)
    thread.start()
    # What MLflow takes and holds has tests of its own.
    with _watched() as totals, patch.object(generating, "_record", lambda *_: ""):
        found = generating.generate(config, Reporter(quiet=True))
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    thread.join()
    later = server.counters
    return Survived(
        documents=[row["id"] for row in _rows(Path(config.documents.path))],
        found=found,
        journaled=Counter(
            row["episode"]["document_id"] for row in _rows(config.folder / "journal.jsonl")
        ),
        written=Counter(row["document_id"] for row in _rows(config.folder / "tasks.jsonl")),
        usage=totals[0](),
        paid=len((config.folder / "spent.log").read_text().splitlines()),
        server=_between(earlier, later),
        seconds=seconds,
        cpu=cpu,
        before=before,
        after=_settled(before),
    )


def _settled(before: Held, patience: float = 5.0) -> Held:
    """Return what is held once it is no more than before, or when the patience ends."""
    deadline = time.monotonic() + patience
    while (now := held())[:2] != before[:2] and time.monotonic() < deadline:
        time.sleep(0.1)
    return now


@contextmanager
def _watched() -> Iterator[list[Callable[[], Usage]]]:
    """Take note of how to ask a run's ledger for its total, without keeping its models."""
    totals: list[Callable[[], Usage]] = []
    connect = session.connect

    def watched(config: ExperimentConfig) -> Any:
        models = connect(config)
        ledger = models.ledger
        totals.append(lambda: ledger.total)
        return models

    with patch.object(session, "connect", watched):
        yield totals


def _between(earlier: Counters, later: Counters) -> Counters:
    """Return what came between two looks at the counters."""
    return later._replace(
        faults=dict(Counter(later.faults) - Counter(earlier.faults)),
        models=dict(Counter(later.models) - Counter(earlier.models)),
        arrived=later.arrived - earlier.arrived,
        answered=later.answered - earlier.answered,
        dropped=later.dropped - earlier.dropped,
    )


def _texts(folder: Path, count: int, run: str) -> Path:
    """Write small documents, each with a text of its own, as a table."""
    file = folder / f"{run}.jsonl"
    sentence = "{run} {number}: the peat of a drained bog decomposes as oxygen reaches it. "
    rows = [
        {"id": f"{run}-{number:05d}", "text": sentence.format(run=run, number=number) * 4}
        for number in range(count)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open() as lines:
        yield from (json.loads(line) for line in lines)
