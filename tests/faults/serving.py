"""The server that injects faults, as a process of its own; `FaultyServer` starts it.

    cd tests; python -m faults.serving PORT LOG [--simulated]

Everything that it counts is a line in LOG before it matters to a client, so that a server that was
killed goes on counting, and goes on with its schedule.
"""

import asyncio
import gzip
import json
import os
import socket
import struct
import sys
import time
from collections import Counter, deque
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from server import HTML, SIMULATED

from .kinds import CUT, HUGE, HUGE_BYTES, ODD, REFUSED, SLOW, STORM, Plan, digest

FIXED = "[[ ## answer ## ]]\nforty-two\n\n[[ ## completed ## ]]"
JSON = "application/json"


class Counts:
    """What came and what was answered, in memory and in the log."""

    def __init__(self, log: Path) -> None:
        self.arrived: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.dropped = self.broken = 0
        for line in log.read_text().splitlines() if log.exists() else ():
            self._count(*line.split(" ", 2))
        self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def take(self, event: str, key: str, model: str = "") -> None:
        """Take note of an event: a fault's kind or `good`, `answered`, or `dropped`."""
        os.write(self._file, f"{event} {key} {model}\n".encode())
        self._count(event, key, model)

    def _count(self, event: str, key: str, model: str) -> None:
        if event == "answered":
            self.answered[key] += 1
        elif event == "dropped":
            self.dropped += 1
        else:
            self.faults[event] += 1
            self.arrived[key] += 1
            self.models[model] += 1


class Answers:
    """Good answers: of the offline model that a request names, or a fixed text.

    Args:
        simulated: Load the offline models, which takes seconds.
    """

    def __init__(self, simulated: bool) -> None:
        self._models: dict[str, Any] = {}
        if simulated:
            from autodata.programs.simulation import SimulatedModel

            self._models = {name: SimulatedModel(name, {}) for name in SIMULATED}

    def text(self, body: dict[str, Any], sample: str) -> str:
        """Return the answer to a request; another sample has another one."""
        model = self._models.get(body["model"])
        if model is None:
            return FIXED
        import dspy.lm15

        known = {key: body[key] for key in ("model", "messages", "temperature") if key in body}
        request = dspy.lm15.request_from_openai_chat(known)
        return model.answer(request, sample).message.text or ""


