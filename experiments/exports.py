"""Writing the program of any trial, after the fact."""

import json
from pathlib import Path
from typing import Any

from ..optimizers import Candidate
from .compiled import load_manifest, save_compiled
from .config import load_config
from .errors import InputError


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
    trials = {trial["number"]: trial for trial in json.loads(listing.read_text())}
    manifest = load_manifest(run / "compiled")
    candidates = {n: Candidate.model_validate(t["candidate"]) for n, t in trials.items()}
    won = next(n for n, candidate in candidates.items() if candidate.id == manifest.candidate)
    chosen = won if number is None else number
    if chosen not in trials:
        raise InputError(f"--trial {chosen}: the run has trials 0 to {max(trials)}")
    config = load_config(str(run / "config.toml"))
    save_compiled(
        to,
        candidates[chosen],
        config,
        metrics=manifest.metrics if chosen == won else {},
        mlflow=manifest.mlflow,
    )
    return {"program": str(to), "trial": chosen, "candidate": candidates[chosen].id}
