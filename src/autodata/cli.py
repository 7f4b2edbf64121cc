"""The command line: one verb per job. Answers go to standard output, all else to standard error.

Exit codes: 0 done, 1 failed, 2 bad input.
"""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from .leftovers import cache, export, ui
from .options import (
    Budget,
    Calibrate,
    Calibrated,
    Calls,
    Compared,
    Compiled,
    Config,
    Engine,
    Json,
    Methods,
    RayWorkers,
    Set,
    Workers,
)
from .verbs import configured, do, judged, print_json

app = typer.Typer(
    name="autodata",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Turn documents into tasks that a strong model solves and a weak one does not, and "
        "optimize the prompts that write them.\n\n"
        "Start with `autodata optimize demo`: it runs offline, with simulated models. CONFIG is a "
        "TOML file or a preset (demo, research, legal, scientific, code)."
    ),
)


@app.command()
def check(
    config: Config,
    calibrate: Calibrate = False,
    documents: Calibrated = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Ask every model something short, run one round, and estimate calls and cost.

    Example: autodata check my.toml --set models.weak.api_base=http://127.0.0.1:8001/v1

    With --calibrate both solvers also try tasks on a few documents, and a gate is proposed and kept
    for runs with gate = "calibrated".
    """

    def job() -> int:
        from .experiments.calibrate import DOCUMENTS
        from .experiments.check import check as run
        from .experiments.errors import InputError
        from .experiments.progress import Reporter

        if documents is not None and not calibrate:
            raise InputError(f"--documents {documents}: only counts with --calibrate; add it")
        probed = (documents or DOCUMENTS) if calibrate else None
        with Reporter() as reporter:
            found = run(configured(config, set_), reporter, calibrate=probed)
        if as_json:
            print_json(found, fine=found.fine)
        else:
            from .experiments.show import show_check

            show_check(found)
        return 0 if found.fine else 1

    do(job, as_json)


@app.command()
def generate(
    config: Config,
    program: Compiled = None,
    budget: Budget = None,
    engine: Engine = "local",
    workers: RayWorkers = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write tasks for all documents with the shipped program, or with a compiled one.

    The tasks are in RUNS/RUN/tasks.jsonl. The same command again goes on after an interruption.

    Example: autodata generate my.toml --program runs/demo/compiled
    """

    def job() -> int:
        from .experiments.engines import open_engine
        from .experiments.generate import generate as run
        from .experiments.progress import Reporter

        read = configured(config, set_, budget)
        with Reporter() as reporter, open_engine(engine, read, workers, reporter) as place:
            found = run(read, reporter, program=program, engine=place)
        if as_json:
            print_json(found)
        else:
            from .experiments.show import show_generated

            show_generated(found)
        return judged(found.problem)

    do(job, as_json)


@app.command()
def optimize(
    config: Config,
    budget: Budget = None,
    workers: Workers = 1,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Search for better prompts, measure the winner on unseen documents, and export it.

    Every trial is logged to MLflow. Run the same command again to go on after an interruption.

    Example: autodata optimize demo --set search.trials=10
    """

    def job() -> int:
        from .experiments.progress import Reporter
        from .experiments.runner import optimize as run

        with Reporter() as reporter:
            result = run(configured(config, set_, budget), reporter, workers=workers)
        if as_json:
            print_json(result)
        else:
            from .experiments.show import show_result

            show_result(result, config, set_ or [])
        return 0

    do(job, as_json)


@app.command()
def work(config: Config, set_: Set = None) -> None:
    """Help a running `optimize` with its trials, on this machine or another one.

    Both need the same configuration and documents, and a `search.storage` that both can reach.

    Example: autodata work my.toml --set search.storage=postgresql+psycopg://me@db/autodata
    """

    def job() -> int:
        from .experiments.progress import Reporter
        from .experiments.worker import work as run

        with Reporter() as reporter:
            measured = run(configured(config, set_), reporter)
        print(f"{measured} trials measured here")
        return 0

    do(job, as_json=False)


@app.command()
def evaluate(
    config: Config,
    program: Annotated[Path, typer.Option(help="Folder of a compiled program.")],
    budget: Budget = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Compare a compiled program with the shipped prompts on the test documents.

    Example: autodata evaluate my.toml --program runs/demo/compiled
    """

    def job() -> int:
        from .experiments.generate import evaluate as run
        from .experiments.progress import Reporter

        with Reporter() as reporter:
            found = run(configured(config, set_, budget), reporter, program=program)
        if as_json:
            print_json(found)
        else:
            from .experiments.show import show_evaluated

            show_evaluated(found)
        return judged(found.problem)

    do(job, as_json)


@app.command()
def compare(
    config: Config,
    methods: Methods = "cot,best-of-n,agentic",
    documents: Compared = None,
    calls: Calls = None,
    budget: Budget = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Compare methods of writing tasks on the same documents, models and gate.

    Every task that a method keeps is tried afresh. The table and a figure are in RUNS/RUN-compare;
    MLflow has a run for each method. The same command again goes on after an interruption.

    Example: autodata compare demo --methods cot,agentic --documents 8
    """

    def job() -> int:
        from .experiments.compare import compare as run
        from .experiments.compare import method_names
        from .experiments.progress import Reporter

        limit = [] if documents is None else [f"documents.limit={documents}"]
        overrides = [*(set_ or []), *limit]
        with Reporter() as reporter:
            names = method_names(methods, calls)
            found = run(configured(config, overrides, budget), reporter, methods=names, calls=calls)
        if as_json:
            print_json(found)
        else:
            from .experiments.show import show_compared

            show_compared(found, config, overrides)
        return judged(found.problem)

    do(job, as_json)


for verb in (export, cache, ui):
    app.command()(verb)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Neither a price list nor a telemetry server is asked over the network.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    app()
