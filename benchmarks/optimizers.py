"""How much does each method leave on the table after so many model calls?

Every method searches on the same simulated world, documents and budget of calls, which is what is
really sent. The world is known, so that what a candidate is worth can be computed (`truth`), and so
can the best there is: *regret* is the best objective minus that of the candidate which the method
holds for the best when its calls are used up. Lower is better; no method sees it.

Prints one table, and leaves a figure, every run's curve and an MLflow experiment in the folder. It
may be stopped and started again: runs that have ended are not run again.

    python benchmarks/optimizers.py [--methods optuna gepa] [--seeds 10] [--budgets 4000 8000 16000]
"""

import argparse
import contextlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from autodata.experiments.documents import load, split
from autodata.experiments.source import DocumentSource
from autodata.optimizers import (
    METHODS,
    OPEN_ENDED,
    Candidate,
    Objective,
    SearchOptions,
    Setup,
    Trial,
    find_method,
)
from autodata.programs import PROPOSER, ROLES, Autodata, LanguageModels, ModelConfig, Settings
from autodata.programs.budget import Budget, BudgetError
from autodata.programs.meter import Meter
from autodata.programs.simulation import BEST, Setting, expected, truth

ROUNDS = 8
"""Tasks tried per document, at most; as in the demonstration."""
ENOUGH = 0.9
"""Share of the best objective at which a search has arrived."""
STEP = 250
"""Calls between two points of a curve."""


class Run(NamedTuple):
    """A method's search under one seed and budget."""

    method: str
    seed: int
    budget: int
    """Calls that may be sent."""
    curve: list[tuple[int, float]]
    """Calls sent when a trial ended, and the true objective of the best one until then."""
    trials: int
    seconds: float
    """CPU time."""

    def value(self, calls: int) -> float:
        """Return the true objective of what the search would give back after so many calls."""
        return [value for sent, value in self.curve if sent <= calls][-1]

    def arrived(self, goal: float) -> float:
        """Return the calls after which the search holds something that good, and keeps it."""
        short = [i for i, (_, value) in enumerate(self.curve) if value < goal]
        after = short[-1] + 1 if short else 0
        return self.curve[after][0] if after < len(self.curve) else float("inf")


def best_there_is() -> float:
    """Return the highest objective that any prompts reach in this world."""
    return expected(BEST, Setting(skill=1.0, rounds=ROUNDS)).objective


