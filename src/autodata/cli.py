"""The command line: one verb per job. Answers go to standard output, all else to standard error.

Exit codes: 0 done, 1 failed, 2 bad input.
"""

import json
import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .options import Calibrate, Calibrated, Calls, Compared, Compiled, Config, Json, Methods, Set

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .experiments.config import ExperimentConfig

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
            found = run(_config(config, set_), reporter, calibrate=probed)
        if as_json:
            _print_json(found, fine=found.fine)
        else:
            from .experiments.show import show_check

            show_check(found)
        return 0 if found.fine else 1

    _run(job, as_json)


@app.command()
def generate(
    config: Config,
    program: Compiled = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write tasks for all documents with the shipped program, or with a compiled one.

    The tasks are in RUNS/RUN/tasks.jsonl. The same command again goes on after an interruption.

    Example: autodata generate my.toml --program runs/demo/compiled
    """

    def job() -> int:
        from .experiments.generate import generate as run
        from .experiments.progress import Reporter

        with Reporter() as reporter:
            found = run(_config(config, set_), reporter, program=program)
        if as_json:
            _print_json(found)
        else:
            from .experiments.show import show_generated

            show_generated(found)
        return _judged(found.problem)

    _run(job, as_json)


@app.command()
def optimize(config: Config, set_: Set = None, as_json: Json = False) -> None:
    """Search for better prompts, measure the winner on unseen documents, and export it.

    Every trial is logged to MLflow. Run the same command again to go on after an interruption.

    Example: autodata optimize demo --set search.trials=10
    """

    def job() -> int:
        from .experiments.progress import Reporter
        from .experiments.runner import optimize as run

        with Reporter() as reporter:
            result = run(_config(config, set_), reporter)
        if as_json:
            _print_json(result)
        else:
            from .experiments.show import show_result

            show_result(result, config, set_ or [])
        return 0

    _run(job, as_json)


@app.command()
def evaluate(
    config: Config,
    program: Annotated[Path, typer.Option(help="Folder of a compiled program.")],
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
            found = run(_config(config, set_), reporter, program=program)
        if as_json:
            _print_json(found)
        else:
            from .experiments.show import show_evaluated

            show_evaluated(found)
        return _judged(found.problem)

    _run(job, as_json)


@app.command()
def compare(
    config: Config,
    methods: Methods = "cot,best-of-n,agentic",
    documents: Compared = None,
    calls: Calls = None,
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
            found = run(_config(config, overrides), reporter, methods=names, calls=calls)
        if as_json:
            _print_json(found)
        else:
            from .experiments.show import show_compared

            show_compared(found, config, overrides)
        return _judged(found.problem)

    _run(job, as_json)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, such as runs/demo.")],
    to: Annotated[Path, typer.Option(help="Folder to write; it must not exist or be empty.")],
    trial: Annotated[
        int | None, typer.Option(help="Number of a trial; the winner without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a trial's program as a folder that `autodata.load` runs anywhere.

    Example: autodata export runs/demo --trial 3 --to my-program
    """

    def job() -> int:
        from .experiments.exports import export_trial

        exported = export_trial(run, to, trial)
        if as_json:
            print(json.dumps(exported))
        else:
            print(f"{exported['program']}: trial {exported['trial']} of {run}")
        return 0

    _run(job, as_json)


@app.command()
def ui(
    config: Annotated[
        str, typer.Argument(metavar="[CONFIG]", help="Whose tracking store to show.")
    ] = "demo",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    set_: Set = None,
) -> None:
    """Open the MLflow UI on the runs, with the trials ready to compare.

    Example: autodata ui demo --port 5001
    """

    def job() -> int:
        from .experiments.server import serve_runs

        return serve_runs(_config(config, set_), port=port)

    _run(job, as_json=False)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Neither a price list nor a telemetry server is asked over the network.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    app()


def _config(name: str, overrides: list[str] | None) -> "ExperimentConfig":
    from .experiments.config import load_config

    return load_config(name, overrides or [])


def _run(job: Callable[[], int], as_json: bool) -> NoReturn:
    """Do a verb's job and turn what may go wrong into a line and an exit code."""
    from .experiments.errors import InputError

    try:
        code = job()
    except InputError as error:
        _fail(str(error), as_json)
        code = 2
    except (RuntimeError, OSError, sqlite3.Error) as error:
        _fail(f"failed: {error}", as_json)
        code = 1
    except KeyboardInterrupt:
        _fail("interrupted: run the same command again to go on; nothing finished is lost", as_json)
        code = 1
    sys.stdout.flush()
    raise SystemExit(code)


def _judged(problem: str) -> int:
    """Return the exit code of a job whose answer has been printed."""
    if problem:
        _fail(f"failed: {problem}", as_json=False)
    return 1 if problem else 0


def _fail(message: str, as_json: bool) -> None:
    line = " ".join(message.split())
    if as_json:
        print(json.dumps({"error": line}))
    print(f"autodata: {line}", file=sys.stderr)


def _print_json(found: "BaseModel", **more: Any) -> None:
    print(json.dumps({**found.model_dump(mode="json"), **more}))
