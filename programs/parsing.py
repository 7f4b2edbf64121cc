"""Answers read at once where they are well-formed; DSPy's tolerant parsers read all others."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import dspy
import orjson
from pydantic import TypeAdapter, ValidationError

Parse = Callable[[type[dspy.Signature], str], dict[str, Any]]

_HEADER = re.compile(r"^\[\[ ## (\w+) ## \]\]$", re.MULTILINE)


def well_formed(signature: type[dspy.Signature], completion: str) -> dict[str, Any] | None:
    """Read an answer that has each field once, under a header of its own, as text or valid JSON.

    Returns what DSPy's parser returns for such an answer, and `None` for any other.
    """
    _, *parts = _HEADER.split("\n".join(completion.splitlines()))
    names, texts = parts[::2], parts[1::2]
    if len(set(names)) != len(names) or completion.count("[[ ##") != len(names):
        return None
    found, values = dict(zip(names, texts, strict=True)), {}
    for name, field in signature.output_fields.items():
        if name not in found:
            return None
        text = found[name].strip()
        if field.annotation is str:
            values[name] = text
            continue
        try:
            values[name] = _validator(field.annotation).validate_json(text)
        except ValidationError:
            return None
    return values


def whole_object(signature: type[dspy.Signature], completion: str) -> dict[str, Any] | None:
    """Read an answer that is one JSON object with all fields, as texts, lists or objects.

    Returns what DSPy's parser returns for such an answer, and `None` for any other.
    """
    try:
        found = orjson.loads(completion)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or found.keys() != signature.output_fields.keys():
        return None
    values: dict[str, Any] = {}
    for name, field in signature.output_fields.items():
        value = found[name]
        if isinstance(value, str) and field.annotation is str:
            values[name] = value
            continue
        if not isinstance(value, dict | list) or field.annotation is str:
            return None
        try:
            values[name] = _validator(field.annotation).validate_python(value)
        except ValidationError:
            return None
    return values


def tolerant(parse: Parse, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
    """Read an answer with a parser of DSPy's.

    A model that runs on leaves thousands of brackets or digits, which Python's JSON refuses by
    errors that DSPy lets through.
    """
    try:
        return parse(signature, completion)
    except dspy.AdapterParseError:
        raise
    except (RecursionError, ValueError) as error:
        raise dspy.AdapterParseError(
            adapter_name="JSON",
            signature=cast("Any", signature),
            lm_response=completion,
            message=f"{type(error).__name__}: {error}",
        ) from None


@lru_cache(maxsize=256)
def _validator(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
