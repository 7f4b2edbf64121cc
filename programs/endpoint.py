"""Where requests go: one endpoint per configured model, metered, bounded and cached.

An endpoint is what DSPy calls an engine: a canonical request in, a canonical response out. DSPy
keeps the formats; connections, retries, counting and the cache are here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, Protocol

import dspy.lm15 as lm15
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from . import background
from .budget import Amount
from .cache import AnswerCache, cache_key
from .hedge import hedged
from .meter import ONE_CALL, Meter
from .pace import Health, Pace
from .records import Record, Usage
from .usage import Call, report, rollout

Structured = Literal["none", "json_schema", "json_object"]


LONG = 1000
"""Tokens of an answer that are reserved until a longer one has come."""
LONGEST_DELAY = 60.0
"""Seconds between two tries of a request, at most."""


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
    """Longest wait for an answer, in seconds."""
    retries: NonNegativeInt = 3
    """How often a transient error is tried again, with growing pauses."""
    concurrency: PositiveInt = 64
    """Requests in flight at this endpoint, at most; fewer for as long as it refuses some."""
    patience: NonNegativeFloat = 300.0
    """Seconds to wait for an endpoint that has answered before and stops, until requests fail."""
    several: bool = False
    """The server gives several answers to one request (`n`: vLLM, SGLang, OpenAI's own), so that
    attempts that are made at once share the reading of their prompt. Needs `api_base`."""
    hedge: PositiveFloat | None = None
    """Seconds after which a request without an answer is sent a second time, if ever; the answer
    that comes first counts. Both may be billed."""
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

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer, on the background loop."""
        ...

    async def close(self) -> None:
        """Close what is open, on the background loop."""
        ...


class Endpoint:
    """A model's backend with its cache, its meter, its retries and its requests in flight.

    An answer from the cache costs nothing, and neither does one that another request for the same
    is already waiting for. Anything else is asked of the meter first, which lets a `BudgetError`
    out of `complete` and `acomplete` when the budget is used up.
    """

    def __init__(
        self,
        config: ModelConfig,
        backend: Backend,
        cache: AnswerCache | None = None,
        meter: Meter | None = None,
        health: Health | None = None,
    ) -> None:
        self.config = config
        self.meter = meter or Meter()
        self._backend = backend
        self._cache = cache
        self._pace = Pace(config.concurrency, health or Health(config.identity, config.patience))
        self._longest = LONG
        self._flights: dict[str, asyncio.Future[lm15.Response]] = {}

    def complete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from synchronous code."""
        return background.run(self._answered(request, role, watch))

    async def acomplete(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        """Answer from any event loop, at most `concurrency` at a time."""
        return await background.arun(self._answered(request, role, watch))

    async def close(self) -> None:
        """Close the connections; on the background loop. The next request opens new ones."""
        await self._backend.close()

    async def _answered(
        self, request: lm15.Request, role: str, watch: Callable[[Call], None]
    ) -> lm15.Response:
        request, wanted = self._formed(request), rollout()
        key, response = self._known(request, wanted)
        while response is None and key in self._flights:
            response = await _landed(self._flights[key])
        if response is not None:
            return _told(response, role, watch, cached=True)
        flight: asyncio.Future[lm15.Response] = asyncio.get_running_loop().create_future()
        if key:
            self._flights[key] = flight
        try:
            response = await self._asked(key, request, wanted, role, watch)
            flight.set_result(response)
        finally:
            self._flights.pop(key, None)
            flight.cancel()
        return _told(response, role, watch, cached=False)

    async def _asked(
        self,
        key: str,
        request: lm15.Request,
        wanted: str,
        role: str,
        watch: Callable[[Call], None],
    ) -> lm15.Response:
        """Send the request, and again after errors that may pass; count and keep the answer."""
        failures = 0
        while True:
            try:
                return await hedged(lambda: self._sent(key, request, wanted), self.config.hedge)
            except lm15.LM15Error as error:
                _tell(Call(role, Usage(failed=1), "error"), watch)
                # A dead endpoint is waited for by all requests together, whatever each has tried.
                failures += not self._pace.health.hopeful
                if not isinstance(error, lm15.RETRYABLE_ERRORS) or failures > self.config.retries:
                    raise
                if not self._pace.health.dead:
                    await asyncio.sleep(_delay(error, failures))

    async def _sent(self, key: str, request: lm15.Request, wanted: str) -> lm15.Response:
        """Send the request once, when it is its turn; count and keep the answer."""
        traffic = background.traffic
        async with self._pace.turn(), self.meter.arequest(self._reserve(request)):
            await traffic.begin()
            try:
                response = await self._backend.acomplete(request, wanted)
                return self._paid(key, request, response)
            finally:
                traffic.end()

    def _known(self, request: lm15.Request, wanted: str) -> tuple[str, lm15.Response | None]:
        """Return the request's key and the answer that the cache has for it."""
        if self._cache is None:
            return "", None
        key = cache_key(self.config.identity, request, wanted)
        return key, self._cache.get(key)

    def _reserve(self, request: lm15.Request) -> Amount:
        """Return what a request may take: no answer is taken to be longer than any before."""
        if self.meter.budget is None:
            return ONE_CALL
        asked = _characters(request) // 3 + 1
        answered = request.config.max_tokens or self._longest
        tokens = Decimal(asked + answered)
        return Amount(Decimal(1), tokens, self.config.cost(asked, answered))

    def _paid(self, key: str, request: lm15.Request, response: lm15.Response) -> lm15.Response:
        """Count an answer, then keep it: a crash in between may pay twice, but never uncounted."""
        used = _tokens(request, response)
        self._longest = max(self._longest, used[1])
        self.meter.count(*used, self.config.cost(*used))
        response = _encodable(response)
        if self._cache is not None:
            self._cache.put(key, response, self.config.identity)
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
    return _characters(request) // 4 + 1, len(response.message.text or "") // 4 + 1


def _characters(request: lm15.Request) -> int:
    system = len(request.system) if isinstance(request.system, str) else 0
    return system + sum(len(message.text or "") for message in request.messages)


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


async def _landed(flight: asyncio.Future[lm15.Response]) -> lm15.Response | None:
    """Wait for the answer to a request that is under way; `None` if that one found no answer."""
    await asyncio.wait([flight])
    return None if flight.cancelled() else flight.result()


def _delay(error: lm15.LM15Error, failures: int) -> float:
    """Return the seconds to wait before the next try: what the endpoint asks for, or ever more."""
    if error.retry_after is not None:
        return error.retry_after
    return min(2.0 ** (failures - 1), LONGEST_DELAY)


def _tell(call: Call, watch: Callable[[Call], None]) -> None:
    watch(call)
    report(call)
