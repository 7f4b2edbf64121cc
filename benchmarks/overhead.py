"""CPU time of a judged attempt: this package beside DSPy's bare `Predict.acall`.

    python benchmarks/overhead.py

Both ask the same engine, which answers at once, with the same signatures. Rounds alternate, so that
a busy machine slows all of them down.
"""

import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import dspy
import dspy.lm15 as lm15
from rich.console import Console
from rich.table import Table

from autodata.metrics import Criterion, grade
from autodata.programs import ModelConfig, Task
from autodata.programs.cache import AnswerCache
from autodata.programs.endpoint import Endpoint, Structured
from autodata.programs.judge import Judge, JudgeAnswer
from autodata.programs.lms import RoleLM
from autodata.programs.role import ask
from autodata.programs.solver import Solver, SolveTask
from autodata.programs.usage import Ledger, observing, sample

ROUNDS = 15
ATTEMPTS = 60
GOAL = 1.2

CRITERIA = 12
ANSWER = "The drained side, because oxygen reaches the peat and it decomposes. " * 12
TASK = Task(
    question_type="prediction under constraints",
    skills=["hydrology", "carbon cycle"],
    context="A bog is drained on one side for a road while the other side stays wet. " * 6,
    question="Which side releases more carbon in a dry summer, and what would change it?",
    reference=ANSWER,
    rubric=[Criterion(criterion=f"states step {n} of the argument", weight=n) for n in range(1, 11)]
    + [Criterion(criterion=f"commits error {n}", weight=-n) for n in range(1, CRITERIA - 9)],
)
VERDICTS = ", ".join(
    f'{{"number": {n}, "evidence": "oxygen reaches the peat", "satisfied": true}}'
    for n in range(1, CRITERIA + 1)
)

Attempt = Callable[[int], Awaitable[None]]


class Instant:
    """Answers at once: an engine of DSPy's and a backend of ours."""

    def complete(self, request: lm15.Request, rollout: str = "") -> lm15.Response:
        """Answer as the judge if verdicts are asked for, else as a solver."""
        judge = "verdicts" in str(request.system)
        name, value = ("verdicts", f"[{VERDICTS}]") if judge else ("answer", ANSWER)
        text = f"[[ ## {name} ## ]]\n{value}\n\n[[ ## completed ## ]]"
        if request.config.response_format:
            text = f'{{"{name}": {value if judge else json.dumps(value)}}}'
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(text),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=900, output_tokens=200),
        )

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from the event loop."""
        return self.complete(request)

    async def close(self) -> None:
        """Nothing is open."""


class AsyncInstant:
    """The same as DSPy's asynchronous engine."""

    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer from the event loop."""
        return Instant().complete(request)


def bare() -> Attempt:
    """Two predictors on a plain `dspy.LM`, without a cache."""
    lm = dspy.LM("instant", engine=Instant(), async_engine=AsyncInstant(), cache=False)
    solve, judge = dspy.Predict(SolveTask), dspy.Predict(JudgeAnswer)
    criteria = [f"{n}. {one.criterion}" for n, one in enumerate(TASK.rubric, 1)]

    async def attempt(number: int) -> None:
        with dspy.context(lm=lm):
            solved = await solve.acall(context=TASK.context, question=TASK.question)
            await judge.acall(question=TASK.question, answer=solved.answer, criteria=criteria)

    return attempt


def ours(
    cache: AnswerCache | None = None, repeat: int = 0, structured: Structured = "none"
) -> Attempt:
    """A solver and a judge as `Autodata` asks them: metered, sampled, failures as data, graded.

    Args:
        cache: Where answers are looked up and kept.
        repeat: How many samples to go round in; 0 makes every attempt a new one.
        structured: How the endpoint is told the form of an answer.
    """
    config, ledger, episode = (
        ModelConfig(model="instant", structured=structured),
        Ledger(),
        Ledger(),
    )
    endpoint = Endpoint(config, Instant(), cache)
    solver = Solver("weak", RoleLM(config, "weak", endpoint, ledger))
    judge = Judge(RoleLM(config, "judge", endpoint, ledger))

    async def attempt(number: int) -> None:
        with observing(episode.add), sample(f"weak-{number % repeat if repeat else number}"):
            solved = await ask(solver, task=TASK)
            judged = await ask(judge, task=TASK, answer=solved.prediction.answer)
            grade(TASK.rubric, judged.prediction.satisfied)

    return attempt


async def measure(attempts: dict[str, Attempt]) -> dict[str, list[float]]:
    """Return milliseconds of CPU time per attempt, for each name and round."""
    spent: dict[str, list[float]] = {name: [] for name in attempts}
    for turn in range(ROUNDS + 1):
        for name, attempt in attempts.items():
            started = time.process_time()
            for number in range(ATTEMPTS):
                await attempt(turn * ATTEMPTS + number)
            spent[name].append(1000 * (time.process_time() - started) / ATTEMPTS)
    return {name: times[1:] for name, times in spent.items()}


def report(spent: dict[str, list[float]]) -> Table:
    """Put medians and ratios to the first entry into a table."""
    table = Table(title=f"CPU per judged attempt, median of {ROUNDS} rounds of {ATTEMPTS}")
    table.add_column("way")
    table.add_column("ms", justify="right")
    table.add_column("lowest ms", justify="right")
    table.add_column("ratio", justify="right")
    first = next(iter(spent.values()))
    for name, times in spent.items():
        ratio = statistics.median(one / other for one, other in zip(times, first, strict=True))
        table.add_row(name, f"{statistics.median(times):.2f}", f"{min(times):.2f}", f"{ratio:.2f}")
    table.caption = f"goal without a cache: at most {GOAL}"
    return table


def main() -> None:
    """Measure and print."""
    logging.getLogger("dspy").setLevel(logging.ERROR)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(AnswerCache(Path(folder, "new"))) as new,
        closing(AnswerCache(Path(folder, "known"))) as known,
    ):
        attempts = {
            "DSPy: Predict.acall, twice": bare(),
            "autodata: no cache": ours(),
            "autodata: no cache, under a schema": ours(structured="json_schema"),
            "autodata: cache, answers new": ours(new),
            "autodata: cache, answers known": ours(known, repeat=ATTEMPTS),
        }
        spent = asyncio.run(measure(attempts))
        Console().print(report(spent))


if __name__ == "__main__":
    main()
