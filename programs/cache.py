"""Finished answers of models on disk, so that nothing is paid for twice."""

import hashlib
import json
import sqlite3
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypedDict

import diskcache
from dspy.lm15 import Message, Request, Response, Usage


class Entry(TypedDict):
    """What is kept of an answer: plain data, never a pickle."""

    text: str
    model: str
    finish_reason: Any
    input_tokens: int
    output_tokens: int


class TextDisk(diskcache.Disk):
    """Stores text as it is and refuses everything that would have to be unpickled."""

    def fetch(self, mode: int, filename: str, value: Any, read: bool) -> Any:
        """Return a kept text; `None` for a pickle, which nothing here has written."""
        return (
            None
            if mode == diskcache.core.MODE_PICKLE
            else super().fetch(mode, filename, value, read)
        )


class AnswerCache:
    """A folder of answers, shared by all runs and processes that are given the same path.

    The key covers the endpoint, the whole request and the sample (`usage.sample`), so that two
    servers with a model of the same name, and two attempts at one task, stay apart.

    Args:
        path: Folder, made if missing.
        gigabytes: Upper limit of its size; the oldest answers go first.

    Raises:
        ValueError: If the folder cannot be used.
    """

    def __init__(self, path: Path, *, gigabytes: float = 10.0) -> None:
        size = int(gigabytes * 2**30)
        try:
            # The size is looked at here, once, and not with every answer.
            self._store = diskcache.Cache(
                str(path), disk=TextDisk, size_limit=size, cull_limit=0, disk_min_file_size=2**20
            )
            if self._store.volume() > size:
                self._store.cull()
        except (OSError, sqlite3.Error) as error:
            raise ValueError(
                f"cache={str(path)!r}: {error}; name a folder that can be written, or delete it"
            ) from error

    def get(self, key: str) -> Response | None:
        """Return the answer kept under `key`, or `None`."""
        text = self._store.get(key)
        if not isinstance(text, str):
            return None
        entry: Entry = json.loads(text)
        return Response(
            id=None,
            model=entry["model"],
            message=Message.assistant(entry["text"]),
            finish_reason=entry["finish_reason"],
            usage=Usage(input_tokens=entry["input_tokens"], output_tokens=entry["output_tokens"]),
        )

    def put(self, key: str, response: Response) -> None:
        """Keep an answer; it is on disk when this returns."""
        entry: Entry = {
            "text": response.message.text or "",
            "model": response.model,
            "finish_reason": response.finish_reason,
            "input_tokens": response.usage.input_tokens or 0,
            "output_tokens": response.usage.output_tokens or 0,
        }
        self._store.set(key, json.dumps(entry))

    def close(self) -> None:
        """Close the files."""
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
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
