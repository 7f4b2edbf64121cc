"""Keeps keys out of configurations, which are logged as written."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..programs import ModelConfig

_SECRET = re.compile(r"(^|[_-])(api[_-]?key|key|token|secret|password|authorization)$", re.I)


def refuse_secrets(role: str, model: ModelConfig) -> None:
    """Raise a ValueError that names the remedy if a model's settings hold something like a key."""
    why = "and configurations are logged; name an environment variable in api_key_env instead"
    for name in _names(model.extra):
        if _SECRET.search(name.rpartition(".")[2]):
            raise ValueError(f"models.{role}.extra.{name} looks like a secret, {why}")
    if model.api_base is None:
        return
    parts = urlsplit(model.api_base)
    if parts.username or parts.password or any(map(_SECRET.search, parse_qs(parts.query))):
        raise ValueError(f"models.{role}.api_base holds a password or key, {why}")


def _names(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of all keys, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}{key}"
            yield from _names(inner, f"{path}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner, path)
