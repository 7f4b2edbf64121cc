"""What becomes of a run when a fifth of its requests fail? Every document is looked for.

    python benchmarks/survival.py [--calls 10000] [--rate 0.2] [--deaths 1]

`generate` works through small documents against a server of its own process, which answers every
role with the offline models and injects faults of all kinds (`tests/faults/kinds.py`), a storm
after a third of the calls, and now and then dies for seconds. The table has the faults by kind, and
what the run says of itself beside what the server has counted. The exit code is 1 if a document was
lost, stands somewhere twice, or a call was counted wrongly.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from faults import FaultyServer
    from faults.surviving import Survived

TESTS = Path(__file__).parents[1] / "tests"
AWAY = 1.0
"""Seconds that a dead server stays dead, beside those that it takes to start."""


def measured(calls: int, rate: float, seed: int, deaths: int) -> "Survived":
    """Run over as many documents as take about so many calls."""
    from faults import FaultyServer
    from faults.kinds import Plan
    from faults.surviving import REQUESTS, configured, survive

    with (
        tempfile.TemporaryDirectory() as place,
        FaultyServer(Path(place), simulated=True) as server,
    ):
        # What is loaded and opened once is there before anything is measured.
        survive(configured(Path(place), server.url, 3, "warm"), server)
        begun = server.counters.arrived
        plan = Plan(seed=seed, rate=rate, latency=0.02, spread=0.5, storm_seconds=2.0)
        server.follow(plan._replace(storm_after=begun + calls // 3))
        times = [begun + calls * (number + 1) // (deaths + 1) for number in range(deaths)]
        config = configured(Path(place), server.url, int(calls / REQUESTS), "run")
        return survive(config, server, lambda: _die(server, times))


def _die(server: "FaultyServer", times: list[int]) -> None:
    """Kill the server when it has so many requests, and start it again."""
    for arrived in times:
        while server.counters.arrived < arrived:
            time.sleep(0.1)
        server.kill()
        time.sleep(AWAY)
        server.start()


def faults(run: "Survived") -> list[str]:
    """Return what the accounts say is wrong; nothing if every document and call is there once."""
    found: list[str] = []
    lost = set(run.documents) - set(run.journaled) - set(run.found.failures)
    kept = [*run.journaled.items(), *run.written.items()]
    twice = {name for name, count in kept if count > 1}
    if lost or twice:
        found.append(f"{len(lost)} documents lost, {len(twice)} twice")
    paid = run.usage.calls - run.usage.cached
    if paid != run.paid:
        found.append(f"{paid} answers, and {run.paid} counted for the budget")
    # A server that dies has sent answers, and counted them, that nobody has received whole.
    if run.server.answered < paid or run.tried < run.server.arrived:
        found.append(f"{paid} answers of {run.server.answered} sent")
    return found


def shown(run: "Survived", deaths: int) -> Table:
    """Return the one table."""
    table = Table(
        title=f"{run.tried:,} calls, {run.seconds:.0f} s, {1000 * run.cpu / run.tried:.2f} "
        "ms of CPU per call"
    )
    table.add_column("what")
    table.add_column("number", justify="right")
    for kind, count in sorted(run.server.faults.items(), key=lambda one: -one[1]):
        table.add_row(f"met {kind}", f"{count:,}")
    table.add_section()
    usage, rise = run.usage, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = {
        "requests, as the run counts": run.tried,
        "requests, as the server counts": run.server.arrived,
        "deaths of the server": deaths,
        "answers, as the run counts": usage.calls - usage.cached,
        "answers, counted for the budget": run.paid,
        "answers, as the server counts": run.server.answered,
        "requests that failed": usage.failed,
        "documents": len(run.documents),
        "episodes": run.journaled.total(),
        "failures recorded": len(run.found.failures),
        "of these to be tried again": len(run.unfinished),
        "accepted tasks": run.written.total(),
    }
    for name, number in rows.items():
        table.add_row(name, f"{number:,}")
    table.add_section()
    before, after = run.before, run.after
    table.add_row("threads before, after", f"{len(before.threads)}, {len(after.threads)}")
    table.add_row("sockets before, after", f"{before.sockets}, {after.sockets}")
    table.add_row("MiB before, after", f"{before.rss >> 20}, {after.rss >> 20}")
    table.add_row("MiB at most", f"{rise >> 10}")
    return table


def main() -> int:
    """Run it, print the table, and say what is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deaths", type=int, default=1)
    given = parser.parse_args()
    run = measured(given.calls, given.rate, given.seed, given.deaths)
    console = Console()
    console.print(shown(run, given.deaths))
    wrong = faults(run)
    for one in wrong:
        console.print(one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.append(str(TESTS))
    sys.exit(main())
