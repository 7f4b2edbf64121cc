"""Plain values between two processes that do not trust each other: JSON with tags, sized frames.

What JSON lacks is an object with a single key that starts with "$": tuples, sets, bytes, complex
and very large numbers, and dicts whose keys are not all plain strings. Nothing else crosses, so the
other side never gets an object that could compare equal to everything.
"""

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

_HEAD = 4
_LARGE = 1024  # bits; beyond some thousand digits Python refuses to read decimal numbers


class WireError(Exception):
    """A value that cannot be sent, or a frame that is not one."""


def dumps(value: Any, limit: int) -> bytes:
    """Write a value as one frame.

    Raises:
        WireError: If it holds anything but plain values, or is larger than `limit` bytes.
    """
    try:
        body = json.dumps(_tag(value)).encode()
    except RecursionError:
        raise WireError("the value is nested too deeply") from None
    if len(body) > limit:
        raise WireError(f"the value takes {len(body)} bytes, at most {limit} can be sent")
    return len(body).to_bytes(_HEAD, "big") + body


def loads(body: bytes) -> Any:
    """Read what `dumps` wrote, without its head.

    Raises:
        WireError: If it is anything else.
    """
    try:
        return json.loads(body, object_hook=_untag)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise WireError(f"not a value: {error}") from None


def send(channel: int, frame: bytes, deadline: float | None = None) -> None:
    """Write a whole frame. With a `deadline`, `channel` must not block.

    Raises:
        TimeoutError: At the deadline.
    """
    while frame:
        _wait(channel, select.POLLOUT, deadline)
        frame = frame[os.write(channel, frame) :]


def receive(channel: int, limit: int, deadline: float | None = None) -> bytes | None:
    """Read the body of one frame; `None` if the other side has ended.

    Args:
        channel: An open descriptor.
        limit: The most bytes that a body may have.
        deadline: When to give up, by `time.monotonic()`; `None` for never.

    Raises:
        TimeoutError: At the deadline.
        WireError: If a frame announces more than `limit` bytes.
    """
    head = _exactly(channel, _HEAD, deadline)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if size > limit:
        raise WireError(f"{size} bytes announced, at most {limit} can be read")
    return _exactly(channel, size, deadline)


def _exactly(channel: int, size: int, deadline: float | None) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        _wait(channel, select.POLLIN, deadline)
        try:
            piece = os.read(channel, size - len(found))
        except ConnectionError:
            return None
        if not piece:
            return None
        found += piece
    return bytes(found)


def _wait(channel: int, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(channel, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise TimeoutError


def _tag(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return {"$int": hex(value)} if value.bit_length() > _LARGE else int(value)
    if isinstance(value, list):
        return [_tag(item) for item in value]
    if isinstance(value, dict):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: _tag(item) for key, item in value.items()}
        return {"$dict": [[_tag(key), _tag(item)] for key, item in value.items()]}
    if isinstance(value, bytes | bytearray):
        return {f"${_kind(value)}": value.hex()}
    if isinstance(value, tuple | set | frozenset):
        return {f"${_kind(value)}": [_tag(item) for item in value]}
    if isinstance(value, complex):
        return {"$complex": [value.real, value.imag]}
    raise WireError(f"a value of type {type(value).__name__} cannot be sent; plain values can")


def _kind(value: object) -> str:
    kinds = (bytes, bytearray, tuple, set, frozenset)
    return next(kind.__name__ for kind in kinds if isinstance(value, kind))


_READERS: dict[str, Callable[[Any], Any]] = {
    "$int": lambda text: int(text, 16),
    "$dict": lambda items: {key: item for key, item in items},
    "$bytes": bytes.fromhex,
    "$bytearray": bytearray.fromhex,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$complex": lambda parts: complex(*parts),
}


def _untag(found: dict[str, Any]) -> Any:
    name = next(iter(found), "")
    if not name.startswith("$"):
        return found
    if len(found) != 1 or name not in _READERS:
        raise ValueError("an unknown tag")
    return _READERS[name](found[name])
