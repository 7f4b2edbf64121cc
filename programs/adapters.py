"""How prompts are written and answers read: DSPy's own adapters, without their repeated work."""

import json
import re
import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import dspy
from pydantic import TypeAdapter, ValidationError

from . import direct


class ChatFormat(dspy.ChatAdapter):
    """DSPy's chat format; the description of the fields is made once per signature.

    DSPy regenerates the JSON schema of the output types for every call, which is most of the time
    that a call with a pydantic output takes (`benchmarks/overhead.py`).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._described: weakref.WeakKeyDictionary[Any, tuple[Any, str]] = (
            weakref.WeakKeyDictionary()
        )

    async def acall(
        self,
        lm: dspy.BaseLM,
        lm_kwargs: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Ask once and, if the answer cannot be read, once in the JSON format."""
        if not (direct.fits(lm, self, lm_kwargs, signature) and _all_text(signature, inputs)):
            return await super().acall(lm, lm_kwargs, signature, demos, inputs)
        try:
            return [await self._said(lm, lm_kwargs, signature, demos, inputs)]
        except dspy.AdapterParseError:
            if not self.use_json_adapter_fallback:
                raise
            repair = self._make_json_adapter_fallback()
            return await repair.acall(lm, lm_kwargs, signature, demos, inputs)

    async def _said(
        self,
        lm: Any,
        options: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> dict[str, Any]:
        """Ask the short way, and read the answer."""
        messages = self.format_demos(signature, demos) if demos else []
        content = self.format_user_message_content(signature, inputs, main_request=True)
        messages.append({"role": "user", "content": content})
        text = await direct.asked(lm, self.format_system_message(signature), messages, options)
        if not text:
            raise dspy.AdapterParseError(
                adapter_name=type(self).__name__,
                signature=cast("Any", signature),
                lm_response=text,
                message="the answer is empty",
            )
        return self.parse(signature, text)

    def format_system_message(self, signature: type[dspy.Signature]) -> str:
        """Return the system message, remembered while the signature's text is unchanged."""
        key = (
            signature.__doc__,
            tuple(
                (name, _extra(field).get("desc"), _extra(field).get("constraints"))
                for name, field in signature.model_fields.items()
            ),
        )
        known = self._described.get(signature)
        if known is None or known[0] != key:
            known = (key, super().format_system_message(signature))
            self._described[signature] = known
        return known[1]

    def format_user_message_content(
        self,
        signature: type[dspy.Signature],
        inputs: dict[str, Any],
        prefix: str = "",
        suffix: str = "",
        main_request: bool = False,
    ) -> str:
        """Write the inputs down; texts and lists of texts without building a type for each."""
        parts = [prefix]
        for name, field in signature.input_fields.items():
            if name in inputs:
                shown = _plain_text(inputs[name], field.annotation)
                if shown is None:
                    return super().format_user_message_content(
                        signature, inputs, prefix, suffix, main_request
                    )
                parts.append(f"[[ ## {name} ## ]]\n{shown}")
        if main_request:
            parts.append(self.user_message_output_requirements(signature))
        return "\n\n".join([*parts, suffix]).strip()

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """Read an answer: at once if it is well-formed, with DSPy's tolerance if it is not."""
        quick = _well_formed(signature, completion)
        return _tolerant(super().parse, signature, completion) if quick is None else quick

    def _make_json_adapter_fallback(self) -> dspy.JSONAdapter:
        return JsonFormat()

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChatFormat":
        return self


class JsonFormat(dspy.JSONAdapter):
    """DSPy's JSON format; an answer that its parser breaks on is one that cannot be read."""

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """Read an answer."""
        return _tolerant(super().parse, signature, completion)


class SchemaFormat(JsonFormat):
    """One JSON object, constrained by the endpoint's grammar; the chat format is the repair."""

    async def acall(
        self,
        lm: dspy.BaseLM,
        lm_kwargs: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Ask once under the schema and, if the answer cannot be read, once in the chat format."""
        try:
            return await super().acall(lm, dict(lm_kwargs), signature, demos, inputs)
        except dspy.AdapterParseError:
            repair = ChatFormat(use_json_adapter_fallback=False)
            return await repair.acall(lm, dict(lm_kwargs), signature, demos, inputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> "SchemaFormat":
        return self


Parse = Callable[[type[dspy.Signature], str], dict[str, Any]]


def _tolerant(parse: Parse, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
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


def _plain_text(value: Any, annotation: Any) -> str | None:
    """Write a text or a list of texts as DSPy does; `None` for anything else."""
    if type(value) is str:
        return value
    if annotation is not str and type(value) is list and all(type(one) is str for one in value):
        return json.dumps(value, ensure_ascii=False)
    return None


def _all_text(signature: Any, inputs: dict[str, Any]) -> bool:
    """Tell whether all inputs are there, as texts or lists of texts."""
    fields = signature.input_fields
    return fields.keys() == inputs.keys() and all(
        _plain_text(value, fields[name].annotation) is not None for name, value in inputs.items()
    )


_HEADER = re.compile(r"^\[\[ ## (\w+) ## \]\]$", re.MULTILINE)


def _well_formed(signature: type[dspy.Signature], completion: str) -> dict[str, Any] | None:
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


@lru_cache(maxsize=256)
def _validator(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _extra(field: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", field.json_schema_extra or {})


CHAT = ChatFormat()
SCHEMA = SchemaFormat()
