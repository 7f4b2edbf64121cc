"""What a run has already paid for: finished episodes, one a line, appended and never rewritten."""

import json
import logging
import os
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from ..optimizers.files import cut_torn_tail
from ..programs import Episode, Usage
from .errors import InputError
from .source import one_line

logger = logging.getLogger(__name__)


class Journal:
    """An append-only file of episodes by key. Survives `kill -9` between any two instructions.

    A torn last line, left by a crash in the middle of a write, is cut off; a damaged line elsewhere
    is skipped with a warning, and its episode will be run again from the cache of answers.

    Only one process at a time may hold a run's folder.

    Raises:
        InputError: If another process holds the folder, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self._lock = FileLock(folder / ".lock", thread_local=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self._file = self.path.open("ab")
        except Timeout:
            raise InputError(
                f"{folder}: another process is working on this run; wait for it or choose another "
                "name with --set run=NAME"
            ) from None
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be written ({one_line(error)}); choose another folder with "
                "--set runs=FOLDER"
            ) from None
        self._episodes = self._read()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._episodes)

    @property
    def usage(self) -> Usage:
        """Everything that the kept episodes asked of models."""
        return sum((episode.usage for episode in self._episodes.values()), Usage())

    def get(self, key: str) -> Episode | None:
        """Return the episode kept under `key`, or `None`."""
        return self._episodes.get(key)

    def put(self, key: str, episode: Episode) -> None:
        """Keep an episode; it is on disk when this returns."""
        line = json.dumps({"key": key, "episode": episode.model_dump(mode="json")})
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._episodes[key] = episode

    def close(self) -> None:
        """Close the file and let others at the folder."""
        try:
            self._file.close()
        finally:
            self._lock.release()

    def _read(self) -> dict[str, Episode]:
        """Read what is kept, and cut off a torn tail."""
        if cut_torn_tail(self.path):
            logger.warning("%s: cut off a line that a crash left unfinished", self.path)
        episodes: dict[str, Episode] = {}
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                entry = json.loads(line)
                episodes[entry["key"]] = Episode.model_validate(entry["episode"])
            except (ValueError, KeyError, TypeError):
                logger.warning("%s: line %d is damaged and skipped", self.path, number)
        return episodes