class Server:
    """Answers chat requests, or does what the plan or a script says instead."""

    def __init__(self, counts: Counts, answers: Answers) -> None:
        self.counts, self._answers = counts, answers
        self.plan = Plan()
        self._scripts: dict[str, deque[str]] = {}
        self._number, self._storm_ends = counts.faults.total(), 0.0
        self._flying = self._most = 0

    async def control(self, request: web.Request) -> web.Response:
        """Set the plan or the scripts by model, and return the counters."""
        given = await request.json()
        if "plan" in given:
            self.plan, self._storm_ends = Plan(*given["plan"]), 0.0
        for model, kinds in given.get("scripts", {}).items():
            self._scripts[model] = deque(kinds)
        counts = self.counts
        told = {
            "faults": counts.faults,
            "models": counts.models,
            "prompts": {key: [n, counts.answered[key]] for key, n in counts.arrived.items()},
            "arrived": counts.arrived.total(),
            "answered": counts.answered.total(),
            "dropped": counts.dropped,
            "broken": counts.broken,
            "in_flight": self._flying,
            "most_in_flight": self._most,
        }
        return web.json_response(told)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat request, or not."""
        body = await request.json()
        key = digest(body)
        kind, latency = self._due(body["model"], key)
        self.counts.take(kind or "good", key, body["model"])
        self._flying += 1
        self._most = max(self._most, self._flying)
        try:
            await asyncio.sleep(latency)
            reply = await self._reply(request, body, key, kind)
        except (asyncio.CancelledError, ConnectionError):
            self.counts.take("dropped", key)
            raise
        except Exception:
            self.counts.broken += 1  # A bug of this server must not pass for a fault.
            raise
        finally:
            self._flying -= 1
        if not kind or kind in ODD:
            self.counts.take("answered", key)
        return reply

    def _due(self, model: str, key: str) -> tuple[str, float]:
        self._number += 1
        kind, latency = self.plan.drawn(key, self.counts.arrived[key] + 1)
        if script := self._scripts.get(model):
            kind = script[0] if len(script) == 1 else script.popleft()
        if self._number == self.plan.storm_after:
            self._storm_ends = time.monotonic() + self.plan.storm_seconds
        return (STORM if time.monotonic() < self._storm_ends else kind), latency

    async def _reply(
        self, request: web.Request, body: dict[str, Any], key: str, kind: str
    ) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        if kind in (*REFUSED, STORM):
            return self._refusal(kind)
        if kind in HUGE:
            return await _huge(request, kind)
        text = self._answers.text(body, f"http-{self.counts.answered[key]}")
        whole = _completion(body, text, kind)
        if kind in CUT:
            return await _cut(request, transport, kind, whole)
        if kind in SLOW:
            return await self._slow(request, transport, kind, whole)
        return await _written(request, *_altered(kind, whole))

    def _refusal(self, kind: str) -> web.Response:
        if kind == "page_502":
            return web.Response(text=HTML, status=502, content_type="text/html")
        name, _, form = kind.partition("_")
        status = 503 if kind == STORM else int(name)
        until = datetime.fromtimestamp(time.time() + self.plan.pause, UTC)
        forms = {
            "seconds": str(self.plan.pause),
            "date": format_datetime(until, usegmt=True),
            "nonsense": "soon",
        }
        headers = {"Retry-After": forms[form]} if form else {}
        return web.json_response({"error": {"message": "not now"}}, status=status, headers=headers)

    async def _slow(
        self, request: web.Request, transport: asyncio.Transport, kind: str, whole: bytes
    ) -> web.StreamResponse:
        """Say nothing, or one byte now and then, for as long as the client stays."""
        reply = web.StreamResponse(headers={"Content-Type": JSON})
        if kind == "drip":
            reply.content_length = len(whole)
            await reply.prepare(request)
            for place in range(len(whole) - 1):
                await reply.write(whole[place : place + 1])
                await asyncio.sleep(self.plan.drip)
        elif kind == "drip_head":
            transport.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                transport.write(b"x")
                await asyncio.sleep(self.plan.drip)
        await asyncio.Event().wait()
        return reply


async def _written(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    """Send an answer to its end, so that it is counted only if it has been sent."""
    reply = web.Response(body=data, headers={"Content-Type": JSON, **headers})
    await reply.prepare(request)
    await reply.write_eof()
    return reply


def _altered(kind: str, whole: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a reply with status 200."""
    page = {"Content-Type": "text/html"}
    bodies: dict[str, tuple[bytes, dict[str, str]]] = {
        "page_200": (HTML.encode(), page),
        "torn_json": (whole[: len(whole) // 2], {}),
        "not_json": (whole.replace(b'"', b"'"), {}),
        "nested": (b'{"choices": ' + b"[" * 100_000, {}),
        "empty_body": (b"", {}),
        "no_choices": (json.dumps({**json.loads(whole), "choices": []}).encode(), {}),
        "bad_gzip": (whole, {"Content-Encoding": "gzip"}),
        "wrong_type": (whole, page),
    }
    return bodies.get(kind, (whole, {}))


async def _cut(
    request: web.Request, transport: asyncio.Transport, kind: str, whole: bytes
) -> web.StreamResponse:
    """End the connection before the answer does."""
    reply = web.StreamResponse(headers={"Content-Type": JSON})
    if kind == "cut_body":
        reply.content_length = len(whole)
    if kind in ("cut_body", "cut_chunk"):
        await reply.prepare(request)
        await reply.write(whole[: len(whole) // 2])
    elif kind == "not_http":
        transport.write(b"+OK ready\r\n\r\n" * 3)
    elif kind == "reset":
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.close()
    await asyncio.sleep(0)
    return reply


async def _huge(request: web.Request, kind: str) -> web.StreamResponse:
    """Send 100 MB for as long as the client takes them."""
    head, part = b'{"choices": [{"message": {"content": "', b"x" * 2**20
    reply = web.StreamResponse(headers={"Content-Type": JSON})
    if kind == "huge_packed":
        return await _written(request, _packed(), {"Content-Encoding": "gzip"})
    if kind == "huge":
        reply.content_length = len(head) + HUGE_BYTES
    await reply.prepare(request)
    await reply.write(head)
    for _ in range(HUGE_BYTES // len(part)):
        await reply.write(part)
    return reply


@cache
def _packed() -> bytes:
    head, tail = b'{"choices": [{"message": {"content": "', b'"}}]}'
    return gzip.compress(head + b"x" * HUGE_BYTES + tail, 1)


def _completion(body: dict[str, Any], text: str, kind: str) -> bytes:
    """Return a chat completion as OpenAI words it."""
    reason = "length" if kind == "length" else "stop"
    text = text[: len(text) // 2] if kind == "length" else text
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": reason}
    words = sum(len(str(one["content"]).split()) for one in body["messages"])
    usage = {"prompt_tokens": words, "completion_tokens": len(text.split()) + 1}
    whole = {"id": "1", "object": "chat.completion", "model": body["model"], "choices": [choice]}
    return json.dumps(whole if kind == "no_usage" else {**whole, "usage": usage}).encode()


async def serve(port: int, log: Path, simulated: bool) -> None:
    """Serve until standard input ends."""
    server = Server(Counts(log), Answers(simulated))
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/control", server.control)
    app.router.add_post("/v1/chat/completions", server.chat)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    # The parent keeps the port reserved, so that a server that was killed finds it again.
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True, backlog=1024).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), "--simulated" in sys.argv[3:]))
