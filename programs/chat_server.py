"""An OpenAI-compatible server over HTTP: one request, one answer, connections kept open.

This is the way to servers of the user's own (vLLM, SGLang, llama.cpp, Ollama), where a call's cost
in CPU time counts; `benchmarks/loop.py` measures it. Providers are reached through DSPy's client.
"""

import asyncio
import atexit
import json
import os
import ssl
import weakref
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import dspy.lm15 as lm15
import orjson

from . import background
from .endpoint import ModelConfig
from .together import Together

LONGEST_PAUSE = 60.0
"""Seconds. A server that asks for a longer pause before the next try has failed for this run."""
LARGEST = 16 * 2**20
"""Bytes of a reply; a larger one is broken off, as no answer is that long."""
CONNECT = 10.0
"""Seconds to wait for a connection."""

_SAMPLING = (
    *("temperature", "top_p", "top_k", "max_tokens", "seed"),
    *("frequency_penalty", "presence_penalty"),
)
_FINISHED: dict[str, Any] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_ERRORS: dict[int, type[lm15.ProviderError]] = {
    401: lm15.AuthError,
    403: lm15.AuthError,
    402: lm15.BillingError,
    408: lm15.TimeoutError,
    504: lm15.TimeoutError,
    429: lm15.RateLimitError,
}
_open: weakref.WeakSet[aiohttp.ClientSession] = weakref.WeakSet()


class ChatServerBackend:
    """A server at an address of its own.

    Args:
        config: With `api_base`; the key is read from the environment here, and kept nowhere else.
    """

    def __init__(self, config: ModelConfig) -> None:
        assert config.api_base is not None
        self._address = config.api_base.rstrip("/")
        self._model, self._config = config.model, config
        key = os.environ[config.api_key_env] if config.api_key_env is not None else "EMPTY"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        # Looked up once: the environment is slow to read, and this is not the place to change it.
        host = urlsplit(self._address)
        proxies = {} if proxy_bypass(host.hostname or "") else getproxies()
        self._proxy = proxies.get(host.scheme)
        self._session: aiohttp.ClientSession | None = None
        self._together = Together(self._sent) if config.several else None

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer on the background loop.

        Raises:
            lm15.LM15Error: If there is no answer, or it cannot be read.
        """
        body = _body(request, self._model)
        if self._together is not None:
            return await self._together.answer(body)
        return (await self._sent(body, 1))[0]

    async def _sent(self, body: bytes, count: int) -> list[lm15.Response]:
        """Send a request for so many answers."""
        if count > 1:
            body = orjson.dumps({**orjson.loads(body), "n": count})
        try:
            async with self._connected().post(
                f"{self._address}/chat/completions",
                data=body,
                headers=self._headers,
                proxy=self._proxy,
                allow_redirects=False,
            ) as reply:
                whole = await _whole(reply)
                return _read(reply.status, reply.headers, whole, self._model, count)
        except TimeoutError as error:
            raise lm15.TimeoutError(
                f"{self._address}: no answer within {self._config.timeout:g} s"
            ) from error
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise lm15.TransportError(f"{self._address}: {said}") from error

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self._session is not None:
            await self._session.close()
        self._session = None

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=self._config.timeout, sock_connect=CONNECT),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            _open.add(self._session)
        return self._session


def _body(request: lm15.Request, model: str) -> bytes:
    """Write a request down as the chat API takes it."""
    messages: list[dict[str, Any]] = [
        {"role": one.role, "content": _text(one)} for one in request.messages
    ]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    config = request.config
    body: dict[str, Any] = {"model": model, "messages": messages}
    given = {name: getattr(config, name) for name in _SAMPLING}
    body |= {name: value for name, value in given.items() if value is not None}
    if config.response_format is not None:
        body["response_format"] = _form(config.response_format)
    body |= config.extensions or {}
    return orjson.dumps(body)


def _text(message: lm15.Message) -> str:
    if any(part.type != "text" for part in message.parts):
        raise lm15.UnsupportedFeatureError(
            "only text can be sent to a server of your own", feature="messages"
        )
    return message.text or ""


def _form(response_format: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema as the chat API takes it."""
    if response_format["type"] != "json_schema":
        return response_format
    named = {name: value for name, value in response_format.items() if name != "type"}
    return {"type": "json_schema", "json_schema": named}


