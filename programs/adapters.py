"""How prompts are written and answers read: DSPy's own adapters, without their repeated work."""

import weakref
from typing import Any, cast

import dspy


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

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChatFormat":
        return self


class SchemaFormat(dspy.JSONAdapter):
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


def _extra(field: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", field.json_schema_extra or {})


CHAT = ChatFormat()
SCHEMA = SchemaFormat()
