"""How prompts are written and answers read: DSPy's own adapters, without their repeated work."""

import json
import weakref
from collections.abc import Callable
from typing import Any, cast

import dspy
import dspy.lm15 as lm15

from . import direct
from .parsing import tolerant, well_formed, whole_object


class _Short:
    """What our formats share: texts that are made once, and the short way to a model.

    It stands before an adapter of DSPy's among the bases. It is none itself: DSPy gives every
    adapter a `parse` of its own, which would hide the other base's.

    DSPy regenerates the JSON schema of the output types for every call, which is most of the time
    that a call with a pydantic output takes (`benchmarks/overhead.py`).
    """

    parse: Callable[[type[dspy.Signature], str], dict[str, Any]]
    format_demos: Callable[..., list[dict[str, Any]]]
    user_message_output_requirements: Callable[[type[dspy.Signature]], str]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._described: weakref.WeakKeyDictionary[Any, tuple[Any, str]] = (
            weakref.WeakKeyDictionary()
        )

    def fits(self, lm: Any, options: dict[str, Any], signature: Any, inputs: Any) -> bool:
        """Tell whether a call may go the short way."""
        return direct.fits(lm, cast("Any", self), options, signature) and _all_text(
            signature, inputs
        )

    async def said(
        self,
        lm: Any,
        options: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
        form: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask the short way, and read the answer.

        Args:
            lm: A model that `fits`, like all that follows.
            options: Sampling that differs from the model's own.
            signature: What to ask for.
            demos: Examples.
            inputs: A text for each input field.
            form: The form of the answer, as a server takes it.

        Raises:
            dspy.AdapterParseError: If the answer cannot be read.
            dspy.LMError: If there is none.
        """
        messages = self.format_demos(signature, demos) if demos else []
        content = self.format_user_message_content(signature, inputs, main_request=True)
        messages.append({"role": "user", "content": content})
        system = self.format_system_message(signature)
        text = await direct.asked(lm, system, messages, options, form)
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
            known = (key, cast("Any", super()).format_system_message(signature))
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
                    return cast("Any", super()).format_user_message_content(
                        signature, inputs, prefix, suffix, main_request
                    )
                parts.append(f"[[ ## {name} ## ]]\n{shown}")
        if main_request:
            parts.append(self.user_message_output_requirements(signature))
        return "\n\n".join([*parts, suffix]).strip()

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Short":
        return self


class ChatFormat(_Short, dspy.ChatAdapter):
    """DSPy's chat format; its JSON format is the repair."""

    async def acall(
        self,
        lm: dspy.BaseLM,
        lm_kwargs: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dict[str, Any]],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Ask once and, if the answer cannot be read, once in the JSON format."""
        if not self.fits(lm, lm_kwargs, signature, inputs):
            return await super().acall(lm, lm_kwargs, signature, demos, inputs)
        try:
            return [await self.said(lm, lm_kwargs, signature, demos, inputs)]
        except dspy.AdapterParseError:
            if not self.use_json_adapter_fallback:
                raise
            repair = self._make_json_adapter_fallback()
            return await repair.acall(lm, lm_kwargs, signature, demos, inputs)

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """Read an answer: at once if it is well-formed, with DSPy's tolerance if it is not."""
        quick = well_formed(signature, completion)
        return tolerant(super().parse, signature, completion) if quick is None else quick

    def _make_json_adapter_fallback(self) -> dspy.JSONAdapter:
        return JsonFormat()


class JsonFormat(dspy.JSONAdapter):
    """DSPy's JSON format; an answer that its parser breaks on is one that cannot be read."""

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """Read an answer."""
        quick = whole_object(signature, completion)
        return tolerant(super().parse, signature, completion) if quick is None else quick


class SchemaFormat(_Short, JsonFormat):
    """One JSON object, constrained by the endpoint's grammar; the chat format is the repair."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()

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
            if not self.fits(lm, lm_kwargs, signature, inputs):
                return await super().acall(lm, dict(lm_kwargs), signature, demos, inputs)
            form = await self._form(signature, inputs)
            return [await self.said(lm, lm_kwargs, signature, demos, inputs, form)]
        except dspy.AdapterParseError:
            repair = ChatFormat(use_json_adapter_fallback=False)
            return await repair.acall(lm, dict(lm_kwargs), signature, demos, inputs)

    async def _form(
        self, signature: type[dspy.Signature], inputs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the form that DSPy asks for, which it says once to a model that listens."""
        form = self._forms.get(signature)
        if form is None:
            listener = _AsyncListener()
            lm = dspy.LM("listener", engine=_Listener(), async_engine=listener, cache=False)
            try:
                await super().acall(lm, {}, signature, [], inputs)
            except dspy.AdapterParseError:
                form = self._forms[signature] = listener.form
        assert form is not None
        return form


class _Listener:
    """An engine that remembers the form of the answer that it is asked for, and gives none."""

    supports_function_calling = False
    supports_reasoning = False
    supports_response_schema = True
    supported_params = frozenset({"response_format"})

    def __init__(self) -> None:
        self.form: dict[str, Any] = {}

    def complete(self, request: lm15.Request) -> lm15.Response:
        self.form = request.config.response_format or {}
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(""),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=0, output_tokens=0),
        )


class _AsyncListener(_Listener):
    async def complete(self, request: lm15.Request) -> lm15.Response:  # type: ignore[override]
        return super().complete(request)


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


def _extra(field: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", field.json_schema_extra or {})


CHAT = ChatFormat()
SCHEMA = SchemaFormat()
