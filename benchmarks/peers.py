"""The loop beside what else makes data with models, on the same server with the same prompts.

    python -m venv PLACE && PLACE/bin/pip install -r benchmarks/peers/distilabel.txt
    python benchmarks/peers.py --peer distilabel=PLACE/bin/python

Each peer needs an environment of its own, because their requirements contradict each other's; one
is measured if its Python is named. It is given a solver's and a judge's request of the loop in
turn, each with a number so that none is answered from a cache, and 64 in flight as far as its
settings allow. Its time and CPU time begin after its imports and include the processes that it
starts. The loop parses, grades and journals what it is told; the peers keep the text.
"""

import argparse
import json
import tempfile
from pathlib import Path

from child import told
from loop import Measured, counted, measure, recorded, server, shown
from rich.console import Console

PEERS = Path(__file__).parent / "peers"
NAMES = ("distilabel", "curator", "data_designer")


def ask(name: str, python: str, latency: float, calls: int) -> Measured:
    """Let a peer make so many calls, and say what it took."""
    with tempfile.TemporaryDirectory() as place, server(latency, Path(place)) as url:
        requests = Path(place, "requests.json")
        requests.write_text(json.dumps(prompts(calls)))
        command = [python, PEERS / f"ask_{name}.py", f"{url}/v1", requests]
        took = told(name, command, place)
        seen = counted(url)
    return Measured(seen["calls"], took["seconds"], took["cpu"], seen["most"])


def prompts(calls: int) -> list[dict[str, str]]:
    """Return the loop's own requests, a solver's and a judge's in turn."""
    found = []
    for role in ("weak", "judge"):
        request = recorded()[role].request
        assert request is not None
        user = "\n\n".join(message.text or "" for message in request.messages)
        found.append({"system": str(request.system), "user": user})
    return [
        {**found[number % 2], "user": f"{found[number % 2]['user']}\n\n(Request {number}.)"}
        for number in range(calls)
    ]


def main() -> None:
    """Measure the loop and the peers in turn, and print a table for each latency."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--latency", type=float, nargs="+", default=[0.05, 0.2])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    chosen = dict(one.split("=", 1) for one in given.peer)
    for name in sorted(set(NAMES) - set(chosen)):
        print(f"{name}: left out; --peer {name}=PYTHON with an environment of {name}.txt")
    for latency in given.latency:
        found: dict[str, list[Measured]] = {name: [] for name in ("ours", "raw", *chosen)}
        for _ in range(given.rounds):
            for name, runs in found.items():
                if name in chosen:
                    runs.append(ask(name, chosen[name], latency, given.calls))
                else:
                    runs.append(measure(name, latency, given.calls))
        Console().print(shown(found, latency))


if __name__ == "__main__":
    main()
