"""The options of the command line that are long to say, or that several verbs have."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A TOML file, or a preset: demo, research, legal, scientific, code.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one value of the configuration, such as search.trials=40. Repeatable.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
]
Budget = Annotated[
    str | None,
    typer.Option(help="End in time: 5usd, 2Mtok, 2000calls, 30min, or several with commas."),
]
Workers = Annotated[
    int,
    typer.Option(min=1, help="Processes that measure trials (docs/workers.md)."),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="local|ray", help="Where documents are worked on: here, or over a Ray cluster."
    ),
]
RayWorkers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes of the Ray cluster; one for each node."),
]
Compiled = Annotated[
    Path | None,
    typer.Option(help="Folder of a compiled program; the shipped prompts without it."),
]
Calibrate = Annotated[
    bool,
    typer.Option("--calibrate", help="Measure a gate for your own pair of solvers as well."),
]
Calibrated = Annotated[
    int | None,
    typer.Option("--documents", min=4, help="Calibrate on so many documents; 8 without it."),
]
Methods = Annotated[
    str,
    typer.Option(
        help="Names with commas between them: self-instruct, grounded, cot, self-challenging, "
        "best-of-n, agentic. The first is what the others are compared with."
    ),
]
Compared = Annotated[
    int | None,
    typer.Option("--documents", min=1, help="Compare on so many documents, drawn at random."),
]
Calls = Annotated[
    int | None,
    typer.Option(
        min=1, help="Model calls per document for best-of-n; as many as agentic made without it."
    ),
]