def searched(method: str, seed: int, budget: int, folder: Path) -> Run:
    """Search once, and follow the true objective of what the method holds for the best."""
    logging.disable(logging.CRITICAL)
    started = time.process_time()
    configs = {
        role: ModelConfig(model=f"simulation/{role}", extra={"seed": seed})
        for role in (*ROLES, PROPOSER)
    }
    documents = load(DocumentSource(), seed=seed).accepted
    parts = split(documents, train=0.22, validation=0.42, seed=seed)
    curve: list[tuple[int, float]] = []
    ended: list[Trial] = []
    meter = Meter(Budget.parse(f"{budget}calls"))
    with contextlib.closing(LanguageModels(configs, folder / "cache", meter)) as models:
        program = Autodata(models.roles, settings=Settings(rounds=ROUNDS))
        objective = Objective(program, seed=seed)
        objective.episodes(Candidate.of(program), parts.validation, "validation")
        # As with `--budget`: a method that needs a plan has as many trials as the baseline's price
        # allows, the others go on until the budget ends them.
        trials = 500 if method in OPEN_ENDED else max(2, budget // int(meter.spent.calls))
        worth: dict[str, float] = {}

        def watch(trial: Trial) -> None:
            ended.append(trial)
            complete = [one for one in ended if one.state == "complete"]
            best = max(complete, key=lambda one: (one.value or 0.0, -one.number)).candidate
            if best.id not in worth:
                worth[best.id] = truth(best.applied(program)).objective
            curve.append((int(meter.spent.calls), worth[best.id]))

        setup = Setup(SearchOptions(trials=trials), models[PROPOSER], seed=seed, folder=folder)
        with contextlib.suppress(BudgetError), _silent():
            find_method(method, setup).search(objective, parts.train, parts.validation, watch)
    return Run(method, seed, budget, curve, len(ended), time.process_time() - started)


@contextlib.contextmanager
def _silent() -> Any:
    """Keep the optimizers' own bars and remarks off the terminal."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        yield


def all_runs(
    methods: Sequence[str], seeds: Iterable[int], budgets: Sequence[int], folder: Path, jobs: int
) -> list[Run]:
    """Do the runs that have not ended yet, several at once, and return all."""
    file = folder / "runs.jsonl"
    done = {run[:3]: run for run in kept_runs(file)}
    wanted = [(m, s, b) for b in budgets for s in seeds for m in methods]
    left = [one for one in wanted if one not in done]
    with (
        tempfile.TemporaryDirectory() as scratch,
        ProcessPoolExecutor(jobs, max_tasks_per_child=1) as pool,
        file.open("a") as kept,
    ):
        pending = [
            pool.submit(searched, *one, Path(scratch, "-".join(map(str, one)))) for one in left
        ]
        for future in track(as_completed(pending), "searching", len(pending), console=_CONSOLE):
            run = future.result()
            done[run[:3]] = run
            kept.write(json.dumps(run) + "\n")
            kept.flush()
    return [done[one] for one in wanted]


def kept_runs(file: Path) -> list[Run]:
    """Return the runs that have ended; a last line that is torn is removed, and run again."""
    text = file.read_text() if file.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole)
    return [_run(json.loads(line)) for line in whole.splitlines()]


def _run(line: list[Any]) -> Run:
    return Run(*line)._replace(curve=[(int(calls), float(value)) for calls, value in line[3]])


def shown(runs: Sequence[Run], best: float) -> Table:
    """Return the table: median regret by budget, and the calls until a search has arrived.

    The calls that were used are those of the largest budget until the last trial ended.
    """
    budgets = sorted({run.budget for run in runs})
    table = Table(
        title=f"Regret: best objective there is ({best:.3f}) minus the search's, median "
        f"\\[quartiles] of {len({run.seed for run in runs})} seeds",
        title_justify="left",
    )
    table.add_column("method")
    for budget in budgets:
        table.add_column(f"{budget:,} calls", justify="right")
    table.add_column(f"calls to {ENOUGH:.0%} of the best", justify="right")
    table.add_column("arrived", justify="right")
    table.add_column("calls used", justify="right")
    table.add_column("CPU s", justify="right")
    for method in dict.fromkeys(run.method for run in runs):
        own = [run for run in runs if run.method == method]
        largest = [run for run in own if run.budget == budgets[-1]]
        calls = [run.arrived(ENOUGH * best) for run in largest]
        table.add_row(
            method,
            *(_regret([r for r in own if r.budget == budget], best) for budget in budgets),
            _calls(median(calls)),
            f"{sum(one < float('inf') for one in calls)} of {len(calls)}",
            f"{median(run.curve[-1][0] for run in largest):,.0f}",
            f"{median(run.seconds for run in largest):.0f}",
        )
    return table


def _regret(runs: Sequence[Run], best: float) -> str:
    regrets = [best - run.value(run.budget) for run in runs]
    low, middle, high = (float(np.quantile(regrets, q)) for q in (0.25, 0.5, 0.75))
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def _calls(calls: float) -> str:
    return "not reached" if calls == float("inf") else f"{calls:,.0f}"


def medians(runs: Sequence[Run], best: float) -> tuple[list[int], list[float]]:
    """Return the median regret of runs with one budget after every so many calls."""
    start = max(run.curve[0][0] for run in runs)
    calls = list(range(start, runs[0].budget + 1, STEP))
    return calls, [median(best - run.value(at) for run in runs) for at in calls]


def draw(runs: Sequence[Run], best: float, file: Path) -> None:
    """Draw the median regret against calls, for the largest budget."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    largest = max(run.budget for run in runs)
    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, method in enumerate(dict.fromkeys(run.method for run in runs)):
        own = [run for run in runs if run.method == method and run.budget == largest]
        axes.step(
            *medians(own, best),
            where="post",
            label=method,
            linestyle=("-", "--", ":")[number // 10 % 3],
            linewidth=2.4 if method in ("optuna", "relay") else 1.3,
        )
    axes.axhline((1 - ENOUGH) * best, color="gray", linewidth=0.8)
    axes.set(
        xlabel="model calls sent",
        ylabel="regret (objective), median over seeds",
        ylim=(0, None),
        title=f"{largest:,} calls for every method; below the line {ENOUGH:.0%} of the best",
    )
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(file, dpi=120)


def record(runs: Sequence[Run], best: float, folder: Path) -> None:
    """Log a run for each method and budget, with its curve, and the figure, to MLflow."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("optimizers benchmark")
    for method, budget in dict.fromkeys((run.method, run.budget) for run in runs):
        own = [run for run in runs if (run.method, run.budget) == (method, budget)]
        with mlflow.start_run(run_name=f"{method} {budget}"):
            mlflow.log_params({"method": method, "budget": budget, "seeds": len(own)})
            for calls, regret in zip(*medians(own, best), strict=True):
                mlflow.log_metric("regret", regret, step=calls)
            arrived = median(run.arrived(ENOUGH * best) for run in own)
            if arrived < float("inf"):
                mlflow.log_metric("calls_to_90_percent", arrived)
            mlflow.log_artifact(str(folder / "regret.png"))


def main() -> None:
    """Search with every method, and show what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budgets", type=int, nargs="+", default=[4000, 8000, 16000])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, default=Path("runs/optimizers-benchmark"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    best = best_there_is()
    runs = all_runs(given.methods, range(given.seeds), given.budgets, given.folder, given.jobs)
    _CONSOLE.print(shown(runs, best))
    draw(runs, best, given.folder / "regret.png")
    record(runs, best, given.folder)
    _CONSOLE.print(f"{given.folder}: runs.jsonl, regret.png, mlflow.db")


_CONSOLE = Console()

if __name__ == "__main__":
    main()
