"""Where requests go: one endpoint per configured model, metered, bounded and cached.

An endpoint is what DSPy calls an engine: a canonical request in, a canonical response out. DSPy
keeps retries and formats; connections, counting and the cache are here.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, Generic, Literal, Protocol, TypeVar

import dspy.lm15 as lm15
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .cache import AnswerCache, cache_key
from .meter import Meter
from .records import Record, Usage
from .usage import Call, report, rollout

T = TypeVar("T")
Structured = Literal["none", "json_schema", "json_object"]


class ModelConfig(Record):
    """Which model plays a role, and how it is reached. Holds no secret."""

    model: str
    """A DSPy model string such as `openai/gpt-4o-mini`; the served name if `api_base` is given; or
    `simulation/NAME` for an offline model."""
    api_base: str | None = Field(default=None, pattern=r"^https?://[^\s/]\S*$")
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
    """US dollars per million input tokens, to estimate and for a budget in `usd`."""
    output_price: NonNegativeFloat | None = None
    """US dollars per million output tokens, to estimate and for a budget in `usd`."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body; for `simulation/` the model's parameters."""

    @property
    def identity(self) -> str:
        """What tells one endpoint's answers from another's in the cache."""
        return f"{self.model}@{self.api_base or 'default'}"

    @property
    def offline(self) -> bool:
        """Whether the model is simulated, and costs nothing unless it is given prices."""
        return self.model.startswith("simulation/")

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Return what tokens cost in US dollars, exactly; a price that is absent counts as 0."""
        # A float's shortest text is the number that the user wrote.
        prices = [Decimal(str(price or 0)) for price in (self.input_price, self.output_price)]
        return (input_tokens * prices[0] + output_tokens * prices[1]).scaleb(-6)


class Backend(Protocol):
    """Gets one answer from a model, or raises an error of `dspy.lm15`."""

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from synchronous code."""
        ...

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer from the event loop."""
        ...


class PerLoop(Generic[T]):
    """One value for each event loop, made on first use; those of closed loops are dropped."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        """Return the running loop's value."""
        loop = asyncio.get_running_loop()
        if loop not in self._values:
            alive = {one: value for one, value in self._values.items() if not one.is_closed()}
            self._values = {**alive, loop: self._make()}
        return self._values[loop]


class Endpoint:
    """A model's backend with its cache, its meter and its limit of requests in flight.

    An answer from the cache costs nothing. Anything else is asked of the meter first, which lets a
    `BudgetError` out of `complete` and `acomplete` when the budget is used up.
    """

    def __init__(
        self,
        config: ModelConfig,
        backend: Backend,
        cache: AnswerCache | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.config = config
        self.meter = meter or Meter()
        self._backend = backend
        self._cache = cache
        self._limit = PerLoop(lambda: asyncio.Semaphore(config.concurrency))

    def complete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from synchronous code."""
        request, wanted = self._formed(request), rollout()
        key, response = self._known(request, wanted)
        if response is None:
            with self.meter.request():
                with _failures_told(role, watch):
                    response = self._backend.complete(request, wanted)
                response = self._paid(key, request, response)
            return _told(response, role, watch, cached=False)
        return _told(response, role, watch, cached=True)

    async def acomplete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from the event loop, at most `concurrency` at a time."""
        request, wanted = self._formed(request), rollout()
        key, response = self._known(request, wanted)
        if response is None:
            async with self._limit.get(), self.meter.arequest():
                with _failures_told(role, watch):
                    response = await self._backend.acomplete(request, wanted)
                response = self._paid(key, request, response)
            return _told(response, role, watch, cached=False)
        return _told(response, role, watch, cached=True)

    def _known(self, request: lm15.Request, wanted: str) -> tuple[str, lm15.Response | None]:
        """Return the request's key and the answer that the cache has for it."""
        if self._cache is None:
            return "", None
        key = cache_key(self.config.identity, request, wanted)
        return key, self._cache.get(key)

    def _paid(self, key: str, request: lm15.Request, response: lm15.Response) -> lm15.Response:
        """Count an answer, then keep it: a crash in between may pay twice, but never uncounted."""
        used = _tokens(request, response)
        self.meter.count(*used, self.config.cost(*used))
        response = _encodable(response)
        if self._cache is not None:
            self._cache.put(key, response)
        return response

    def _formed(self, request: lm15.Request) -> lm15.Request:
        """Ask for the form of the answer the way this endpoint takes it, and add further fields."""
        config = request.config
        extensions = {**(config.extensions or {}), **self.config.extra}
        if self.config.structured == "json_object" and config.response_format:
            schema = config.response_format.get("schema")
            extensions["response_format"] = {"type": "json_object", "schema": schema}
            config = replace(config, response_format=None)
        if not extensions:
            return request
        return replace(request, config=replace(config, extensions=extensions))


def _tokens(request: lm15.Request, response: lm15.Response) -> tuple[int, int]:
    """Return an answer's input and output tokens, guessed where the endpoint does not tell.

    Without a guess, a budget would have no end at an endpoint that reports nothing.
    """
    told = response.usage.input_tokens or 0, response.usage.output_tokens or 0
    if any(told):
        return told
    asked = sum(len(message.text or "") for message in request.messages)
    asked += len(request.system) if isinstance(request.system, str) else 0
    return asked // 4 + 1, len(response.message.text or "") // 4 + 1


def _encodable(response: lm15.Response) -> lm15.Response:
    """Replace lone surrogates, which no later prompt, cache or journal could hold."""
    text = response.message.text or ""
    try:
        text.encode()
    except UnicodeEncodeError:
        clean = text.encode("utf-8", "replace").decode()
        return replace(response, message=lm15.Message.assistant(clean))
    return response


def _told(
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


@contextmanager
def _failures_told(role: str, watch: Callable[[Call], None]) -> Iterator[None]:
    try:
        yield
    except lm15.LM15Error:
        _tell(Call(role, Usage(failed=1), "error"), watch)
        raise


def _tell(call: Call, watch: Callable[[Call], None]) -> None:
    watch(call)
    report(call)
