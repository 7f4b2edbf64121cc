"""How much of a run's work is telling MLflow about it?

    python benchmarks/tracking.py [--trials 24]

Runs the demonstration's search, offline and with MLflow in a SQLite database, as users have it.
What MLflow costs is the CPU time of the thread that writes to it, and of opening it, which is once
a run and makes the tables of a new database; importing it stands beside that. Nothing of it is
between two calls of a model: the search goes on while the thread writes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from child import told
from rich.console import Console
from rich.table import Table


def work(trials: int, folder: Path) -> dict[str, float]:
    """Search once, in a process of its own, and say what was spent on what."""
    began = time.process_time()
    from autodata.experiments import runner, tracking
    from autodata.experiments.config import load_config
    from autodata.experiments.progress import Reporter
    from autodata.experiments.writer import Writer

    imported = time.process_time()
    spent = {"imports": imported - began, "opening": 0.0, "writing": 0.0, "jobs": 0.0}

    @contextmanager
    def counted(name: str) -> Any:
        started = time.thread_time()
        yield
        spent[name] += time.thread_time() - started

    put, opened = Writer.put, tracking.Tracker.__init__

    def timed_put(self: Writer, what: str, job: Callable[[], None]) -> None:
        def timed() -> None:
            with counted("writing"):
                job()

        spent["jobs"] += 1
        put(self, what, timed)

    def timed_open(self: tracking.Tracker, *given: Any, **named: Any) -> None:
        with counted("opening"):
            opened(self, *given, **named)

    Writer.put, tracking.Tracker.__init__ = timed_put, timed_open
    config = load_config("demo", [f"runs={folder}", f"search.trials={trials}"])
    with Reporter(quiet=True) as reporter:
        result = runner.optimize(config, reporter)
    spent["all"] = time.process_time() - imported
    spent["trials"] = sum(result.trials.values())
    return spent


def shown(spent: dict[str, float]) -> Table:
    """Return the table."""
    table = Table(title=f"{spent['trials']:.0f} trials, {spent['jobs']:.0f} writes to MLflow")
    for name in ("CPU of", "seconds", "share"):
        table.add_column(name, justify="left" if name == "CPU of" else "right")
    for name, label in (("opening", "opening the database"), ("writing", "writing to it")):
        table.add_row(label, f"{spent[name]:.2f}", f"{spent[name] / spent['all']:.1%}")
    table.add_row("the whole run, without imports", f"{spent['all']:.2f}", "100%")
    table.add_row("imports, MLflow's among them", f"{spent['imports']:.2f}", "")
    return table


def main() -> None:
    """Measure once, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(work(given.trials, Path(given.folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--folder", folder, "--trials", str(given.trials)]
        spent = told("search", command)
    Console().print(shown(spent))


if __name__ == "__main__":
    main()
