"""Finished answers of models on disk, so that nothing is paid for twice."""

import hashlib
import json
import sqlite3
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

import diskcache
from dspy.lm15 import Message, Request, Response, Usage


class Entry(TypedDict):
    """What is kept of an answer: plain data, never a pickle."""

    text: str
    model: str
    finish_reason: Any
    input_tokens: int
    output_tokens: int


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
            self._store = diskcache.Cache(str(path), disk=diskcache.JSONDisk, size_limit=size)
        except (OSError, sqlite3.Error) as error:
            raise ValueError(
                f"cache={str(path)!r}: {error}; name a folder that can be written, or delete it"
            ) from error

    def get(self, key: str) -> Response | None:
        """Return the answer kept under `key`, or `None`."""
        entry = cast("Entry | None", self._store.get(key))
        if entry is None:
            return None
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
        self._store.set(key, entry)

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
