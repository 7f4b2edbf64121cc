"""How busy does the loop keep its models? Throughput and CPU against a server of fixed latency.

    python benchmarks/loop.py [--latency 0.05] [--calls 6000] [--ways ours raw dspy]

A server of its own process answers every request after the same time, as many as come; each way
keeps 64 in flight. The ideal is 64 / latency calls a second. Every way runs in a process of its
own, several times in turn, and the table has the medians: calls a second, the share of the ideal,
and the CPU time of the client per call.

The loop is what `autodata generate` runs: documents in parallel, prompts, parsers, grades, gate,
journal, cache of answers and budget, everything on disk before it is used. `raw` posts the loop's
own requests with aiohttp and decodes the JSON, nothing else; `dspy` asks DSPy's `Predict` for
answers and verdicts, as it comes.
"""

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import dspy.lm15 as lm15
from answering import PLACE
from child import told
from rich.console import Console
from rich.table import Table

from autodata.experiments.config import ExperimentConfig
from autodata.experiments.progress import Reporter
from autodata.experiments.session import open_session
from autodata.optimizers import Candidate
from autodata.programs import ROLES, Autodata, Document, ModelConfig, Models
from autodata.programs.backends import backend_for
from autodata.programs.endpoint import Backend, Endpoint
from autodata.programs.judge import JudgeAnswer
from autodata.programs.lms import RoleLM
from autodata.programs.solver import SolveTask
from autodata.programs.usage import Ledger

IN_FLIGHT = 64
CALLS_PER_DOCUMENT = 44
HERE = Path(__file__).parent
MARKS = {
    "judge": "[[ ## verdicts ## ]]",
    "verifier": "[[ ## report ## ]]",
    "challenger": "[[ ## task ## ]]",
    "orchestrator": "[[ ## brief ## ]]",
    "weak": "",
}
"""What only the prompts of a role hold, in the order to look for it."""


class Measured(NamedTuple):
    """One way, measured once."""

    calls: int
    seconds: float
    cpu: float
    """Seconds of CPU time of the client's process."""
    most: int
    """Requests that the server had in hand at once, at most."""


class Recording:
    """A backend that remembers the first answer."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.request: lm15.Request | None = None
        self.text = ""

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer, and take note."""
        response = await self._backend.acomplete(request, rollout)
        if self.request is None:
            self.request, self.text = request, response.message.text or ""
        return response

    async def close(self) -> None:
        """Close the backend."""
        await self._backend.close()


def recorded() -> dict[str, Recording]:
    """Run an episode offline and return each role's first request and answer."""
    configs = {role: ModelConfig(model=f"simulation/{role}") for role in ROLES}
    found = {role: Recording(backend_for(config)) for role, config in configs.items()}
    ledger = Ledger()
    lms = {
        role: RoleLM(config, role, Endpoint(config, found[role]), ledger)
        for role, config in configs.items()
    }
    Autodata(Models(**lms))(document=document(0))
    return found


def document(number: int) -> Document:
    """Return a text of 300 words."""
    words = f"Document {number}. The peat of a drained bog decomposes as oxygen reaches it. " * 21
    return Document(id=f"document-{number:06d}", text=words)


