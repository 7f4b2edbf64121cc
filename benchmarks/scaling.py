"""Do more trials side by side, and more processes on one study, ask a server more?

    python benchmarks/scaling.py [--parallel 1 4] [--processes 1 2 4] [--latency 0.2]

`autodata optimize --workers N` measures trials of one study, `search.parallel` of them in each
process, against the server of `loop.py`, which answers after the same time however many ask. A
trial asks for few documents at a time, so one after the other cannot fill the server. The rate is
taken from the server's own count, over the middle of the search, when all processes have started
and none has ended. All of them share the cores with the server.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loop import counted, server, texts
from rich.console import Console
from rich.table import Table

from autodata.experiments.config import ExperimentConfig
from autodata.programs import ROLES

DOCUMENTS = 40
TRIALS = 4
"""For each that is measured at a time, if it is measured on all documents."""
CONFIG = {
    "run": "scaling",
    "test_repeats": 1,
    "train": 0.2,
    "validation": 0.6,
    "loop": {"rounds": 2},
    "search": {
        "rules": 0,
        "generation": 1000,
        "finalists": 1,
        "temperature": [0.1, 1.9],
    },
}


def rate(processes: int, parallel: int, latency: float) -> tuple[float, int]:
    """Return the calls a second of so many processes together, and how many calls there were.

    Args:
        processes: On one study.
        parallel: Trials side by side in each of them.
        latency: Of an answer, in seconds.
    """
    with tempfile.TemporaryDirectory() as place, server(latency, Path(place)) as url:
        folder = Path(place)
        model = {"model": "m", "api_base": f"{url}/v1", "concurrency": 256}
        config = ExperimentConfig.model_validate(
            {
                **CONFIG,
                "runs": str(folder / "runs"),
                "documents": {"path": str(texts(folder, DOCUMENTS)), "id_column": "id"},
                "models": dict.fromkeys([*ROLES, "proposer"], model),
                "search": {
                    **CONFIG["search"],
                    "parallel": parallel,
                    "trials": TRIALS * processes * parallel,
                },
            }
        )
        (folder / "scaling.toml").write_text(config.to_toml())
        command = [sys.executable, "-m", "autodata", "optimize", str(folder / "scaling.toml")]
        running = subprocess.Popen(
            [*command, "--workers", str(processes)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        points = [(time.perf_counter(), 0)]
        while running.poll() is None:
            time.sleep(0.1)
            points.append((time.perf_counter(), counted(url)["calls"]))
        assert running.stderr is not None
        if running.returncode:
            raise SystemExit(running.stderr.read()[-3000:])
    last = points[-1][1]
    middle = [(at, calls) for at, calls in points if 0.3 * last <= calls <= 0.8 * last]
    (began, before), (ended, after) = middle[0], middle[-1]
    return (after - before) / (ended - began), last


def main() -> None:
    """Measure each combination, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parallel", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--latency", type=float, default=0.2)
    given = parser.parse_args()
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    table = Table(title=f"{1000 * given.latency:.0f} ms an answer, {os.cpu_count()} cores")
    for name in ("processes", "trials side by side", "calls", "calls/s", "ratio"):
        table.add_column(name, justify="right")
    first = None
    for processes, parallel in itertools.product(given.processes, given.parallel):
        found, calls = rate(processes, parallel, given.latency)
        first = found if first is None else first
        row = (str(processes), str(parallel), f"{calls:,}", f"{found:,.0f}", f"{found / first:.2f}")
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
