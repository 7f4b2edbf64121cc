"""Where requests go: one endpoint per configured model, metered, bounded and cached.

An endpoint is what DSPy calls an engine: a canonical request in, a canonical response out. DSPy
keeps retries and formats; connections, counting and the cache are here.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Protocol

import dspy.lm15 as lm15
from dspy.clients.engines import AsyncLM15Engine, LM15Engine
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .cache import AnswerCache, cache_key
from .records import Record, Usage
from .usage import Call, report, rollout

Structured = Literal["none", "json_schema", "json_object"]


class ModelConfig(Record):
    """Which model plays a role, and how it is reached. Holds no secret."""

    model: str
    """A DSPy model string such as `openai/gpt-4o-mini`; the served name if `api_base` is given; or
    `simulation/NAME` for an offline model."""
    api_base: str | None = None
    """Address of an OpenAI-compatible server, with its `/v1`."""
    api_key_env: str | None = None
    """Environment variable that holds the key. The key itself never stands in a configuration."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature; the endpoint's default if absent."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Nucleus sampling; the endpoint's default if absent."""
    max_tokens: PositiveInt | None = None
    """Longest answer, reasoning included; the endpoint's default if absent."""
    structured: Structured = "none"
    """How the endpoint is told the form of an answer: `json_schema` (vLLM, SGLang, OpenAI),
    `json_object` with a `schema` (llama.cpp, Ollama), or `none`: in the prompt only."""
    timeout: PositiveFloat = 600.0
    """Longest wait for the next byte, in seconds."""
    retries: NonNegativeInt = 3
    """How often a transient error is tried again, with growing pauses."""
    concurrency: PositiveInt = 64
    """Requests in flight at this endpoint, at most."""
    input_price: NonNegativeFloat | None = None
    """US dollars per million input tokens; only used to estimate."""
    output_price: NonNegativeFloat | None = None
    """US dollars per million output tokens; only used to estimate."""
    extra: dict[str, Any] = {}
    """Further fields of the request body; for `simulation/` the model's parameters."""

    @property
    def identity(self) -> str:
        """What tells one endpoint's answers from another's in the cache."""
        return f"{self.model}@{self.api_base or 'default'} {sorted(self.extra.items())!r}"


class Backend(Protocol):
    """Gets one answer from a model, or raises an error of `dspy.lm15`."""

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from synchronous code."""
        ...

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from the event loop."""
        ...


class Endpoint:
    """A model's backend with its cache, its meter and its limit of requests in flight."""

    def __init__(
        self, config: ModelConfig, backend: Backend, cache: AnswerCache | None = None
    ) -> None:
        self.config = config
        self._backend = backend
        self._cache = cache
        self._limits: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    def complete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from synchronous code."""
        key = cache_key(self.config.identity, request, rollout())
        response = self._cache.get(key) if self._cache else None
        if response is not None:
            return _counted(response, role, watch, cached=True)
        try:
            response = self._backend.complete(self._formed(request), rollout())
        except lm15.LM15Error:
            _tell(Call(role, Usage(failed=1), "error"), watch)
            raise
        return self._keep(key, response, role, watch)

    async def acomplete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from the event loop, at most `concurrency` at a time."""
        key = cache_key(self.config.identity, request, rollout())
        response = self._cache.get(key) if self._cache else None
        if response is not None:
            return _counted(response, role, watch, cached=True)
        async with self._limit():
            try:
                response = await self._backend.acomplete(self._formed(request), rollout())
            except lm15.LM15Error:
                _tell(Call(role, Usage(failed=1), "error"), watch)
                raise
        return self._keep(key, response, role, watch)

    def _keep(
        self, key: str, response: lm15.Response, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        if self._cache:
            self._cache.put(key, response)
        return _counted(response, role, watch, cached=False)

    def _limit(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if loop not in self._limits:
            self._limits[loop] = asyncio.Semaphore(self.config.concurrency)
        return self._limits[loop]

    def _formed(self, request: lm15.Request) -> lm15.Request:
        """Put the wanted form of the answer, and further fields, the way this endpoint takes them."""
        config = request.config
        extensions = {**(config.extensions or {}), **self.config.extra}
        if self.config.structured == "json_object" and config.response_format:
            schema = config.response_format.get("schema")
            extensions["response_format"] = {"type": "json_object", "schema": schema}
            config = replace(config, response_format=None)
        return replace(request, config=replace(config, extensions=extensions or None))


def _counted(
    response: lm15.Response, role: str, watch: Callable[[Call], None], *, cached: bool
) -> lm15.Response:
    usage = Usage(
        calls=1,
        cached=int(cached),
        input_tokens=response.usage.input_tokens or 0,
        output_tokens=response.usage.output_tokens or 0,
    )
    _tell(Call(role, usage, response.finish_reason), watch)
    return response


def _tell(call: Call, watch: Callable[[Call], None]) -> None:
    watch(call)
    report(call)


class NativeBackend:
    """A provider or server over HTTP, through DSPy's own client.

    Asynchronous pools belong to an event loop, so each loop gets one client, and deep copies of a
    program share it.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._sync: LM15Engine | None = None
        self._async: dict[asyncio.AbstractEventLoop, AsyncLM15Engine] = {}

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from synchronous code."""
        if self._sync is None:
            self._sync = LM15Engine(_router(self._config))
        return self._sync.complete(_routed(self._config, request))

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from the event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            self._async[loop] = AsyncLM15Engine(_router(self._config))
        return await self._async[loop].complete(_routed(self._config, request))


_LOCAL = "autodata-endpoint"


def _router(config: ModelConfig) -> lm15.RouterConfig:
    """Describe how the model is reached. The key is read here and kept by the client alone."""
    options: dict[str, Any] = {
        "max_connections": config.concurrency,
        "timeouts": lm15.Timeouts(read=config.timeout, write=config.timeout, pool=config.timeout),
    }
    key = os.environ.get(config.api_key_env) if config.api_key_env else None
    if config.api_base is None:
        provider = config.model.partition("/")[0]
        keys = {provider: key, f"{provider}-chat": key} if key else None
        return lm15.RouterConfig(api_keys=keys, **options)
    local = lm15.ProviderDefinition.chat(
        lm15.AccessPolicy(
            provider=_LOCAL,
            supports=lm15.EndpointSupport(complete=True, stream=True, models=True),
            auth_modes=("bearer",),
            base_url=config.api_base,
        ),
        compat=lm15.OpenAIChatCompat.preset("vllm"),
        placeholder_key="EMPTY",
    )
    return lm15.RouterConfig(providers=(local,), api_keys={_LOCAL: key} if key else None, **options)


def _routed(config: ModelConfig, request: lm15.Request) -> lm15.Request:
    return (
        request if config.api_base is None else replace(request, model=f"{_LOCAL}:{config.model}")
    )


class SimulatedBackend:
    """An offline model behind the same interface, with latency on request."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from synchronous code."""
        time.sleep(self._model.latency(request, rollout))
        return self._model.answer(request, rollout)

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from the event loop."""
        await asyncio.sleep(self._model.latency(request, rollout))
        return self._model.answer(request, rollout)