async def _whole(reply: aiohttp.ClientResponse) -> bytes:
    """Read the reply's body, unless it is longer than any answer."""
    parts: list[bytes] = []
    size = reply.content_length or 0
    if size <= LARGEST:
        size = 0
        async for part in reply.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                break
    if size > LARGEST:
        reply.close()
        raise lm15.ServerError(f"the reply is longer than {LARGEST >> 20} MiB")
    return b"".join(parts)


def _read(status: int, headers: Any, body: bytes, model: str, count: int) -> list[lm15.Response]:
    """Read so many answers, or raise what the reply says instead."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    pause = _pause(headers.get("Retry-After"))
    if status != 200:
        raise _refusal(status, _said(found, body), pause)
    try:
        if found.get("error"):
            raise lm15.ServerError(_said(found, body), retry_after=pause, status=status)
        choices, usage = found["choices"], found.get("usage") or {}
        if len(choices) != count:
            raise _miscounted(len(choices), count, status, pause)
        asked = int(usage.get("prompt_tokens") or 0)
        answered = int(usage.get("completion_tokens") or 0)
        return [
            lm15.Response(
                id=found.get("id"),
                model=found.get("model") or model,
                message=lm15.Message.assistant(_content(one["message"].get("content"))),
                finish_reason=_FINISHED.get(one.get("finish_reason") or "", "stop"),
                # The prompt was read once; how long each answer is, the server does not tell.
                usage=lm15.Usage(
                    input_tokens=0 if number else asked,
                    output_tokens=answered // count + (number < answered % count),
                ),
            )
            for number, one in enumerate(choices)
        ]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise lm15.ServerError(
            f"the reply is not a chat completion: {_said(found, body)}",
            retry_after=pause,
            status=status,
        ) from error


def _miscounted(
    choices: int, count: int, status: int, pause: float | None
) -> lm15.ProviderError | lm15.UnsupportedFeatureError:
    if count > 1:
        return lm15.UnsupportedFeatureError(
            f"the reply has {choices} choices where n={count} asked for {count}; remove "
            "`several = true` from the model's configuration",
            feature="n",
        )
    said = f"the reply has {choices} choices where one was asked for"
    return lm15.ServerError(said, retry_after=pause, status=status)


def _content(content: Any) -> str:
    """Return the text of a message, which may come in parts."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    if not isinstance(content, str):
        raise TypeError("the content is no text")
    return content


def _refusal(status: int, said: str, pause: float | None) -> lm15.ProviderError:
    message, about = f"{said} (HTTP {status})", said.lower()
    long = "context" in about and ("length" in about or "window" in about)
    if long and status in (400, 413, 422):
        return lm15.ContextLengthError(message, status=status)
    kind = _ERRORS.get(status, lm15.ServerError if status >= 500 else lm15.InvalidRequestError)
    error = kind(message, status=status, retry_after=pause)
    error.message = message  # Without advice on settings that users of ours do not have.
    return error


def _said(found: Any, body: bytes) -> str:
    """Return what an error reply says, in one line."""
    said: Any = found
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and said.get(name):
            said = said[name]
    text = said if isinstance(said, str) else body.decode("utf-8", "replace")
    return " ".join(text.split())[:300] or "nothing"


def _pause(header: str | None) -> float | None:
    """Return the seconds that a server asks to wait, which says so in seconds or by a date."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (until.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_PAUSE) if seconds == seconds else None


def _close_all() -> None:
    """Close what is still open when the process ends, or aiohttp complains."""

    async def close() -> None:
        await asyncio.gather(*(session.close() for session in list(_open)))

    if any(not session.closed for session in _open):
        background.run(close())


atexit.register(_close_all)
