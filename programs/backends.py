"""Who answers a request: a provider or server over HTTP, LiteLLM, or an offline model."""

import asyncio
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import dspy.lm15 as lm15
from dspy.clients.engines import AsyncLiteLLMEngine
from dspy.clients.engines.base import validate_request

from .chat_server import LONGEST_PAUSE, ChatServerBackend
from .endpoint import Backend, ModelConfig


def backend_for(config: ModelConfig) -> Backend:
    """Return what answers for a configuration. No request is sent.

    Raises:
        ValueError: If the model string is unknown, its key is not set, or `extra` holds a field
            that is not the caller's to set.
    """
    if config.api_key_env is not None and not os.environ.get(config.api_key_env):
        raise ValueError(
            f"api_key_env={config.api_key_env!r}: this environment variable is not set; export it "
            "or name another one"
        )
    if config.several and config.api_base is None:
        raise ValueError(
            f"several=true: model={config.model!r} has no api_base, and only a server at an "
            "address of its own is asked for several answers at once; remove it"
        )
    if config.model.startswith("simulation/"):
        from .simulation import SimulatedModel

        return SimulatedBackend(SimulatedModel(config.model.partition("/")[2], config.extra))
    _check_extra(config)
    if config.api_base is not None:
        return ChatServerBackend(config)
    try:
        return NativeBackend(config)
    except lm15.NotConfiguredError as error:
        names = " or ".join(error.env_keys)
        problem = error.message.partition("\n")[0]
        if names:
            problem = f"no API key; export {names}, or name another variable in api_key_env"
        raise ValueError(f"model={config.model!r}: {problem}") from error
    except (lm15.UnknownModelError, lm15.UnsupportedFeatureError):
        return LiteLLMBackend(config)


def _check_extra(config: ModelConfig) -> None:
    """Refuse fields of the body that DSPy or this package sets, before anything runs."""
    settings = lm15.Config(extensions=config.extra or None)
    probe = lm15.Request(model=config.model, messages=(lm15.Message.user("?"),), config=settings)
    try:
        validate_request(probe)
    except ValueError as error:
        raise ValueError(f"extra={config.extra!r}: {error}; remove them from `extra`") from error


class NativeBackend:
    """A provider over HTTP, through DSPy's own client.

    Raises:
        lm15.LM15Error: If the model string leads nowhere, or there is no key.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._described, self._target, self._model = _router(config)
        lm15.LMRouter(self._described).lm(self._target)  # Refuses what cannot be reached.
        self._client: Any = None

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer on the background loop."""
        if self._client is None:
            self._client = lm15.AsyncLMRouter(self._described).lm(self._target)
        with _readable():
            return _chosen(await self._client.complete(replace(request, model=self._model)))

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()
        self._client = None


def _router(config: ModelConfig) -> tuple[lm15.RouterConfig, str, str]:
    """Describe how the model is reached, with the provider and the model's name there.

    The key is read here and kept by the client alone.
    """
    options: dict[str, Any] = {
        "max_connections": config.concurrency,
        "timeouts": lm15.Timeouts(read=config.timeout, write=config.timeout, pool=config.timeout),
    }
    route = lm15.LMRouter(lm15.RouterConfig(env={})).resolve_openai_chat(config.model)
    if config.api_key_env is not None:
        options["api_keys"] = {route.provider: os.environ[config.api_key_env]}
    return lm15.RouterConfig(**options), f"{route.provider}:{route.model}", route.model


@contextmanager
def _readable() -> Iterator[None]:
    """Turn a reply that cannot be read, such as a gateway's page, into an error to be retried.

    DSPy's client lets some of them through as `TypeError` and the like, which would look like a bug
    of ours.
    """
    try:
        yield
    except lm15.LM15Error as error:
        # What follows the first paragraph is advice on settings that users of ours do not have.
        status = "" if error.status is None else f" (HTTP {error.status})"
        error.message = error.message.partition("\n\n")[0] + status
        if error.retry_after is not None:
            error.retry_after = min(error.retry_after, LONGEST_PAUSE)
        if type(error) is lm15.ProviderError and error.status == 200:
            raise lm15.ServerError(error.message, retry_after=error.retry_after) from error
        raise
    except Exception as error:
        frames = traceback.walk_tb(error.__traceback__)
        if any(frame.f_code.co_name == "parse_response" for frame, _ in frames):
            raise lm15.ServerError(f"the reply is not a chat completion: {error}") from error
        raise


def _chosen(response: lm15.Response) -> lm15.Response:
    """Refuse a reply without a choice, which DSPy's client takes for an empty answer."""
    reply = response.provider_data or {}
    if "choices" in reply and not reply["choices"]:
        raise lm15.ServerError("the reply has no choices")
    return response


class LiteLLMBackend:
    """A provider that only LiteLLM knows, through DSPy's own bridge to it.

    Raises:
        ValueError: If LiteLLM does not know the provider either.
    """

    def __init__(self, config: ModelConfig) -> None:
        _check_litellm(config.model)
        options: dict[str, Any] = {"timeout": config.timeout}
        if config.api_key_env is not None:
            options["api_key"] = os.environ[config.api_key_env]
        self._engine = AsyncLiteLLMEngine(**options)

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer on the background loop."""
        return await self._engine.complete(request)

    async def close(self) -> None:
        """Do nothing: LiteLLM keeps its connections to itself."""


def _check_litellm(model: str) -> None:
    """Refuse a model string that leads nowhere, before anything runs."""
    # Without this LiteLLM asks the network for a table of prices when it is imported. It is
    # imported here because that takes seconds, and most models do without.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm
    from litellm.exceptions import BadRequestError
    from litellm.types.utils import LlmProviders

    litellm.suppress_debug_info = True
    try:
        litellm.get_llm_provider(model)
    except BadRequestError as error:
        name = model.partition("/")[0]
        known = ["simulation", *(one.value for one in LlmProviders)]
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? Otherwise " if near else ""
        raise ValueError(
            f"model={model!r}: no provider is called {name!r}; {hint}write PROVIDER/MODEL, or give "
            "api_base for a server of your own"
        ) from error


class SimulatedBackend:
    """An offline model behind the same interface, with latency on request."""

    def __init__(self, model: Any) -> None:
        self._model = model

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer on the background loop."""
        await asyncio.sleep(self._model.latency(request, rollout))
        return self._model.answer(request, rollout)

    async def close(self) -> None:
        """Do nothing: there is no connection."""
