"""What a search's leader lets its workers know: attributes of a study that has no trials."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from ..files import write_whole
from ..options import SearchOptions

SEARCHING, ENDED = "searching", "ended"
"""What a leader is doing."""
GENERATION = "generation"
"""Number of the generation that is measured; its study shows the space."""

WAITED = 30.0
"""Seconds between two lines that say what is waited for."""


class Board:
    """The leader's announcements. Names begin with the run's, so that runs share a database.

    Args:
        storage: Where the studies are.
        run: The run's name.
        make: Whether to make it if there is none.

    Raises:
        KeyError: If there is none and it is not to be made.
    """

    def __init__(self, storage: BaseStorage, run: str, *, make: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if make:
            self._study = optuna.create_study(
                study_name=run, storage=storage, load_if_exists=True, direction="maximize"
            )
        else:
            self._study = optuna.load_study(study_name=run, storage=storage)
        self._run = run
        self.write: Callable[[str, Any], None] = self._study.set_user_attr

    def claim(self, folder: Path) -> None:
        """Make the run's folder the one that leads this search.

        Raises:
            RuntimeError: If another folder's run has the same name in the same database.
        """
        file = folder / "study.id"
        if not file.exists():
            write_whole(file, uuid.uuid4().hex)
        own = file.read_text()
        if self._study.user_attrs.get("folder", own) != own:
            raise RuntimeError(
                f"search.storage: has a run {self._run!r} that another folder began; choose "
                "another name with --set run=NAME"
            )
        self.write("folder", own)

    def open(self, options: SearchOptions, seed: int, kin: str) -> None:
        """Say that a search is under way, and what it is like. No address is told."""
        self.write("options", options.model_dump_json(exclude={"storage"}))
        self.write("seed", seed)
        self.write("kin", kin)
        self.write(GENERATION, None)
        self.write("beat", time.time())
        self.write("state", SEARCHING)

    def close(self) -> None:
        """Say that there is nothing more to do."""
        self.write("state", ENDED)

    def read(self) -> dict[str, Any]:
        """Return all announcements."""
        return self._study.user_attrs


def generation_name(run: str, generation: int) -> str:
    """Return the name of a generation's study."""
    return f"{run}-{generation}"
