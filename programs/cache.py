"""Finished answers of models on disk, so that nothing is paid for twice."""

import hashlib
import sqlite3
import threading
import time
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from dspy.lm15 import Message, Request, Response, Usage

_TABLES = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    answer TEXT NOT NULL,
    at REAL NOT NULL
);
"""
_OLDEST = """
DELETE FROM answers WHERE number IN (
    SELECT number FROM (
        SELECT number, SUM(LENGTH(CAST(answer AS BLOB)) + ?) OVER (ORDER BY number DESC) AS newer
        FROM answers
    ) WHERE newer > ?
)
"""
_KEPT = """
SELECT endpoint, COUNT(*), SUM(LENGTH(CAST(answer AS BLOB)) + ?), MIN(at), MAX(at)
FROM answers GROUP BY endpoint ORDER BY 3 DESC, 1
"""
_PUT = "INSERT OR REPLACE INTO answers (key, endpoint, answer, at) VALUES (?, ?, ?, ?)"
_BESIDE = 200
"""Bytes that an answer takes beside its text, about."""


class Kept(NamedTuple):
    """What is kept of one endpoint."""

    endpoint: str
    answers: int
    bytes: int
    first: float
    """When the oldest answer was kept, in seconds since 1970."""
    last: float
    """When the newest one was."""


class AnswerCache:
    """A folder of answers, shared by all runs and processes that are given the same path.

    The key covers the endpoint, the whole request and the sample (`usage.sample`), so that two
    servers with a model of the same name, and two attempts at one task, stay apart. Answers are
    plain data in SQLite; `diskcache` took four times the time (`benchmarks/overhead.py`).

    Args:
        path: Folder, made if missing.
        gigabytes: Upper limit of its size; the oldest answers go first.

    Raises:
        ValueError: If the folder cannot be used.
    """

    def __init__(self, path: Path, *, gigabytes: float = 10.0) -> None:
        self.path, self._lock = path, threading.Lock()
        try:
            path.mkdir(parents=True, exist_ok=True)
            # Whoever waits for another process does so for a minute.
            self._store = sqlite3.connect(
                path / "answers.db", timeout=60, isolation_level=None, check_same_thread=False
            )
            self._store.executescript(_TABLES)
            # The size is looked at here, once, and not with every answer.
            if sum(one.bytes for one in self.kept()) > gigabytes * 2**30:
                self.prune(int(gigabytes * 2**30))
        except (OSError, sqlite3.Error) as error:
            raise ValueError(
                f"cache={str(path)!r}: {error}; name a folder that can be written, or delete it"
            ) from error

    def get(self, key: str) -> Response | None:
        """Return the answer kept under `key`, or `None`."""
        with self._lock:
            found = self._store.execute("SELECT answer FROM answers WHERE key = ?", (key,))
            row = found.fetchone()
        if row is None:
            return None
        text, model, finish_reason, input_tokens, output_tokens = orjson.loads(row[0])
        return Response(
            id=None,
            model=model,
            message=Message.assistant(text),
            finish_reason=finish_reason,
            usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens),
        )

    def put(self, key: str, response: Response, endpoint: str = "") -> None:
        """Keep an answer; a killed process does not lose it when this has returned.

        Raises:
            OSError: If it cannot be written.
        """
        usage = response.usage
        entry = (
            response.message.text or "",
            response.model,
            response.finish_reason,
            usage.input_tokens or 0,
            usage.output_tokens or 0,
        )
        row = key, endpoint, orjson.dumps(entry).decode(), time.time()
        try:
            with self._lock:
                self._store.execute(_PUT, row)
        except sqlite3.Error as error:
            raise OSError(
                f"{self.path}: an answer cannot be kept ({error}); make room, and run the same "
                "command again"
            ) from error

    def kept(self) -> list[Kept]:
        """Return what is kept, by endpoint, the largest first."""
        with self._lock:
            return [Kept(*row) for row in self._store.execute(_KEPT, (_BESIDE,))]

    def prune(self, size: int) -> int:
        """Remove the oldest answers until those that are left take `size` bytes at most.

        Returns:
            How many were removed.
        """
        with self._lock:
            removed = self._store.execute(_OLDEST, (_BESIDE, size)).rowcount
            # A script, as a single statement would free one page.
            self._store.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._store.close()


def cache_key(endpoint: str, request: Request, rollout: str) -> str:
    """Return the name of a request's answer: a hash of everything that decides it."""
    messages = [(message.role, message.text or message.parts) for message in request.messages]
    config = {
        field.name: value
        for field in fields(request.config)
        if (value := getattr(request.config, field.name)) is not None
    }
    parts = [endpoint, request.model, request.system, messages, request.tools, config, rollout]
    written = orjson.dumps(parts, default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(written).hexdigest()


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
