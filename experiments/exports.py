"""Writing the program of any trial, after the fact."""

import json
from pathlib import Path
from typing import Any

from ..optimizers import Candidate
from .compiled import load_manifest, save_compiled
from .config import load_config
from .errors import InputError
from .source import one_line


def export_trial(run: Path, to: Path, number: int | None) -> dict[str, Any]:
    """Write a trial's program as a compiled folder.

    Args:
        run: Folder of a finished run.
        to: Folder to write; it must be empty or not exist.
        number: Number of the trial; the winner if absent.

    Returns:
        What was written: `program`, `trial` and `candidate`.

    Raises:
        InputError: If the run, the trial or the folder cannot be used.
    """
    listing = run / "trials.json"
    if not listing.is_file():
        raise InputError(
            f"{run}: no finished run (trials.json is missing); give a folder that `autodata "
            "optimize` has finished"
        )
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise InputError(f"{to}: exists already; choose an empty folder with --to")
    candidates = _candidates(listing)
    manifest = load_manifest(run / "compiled")
    won = next((n for n, one in candidates.items() if one.id == manifest.candidate), None)
    chosen = won if number is None else number
    if chosen is None:
        raise InputError(f"{run}: compiled/ holds none of its trials; name one with --trial")
    if chosen not in candidates:
        raise InputError(f"--trial {chosen}: the run has trials 0 to {max(candidates)}")
    config = load_config(str(run / "config.toml"))
    save_compiled(
        to,
        candidates[chosen],
        config,
        metrics=manifest.metrics if chosen == won else {},
        mlflow=manifest.mlflow,
    )
    return {"program": str(to), "trial": chosen, "candidate": candidates[chosen].id}


def _candidates(listing: Path) -> dict[int, Candidate]:
    """Read every trial's candidate."""
    try:
        trials = json.loads(listing.read_bytes())
        found = {one["number"]: Candidate.model_validate(one["candidate"]) for one in trials}
        if not found:
            raise ValueError("it lists no trial")
        return found
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{listing}: damaged ({one_line(error)}); run `autodata optimize` again, which writes "
            "it from what is kept"
        ) from None
