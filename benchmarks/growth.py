"""Do memory, time and restarts stay in bounds when the documents are many?

    python benchmarks/growth.py [--documents 1000 10000 100000]

`autodata generate` works through so many documents, in one round each, against the server of
`loop.py` without a delay: everything is as in a real run, from the table of documents to the
journal, the tasks and MLflow. Then the last documents are struck from the journal and the same
command goes on; the seconds until its first request are those that a restart costs. Every run has a
process of its own. Costs are per document, and the ratios are to the smallest run.
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from child import told
from loop import IN_FLIGHT, counted, server, texts
from rich.console import Console
from rich.table import Table

from autodata.experiments.config import ExperimentConfig
from autodata.experiments.generate import generate
from autodata.experiments.progress import Reporter
from autodata.programs import ROLES

STRUCK = 20
"""Documents that the restarted run still has to do."""


class Grown(NamedTuple):
    """One run over so many documents."""

    documents: int
    calls: int
    seconds: float
    """From the start of the command until its tasks are written."""
    cpu: float
    """Seconds of CPU time until then."""
    told: float
    """Seconds that MLflow took after that."""
    peak: int
    """Most memory that the process had, in bytes."""
    first: float
    """Seconds until the first request."""


class Stopwatch(Reporter):
    """Notes when the tasks are written."""

    written = used = 0.0

    def line(self, text: str) -> None:
        """Say it, and look at the clock."""
        if text.startswith("tasks are written"):
            self.written, self.used = time.perf_counter(), time.process_time()
        super().line(text)


def configured(url: str, folder: Path) -> ExperimentConfig:
    """Return a run whose documents are cheap: one round each."""
    model = {"model": "m", "api_base": f"{url}/v1", "concurrency": IN_FLIGHT}
    return ExperimentConfig.model_validate(
        {
            "run": "growth",
            "runs": str(folder / "runs"),
            "in_flight": IN_FLIGHT,
            "documents": {"path": str(folder / "documents.jsonl"), "id_column": "id"},
            "loop": {"rounds": 1},
            "models": {role: model for role in ROLES},
        }
    )


def work(url: str, documents: int, folder: Path) -> Grown:
    """Run it here and say what it took; in a process of its own."""
    began, before, first = time.perf_counter(), counted(url)["calls"], [0.0]
    cpu = time.process_time()

    def watch() -> None:
        while counted(url)["calls"] == before:
            time.sleep(0.02)
        first[0] = time.perf_counter() - began

    threading.Thread(target=watch, daemon=True).start()
    with Stopwatch() as reporter:
        found = generate(configured(url, folder), reporter)
    assert found.measurement.episodes == documents, found.measurement
    assert not found.failures
    assert not found.untracked, found.untracked
    return Grown(
        documents=documents,
        calls=counted(url)["calls"] - before,
        seconds=reporter.written - began,
        cpu=reporter.used - cpu,
        told=time.perf_counter() - reporter.written,
        peak=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        first=first[0],
    )


def measure(documents: int, scratch: Path | None) -> tuple[Grown, Grown, int]:
    """Return a run, the restarted one, and the bytes of the journal."""
    with tempfile.TemporaryDirectory(dir=scratch) as place, server(0.0, Path(place)) as url:
        folder = Path(place)
        texts(folder, documents)
        whole = _child(url, documents, folder)
        journal = folder / "runs" / "growth" / "journal.jsonl"
        size = journal.stat().st_size
        _strike(journal)
        shutil.rmtree(folder / "runs" / "cache")
        return whole, _child(url, documents, folder), size


def _child(url: str, documents: int, folder: Path) -> Grown:
    command = [sys.executable, __file__, "--url", url, "--folder", folder, "--documents"]
    return Grown(*told(f"{documents} documents", [*command, str(documents)]))


def _strike(journal: Path) -> None:
    """Cut the last lines off."""
    with journal.open("r+b") as file:
        starts = [0]
        for line in file:
            starts.append(starts[-1] + len(line))
        file.truncate(starts[-1 - STRUCK])


def shown(found: list[tuple[Grown, Grown, int]]) -> Table:
    """Return the table."""
    table = Table(title=f"one round a document, {IN_FLIGHT} in flight, no delay")
    names = ("documents", "calls each", "ms each", "CPU ms each", "ratio", "memory, MB")
    for name in (*names, "journal, MB", "MLflow, s", "restart: first request, s", "memory, MB"):
        table.add_column(name, justify="right")
    least = found[0][0]
    for run, again, journal in found:
        table.add_row(
            f"{run.documents:,}",
            f"{run.calls / run.documents:.1f}",
            f"{1000 * run.seconds / run.documents:.1f}",
            f"{1000 * run.cpu / run.documents:.1f}",
            f"{run.cpu / run.documents / (least.cpu / least.documents):.2f}",
            f"{run.peak / 1e6:,.0f}",
            f"{journal / 1e6:,.0f}",
            f"{run.told:.1f}",
            f"{again.first:.1f}",
            f"{again.peak / 1e6:,.0f}",
        )
    return table


def main() -> None:
    """Measure each number of documents, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--scratch", type=Path, help="folder for the runs; 8 GB for 100,000")
    for hidden in ("--url", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.url:
        print(json.dumps(work(given.url, given.documents[0], Path(given.folder))))
        return
    found = []
    for documents in given.documents:
        found.append(measure(documents, given.scratch))
        Console(width=140).print(shown(found))


if __name__ == "__main__":
    main()
