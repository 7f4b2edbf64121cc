"""How long until the first useful thing happens?

    python benchmarks/startup.py [--rounds 7]

Every row is the median of several fresh processes, taken in turn. `import autodata` alone loads
nothing; the first use of a name loads what it needs of DSPy and ours, which is shown beside
the import of DSPy alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

PYTHON = [sys.executable, "-c"]
STARTS = {
    "python, nothing else": [*PYTHON, "pass"],
    "autodata --help": [sys.executable, "-m", "autodata", "--help"],
    "import autodata": [*PYTHON, "import autodata"],
    "import dspy": [*PYTHON, "import dspy"],
    "import autodata; autodata.load": [*PYTHON, "import autodata; autodata.load"],
}


def spent(command: list[str]) -> tuple[float, float]:
    """Return the seconds of a process, by the clock and of CPU."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - started, os.times()
    user = after.children_user - before.children_user
    return seconds, user + after.children_system - before.children_system


def main() -> None:
    """Measure every start in turn, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for _ in range(rounds):
        for name, command in STARTS.items():
            found[name].append(spent(command))
    table = Table(title=f"medians of {rounds} processes")
    for name in ("what", "seconds", "CPU s"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, times in found.items():
        middle = (statistics.median(column) for column in zip(*times, strict=True))
        table.add_row(name, *(f"{one:.2f}" for one in middle))
    Console().print(table)


if __name__ == "__main__":
    main()
