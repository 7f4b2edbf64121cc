"""The short way from a prompt to an answer, for calls that need nothing but text and sampling.

DSPy's own way serves every provider, cache, callback and stream; it takes more CPU time than all
the rest of a call (`benchmarks/loop.py`). A call that uses none of these can do without it. Any
other goes DSPy's way: where somebody listens (callbacks, as MLflow's tracing has them), where the
history or usage is recorded, where types are not plain. Only public names of DSPy are used.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

import dspy
import dspy.lm15 as lm15

_TRACE = dspy.settings.trace
SAMPLING = {"temperature", "top_p", "max_tokens"}
_ERRORS: tuple[tuple[type[lm15.LM15Error], Any], ...] = (
    (lm15.ContextLengthError, dspy.ContextWindowExceededError),
    (lm15.AuthError, dspy.LMAuthError),
    (lm15.BillingError, dspy.LMBillingError),
    (lm15.RateLimitError, dspy.LMRateLimitError),
    (lm15.UnsupportedModelError, dspy.LMUnsupportedModelError),
    (lm15.InvalidRequestError, dspy.LMInvalidRequestError),
    (lm15.TimeoutError, dspy.LMTimeoutError),
    (lm15.ServerError, dspy.LMServerError),
    (lm15.TransportError, dspy.LMTransportError),
    (lm15.ProviderError, dspy.LMProviderError),
)
"""What DSPy makes of an engine's error; of several that fit, the first."""


def fits(lm: Any, adapter: dspy.Adapter, options: Mapping[str, Any], signature: Any) -> bool:
    """Tell whether a call may go the short way: the model has an `answer` for requests."""
    settings = dspy.settings
    return (
        hasattr(lm, "answer")
        and {*options, *getattr(lm, "kwargs", ())} <= {*SAMPLING, "rollout_id"}
        and "rollout_id" not in options
        and settings.disable_history
        and not (settings.callbacks or adapter.callbacks or getattr(lm, "callbacks", None))
        and settings.send_stream is None
        and not settings.usage_tracker
        and _plain(signature)
    )


def unheard(module: dspy.Module) -> bool:
    """Tell whether nobody wants to know when a module is called."""
    return not (dspy.settings.callbacks or module.callbacks or dspy.settings.track_usage)


def unwatched(predict: dspy.Predict) -> bool:
    """Tell whether a predictor only has to ask: nobody traces it, and it has no options.

    An optimizer traces into a list of its own. DSPy's default is a list as well, which nobody reads
    and which would keep the last 10,000 prompts.
    """
    return (
        type(predict) is dspy.Predict
        and predict.lm is None
        and not predict.config
        and dspy.settings.trace is _TRACE
    )


async def asked(
    lm: Any,
    system: str,
    messages: list[dict[str, Any]],
    options: Mapping[str, Any],
    form: dict[str, Any] | None = None,
) -> str:
    """Send one prompt and return the text of the answer.

    Args:
        lm: A model that `fits`.
        system: The system message.
        messages: What follows it, as `role` and `content`.
        options: Sampling that differs from the model's own.
        form: The form of the answer, if the endpoint is to keep it to one.

    Raises:
        dspy.LMError: If there is no answer.
    """
    sampling = {**lm.kwargs, **options}
    request = lm15.Request(
        model=lm.model,
        system=system,
        messages=tuple(_message(one) for one in messages),
        config=lm15.Config(
            temperature=sampling.get("temperature"),
            top_p=sampling.get("top_p"),
            max_tokens=sampling.get("max_tokens"),
            response_format=form,
        ),
    )
    try:
        response = await lm.answer(request)
    except lm15.LM15Error as error:
        raise _as_dspy(error, lm.model) from error
    return response.message.text or ""


def _message(one: Mapping[str, Any]) -> lm15.Message:
    write = lm15.Message.user if one["role"] == "user" else lm15.Message.assistant
    return write(one["content"])


@lru_cache(maxsize=1024)
def _plain(signature: Any) -> bool:
    """Tell whether all fields are there to be written and read as text, and must be."""
    fields = [*signature.input_fields.values(), *signature.output_fields.values()]
    return not any(_special(field.annotation) for field in fields) and all(
        field.is_required() and type(None) not in get_args(field.annotation)
        for field in signature.output_fields.values()
    )


def _special(annotation: Any) -> bool:
    """Tell whether a type is one of DSPy's own, which it does not just write down."""
    if any(_special(part) for part in get_args(annotation)):
        return True
    return isinstance(annotation, type) and issubclass(annotation, dspy.Type | dspy.History)


def _as_dspy(error: lm15.LM15Error, model: str) -> Exception:
    kind = next((to for of, to in _ERRORS if isinstance(error, of)), dspy.LMProviderError)
    return kind(
        message=error.message,
        model=model,
        provider=error.provider,
        provider_code=error.provider_code,
        status=error.status,
        request_id=error.request_id,
        retry_after=error.retry_after,
    )
