"""What a run has already paid for: finished episodes, one a line, appended and never rewritten."""

import json
import logging
import os
import re
import threading
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from ..optimizers.files import cut_torn_tail
from ..programs import Episode
from .errors import InputError
from .source import one_line

logger = logging.getLogger(__name__)

ENTRY = re.compile(rb'\{"key": ("(?:[^"\\]|\\.)*"), "episode": \{')
"""How a line begins: whose episode it is can be told without reading it."""


class Journal:
    """An append-only file of episodes by key. Survives `kill -9` between any two instructions.

    A torn last line, left by a crash in the middle of a write, is cut off; a damaged line elsewhere
    is skipped with a warning, and its episode will be run again from the cache of answers.

    Episodes stay in the file. What is held in memory is where each begins, some 250 bytes a key.

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
            self._file = self.path.open("a+b")
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
        # The background loop and the main thread both read and write.
        self._turn = threading.RLock()
        self._starts = self._scan()

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
        return len(self._starts)

    def __contains__(self, key: str) -> bool:
        return key in self._starts

    def get(self, key: str) -> Episode | None:
        """Return the episode kept under `key`; `None` if there is none, or its line is damaged."""
        with self._turn:
            if key not in self._starts:
                return None
            self._file.seek(self._starts[key])
            line = self._file.readline()
            try:
                entry = json.loads(line)
                if entry["key"] == key:
                    return Episode.model_validate(entry["episode"])
            except (ValueError, KeyError, TypeError):
                pass  # Like a line of another key: the file was changed under us.
            logger.warning("%s: the line of %s is damaged and skipped", self.path, key)
            del self._starts[key]
        return None

    def put(self, key: str, episode: Episode) -> None:
        """Keep an episode; it is on disk when this returns."""
        line = json.dumps({"key": key, "episode": episode.model_dump(mode="json")})
        with self._turn:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._starts[key] = start

    def close(self) -> None:
        """Close the file and let others at the folder."""
        try:
            self._file.close()
        finally:
            self._lock.release()

    def _scan(self) -> dict[str, int]:
        """Find where each episode begins, and cut off a torn tail."""
        if cut_torn_tail(self.path):
            logger.warning("%s: cut off a line that a crash left unfinished", self.path)
        starts: dict[str, int] = {}
        start = self._file.seek(0)
        for number, line in enumerate(self._file, 1):
            key = _key(line)
            if key is None:
                logger.warning("%s: line %d is damaged and skipped", self.path, number)
            else:
                starts[key] = start
            start += len(line)
        return starts


def _key(line: bytes) -> str | None:
    """Return whose episode a line holds; `None` if it is no whole line."""
    found = ENTRY.match(line) if line.endswith(b"}}\n") else None
    try:
        return found and json.loads(found[1])
    except ValueError:
        return None
