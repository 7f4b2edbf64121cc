"""Says in one line what is wrong with a configuration: where, the rule, and the nearest remedy."""

import difflib
import types
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError


def explained(error: ValidationError, model: type[BaseModel]) -> str:
    """Say the first fault of a configuration in one line.

    Args:
        error: What pydantic found.
        model: The configuration's class, to name known keys.
    """
    errors = error.errors(include_url=False)
    # A misspelt key is often also a missing one; the spelling is the fault to show.
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    path = [str(part) for part in first["loc"] if part != "rules"]
    if first["type"] == "extra_forbidden":
        return unknown_key(".".join(path), path[-1], _known(model, path[:-1]))
    message = str(first["msg"]).removeprefix("Value error, ")
    where = ".".join(path)
    return f"{where}: {message}{_got(first.get('input'))}" if where else message


def _got(given: object) -> str:
    """Quote what was given, unless it is long or may be an address: those hold passwords."""
    text = repr(given)
    if isinstance(given, dict | BaseModel) or "@" in text or ":/" in text:
        return ""
    return f" (got {text:.80})"


def unknown_key(where: str, key: str, known: Sequence[str]) -> str:
    """Refuse a key, naming the nearest one that is known."""
    near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
    return f"{where}: unknown key; {hint}"


def _known(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the keys that are allowed at a place of the configuration."""
    for part in path:
        inner = [model] if part not in model.model_fields else _models(model, part)
        if inner:
            model = inner[0]
    return list(model.model_fields)


def _models(model: type[BaseModel], name: str) -> list[type[BaseModel]]:
    return list(_walk(model.model_fields[name].annotation))


def _walk(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
    elif get_origin(annotation) is not None:
        for argument in get_args(annotation):
            yield from _walk(argument)
