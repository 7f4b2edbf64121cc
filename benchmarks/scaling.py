"""Do more processes on one study ask a server more?

    python benchmarks/scaling.py [--processes 1 2 4] [--latency 0.2]

`autodata optimize --workers N` measures trials of one study against the server of `loop.py`, which
answers after the same time however many ask. A trial has so few documents that one process cannot
fill the server. The rate is taken from the server's own count, over the middle of the search, when
all processes have started and none has ended. All of them share the cores with the server.
"""

import argparse
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
TRIALS = 6
"""For each process."""
CONFIG = {
    "run": "scaling",
    "test_repeats": 1,
    "train": 0.2,
    "validation": 0.6,
    "loop": {"rounds": 3},
    "search": {
        "rules": 0,
        "generation": 1000,
        "sampler": "random",
        "prune": False,
        "finalists": 1,
        "temperature": [0.1, 1.9],
    },
}


def rate(processes: int, latency: float) -> tuple[float, int]:
    """Return the calls a second of so many processes together, and how many calls there were."""
    with tempfile.TemporaryDirectory() as place, server(latency, Path(place)) as url:
        folder = Path(place)
        model = {"model": "m", "api_base": f"{url}/v1", "concurrency": 256}
        config = ExperimentConfig.model_validate(
            {
                **CONFIG,
                "runs": str(folder / "runs"),
                "documents": {"path": str(texts(folder, DOCUMENTS)), "id_column": "id"},
                "models": dict.fromkeys([*ROLES, "proposer"], model),
                "search": {**CONFIG["search"], "trials": TRIALS * processes},
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
    """Measure each number of processes, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--latency", type=float, default=0.2)
    given = parser.parse_args()
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    table = Table(title=f"{1000 * given.latency:.0f} ms an answer, {os.cpu_count()} cores")
    for name in ("processes", "calls", "calls/s", "ratio"):
        table.add_column(name, justify="right")
    first = None
    for processes in given.processes:
        found, calls = rate(processes, given.latency)
        first = found if first is None else first
        table.add_row(str(processes), f"{calls:,}", f"{found:,.0f}", f"{found / first:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
