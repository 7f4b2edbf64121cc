"""The verbs for what runs leave behind: programs, answers, records."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import Json, Set
from .verbs import configured, do, print_json


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

    do(job, as_json)


def cache(
    runs: Annotated[
        Path, typer.Argument(metavar="[RUNS]", help="A folder of runs, which share one cache.")
    ] = Path("runs"),
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Remove the oldest answers until the others take that much: 2GB, 0.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which answers of models are kept, so that they are not paid for again; or remove some.

    Example: autodata cache runs --keep 500MB
    """

    def job() -> int:
        from .experiments.answers import kept_answers

        found = kept_answers(runs, keep)
        if as_json:
            print_json(found)
        else:
            from .experiments.show import show_answers

            show_answers(found)
        return 0

    do(job, as_json)


def ui(
    config: Annotated[
        str, typer.Argument(metavar="[CONFIG]", help="Whose tracking store to show.")
    ] = "demo",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    every: Annotated[
        bool, typer.Option("--all", help="The trials of all runs, whatever their method.")
    ] = False,
    set_: Set = None,
) -> None:
    """Open the MLflow UI on the runs, with the trials ready to compare.

    Example: autodata ui demo --port 5001
    """

    def job() -> int:
        from .experiments.server import serve_runs

        return serve_runs(configured(config, set_), port=port, every=every)

    do(job, as_json=False)