@contextmanager
def server(latency: float, folder: Path) -> Iterator[str]:
    """Start the server and return its address; a solver's answers are numbered."""
    said = {role: one.text for role, one in recorded().items()}
    # Equal requests would be answered by the cache.
    said["challenger"] = said["challenger"].replace('"question": "', f'"question": "{PLACE}: ')
    # It is briefed anew after a failed round, and then with a lesson.
    said["orchestrator"] = f"[[ ## lesson ## ]]\nAsk for more.\n\n{said['orchestrator']}"
    said["weak"] = said["weak"].replace("## answer ## ]]\n", f"## answer ## ]]\n{PLACE}: ")
    file = folder / "answers.json"
    file.write_text(json.dumps({mark: said[role] for role, mark in MARKS.items()}))
    process = subprocess.Popen(
        [sys.executable, HERE / "answering.py", file, str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def ours(url: str, calls: int, folder: Path) -> None:
    """Run the loop over as many documents as take about so many calls."""
    model = {"model": "m", "api_base": f"{url}/v1", "concurrency": IN_FLIGHT}
    config = ExperimentConfig.model_validate(
        {
            "run": "loop",
            "runs": str(folder / "runs"),
            "documents": {"path": str(texts(folder, calls // CALLS_PER_DOCUMENT))},
            "models": {role: model for role in ROLES},
        }
    )
    with Reporter() as reporter, open_session(config, reporter) as session:
        _timed(
            url,
            lambda: session.objective.episodes(
                Candidate.of(session.program), session.documents, "generate"
            ),
        )


def raw(url: str, calls: int, folder: Path) -> None:
    """Post a solver's and a judge's request in turn, as bare as it gets."""
    import aiohttp

    bodies = [_body(recorded()[role]) for role in ("weak", "judge")]

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(number: int) -> None:
                address = f"{url}/v1/chat/completions"
                async with session.post(address, json=bodies[number % 2]) as response:
                    assert (await response.json())["choices"]

            await _together(one, calls)

    _timed(url, lambda: asyncio.run(run()))


def plain_dspy(url: str, calls: int, folder: Path) -> None:
    """Ask DSPy's predictors for answers and verdicts in turn, without a cache."""
    import dspy

    logging.getLogger("dspy").setLevel(logging.ERROR)
    lm = dspy.LM("openai/m", api_base=f"{url}/v1", api_key="none", cache=False)
    solve, judge = dspy.Predict(SolveTask), dspy.Predict(JudgeAnswer)
    answer = "The drained side, because oxygen reaches the peat and it decomposes. " * 12
    criteria = [f"{n}. states step {n} of the argument" for n in range(1, 16)]
    question = "Which side releases more carbon in a dry summer, and what would change it?"

    async def one(number: int) -> None:
        with dspy.context(lm=lm):
            if number % 2:
                await judge.acall(question=question, answer=answer, criteria=criteria)
            else:
                await solve.acall(context=answer, question=question)

    _timed(url, lambda: asyncio.run(_together(one, calls)))


WAYS: dict[str, Callable[[str, int, Path], None]] = {"ours": ours, "raw": raw, "dspy": plain_dspy}


async def _together(one: Callable[[int], Awaitable[None]], calls: int) -> None:
    """Make so many calls, as many at a time as all ways may."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def _timed(url: str, work: Callable[[], object]) -> None:
    """Do it, and print what it took."""
    before = counted(url)["calls"]
    cpu, started = time.process_time(), time.perf_counter()
    work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    after = counted(url)
    print(json.dumps(Measured(after["calls"] - before, seconds, cpu, after["most"])))


def counted(url: str) -> dict[str, int]:
    """Return how many calls the server has had, and the most at once."""
    with urlopen(f"{url}/count") as reply:
        return json.load(reply)


def _body(one: Recording) -> dict[str, Any]:
    assert one.request is not None
    messages = [{"role": "system", "content": one.request.system}]
    messages += [{"role": each.role, "content": each.text} for each in one.request.messages]
    return {"model": "m", "messages": messages}


def texts(folder: Path, count: int) -> Path:
    """Write the documents as a table."""
    file = folder / "documents.jsonl"
    rows = (document(number).model_dump(include={"id", "text"}) for number in range(count))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def measure(way: str, latency: float, calls: int) -> Measured:
    """Measure a way in a process of its own, on a server of its own."""
    with tempfile.TemporaryDirectory() as place, server(latency, Path(place)) as url:
        command = [sys.executable, __file__, "--way", way, "--url", url, "--calls", str(calls)]
        return Measured(*told(way, [*command, "--folder", place]))


def shown(found: dict[str, list[Measured]], latency: float) -> Table:
    """Return the table of medians."""
    ideal = IN_FLIGHT / latency
    table = Table(title=f"{IN_FLIGHT} in flight, {1000 * latency:.0f} ms: ideal {ideal:,.0f}/s")
    for name in ("way", "calls/s", "of the ideal", "CPU ms/call", "in flight, most"):
        table.add_column(name, justify="left" if name == "way" else "right")
    for way, runs in found.items():
        rate = statistics.median(run.calls / run.seconds for run in runs)
        cpu = statistics.median(1000 * run.cpu / run.calls for run in runs)
        most = max(run.most for run in runs)
        table.add_row(way, f"{rate:,.0f}", f"{rate / ideal:.0%}", f"{cpu:.2f}", str(most))
    return table


def main() -> None:
    """Measure every way in turn, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--latency", type=float, nargs="+", default=[0.05, 0.2])
    parser.add_argument("--calls", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    for hidden in ("--way", "--url", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        WAYS[given.way](given.url, given.calls, Path(given.folder))
        return
    for latency in given.latency:
        found: dict[str, list[Measured]] = {way: [] for way in given.ways}
        for _ in range(given.rounds):
            for way in given.ways:
                found[way].append(measure(way, latency, given.calls))
        Console().print(shown(found, latency))


if __name__ == "__main__":
    main()
