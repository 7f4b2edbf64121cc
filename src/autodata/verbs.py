"""What all verbs of the command line share: configuration in; an answer and an exit code out."""

import json
import sqlite3
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .experiments.config import ExperimentConfig


def configured(
    name: str, overrides: list[str] | None, budget: str | None = None
) -> "ExperimentConfig":
    """Read a configuration, with what the command line sets in it."""
    from .experiments.config import load_config

    more = [] if budget is None else [f"budget={json.dumps(budget)}"]
    return load_config(name, [*(overrides or []), *more])


def do(job: Callable[[], int], as_json: bool) -> NoReturn:
    """Do a verb's job and turn what may go wrong into a line and an exit code."""
    from .experiments.errors import InputError

    try:
        code = job()
    except InputError as error:
        fail(str(error), as_json)
        code = 2
    except (RuntimeError, OSError, sqlite3.Error) as error:
        fail(f"failed: {error}", as_json)
        code = 1
    except KeyboardInterrupt:
        fail("interrupted: run the same command again to go on; nothing finished is lost", as_json)
        code = 1
    sys.stdout.flush()
    raise SystemExit(code)


def judged(problem: str) -> int:
    """Return the exit code of a job whose answer has been printed."""
    if problem:
        fail(f"failed: {problem}", as_json=False)
    return 1 if problem else 0


def fail(message: str, as_json: bool) -> None:
    """Say in one line what went wrong."""
    line = " ".join(message.split())
    if as_json:
        print(json.dumps({"error": line}))
    print(f"autodata: {line}", file=sys.stderr)


def print_json(found: "BaseModel", **more: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps({**found.model_dump(mode="json"), **more}))
