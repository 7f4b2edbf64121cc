"""A chat server that answers every request after the same time: what a loop is measured against.

    python benchmarks/answering.py ANSWERS.json LATENCY

prints its port, and serves until its input ends. `ANSWERS.json` maps a text that only the prompts
of one role hold to the answer of that role; the first that is found counts, and an empty text is
always found. It does as little as it can for a request, so that what is measured is the client.
"""

import asyncio
import json
import sys
from pathlib import Path

PLACE = "NUMBER"
"""Stands in an answer where the request's number goes: samples must differ."""


class Answering(asyncio.Protocol):
    """One connection of HTTP/1.1, kept alive."""

    count = 0
    flying = 0
    most = 0

    def __init__(self, answers: list[tuple[bytes, bytes]], latency: float) -> None:
        self._answers, self._latency = answers, latency
        self._loop = asyncio.get_running_loop()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole, after the latency."""
        self._buffer += data
        while (request := self._taken()) is not None:
            path, body = request
            if path == b"/count":
                self._write(json.dumps({"calls": Answering.count, "most": Answering.most}).encode())
                continue
            Answering.count += 1
            Answering.flying += 1
            Answering.most = max(Answering.most, Answering.flying)
            answer = next(text for mark, text in self._answers if mark in body)
            number = str(Answering.count).encode()
            self._loop.call_later(
                self._latency, self._answer, answer.replace(PLACE.encode(), number)
            )

    def _taken(self) -> tuple[bytes, bytes] | None:
        """Take a request off the buffer: its path and its body."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return None
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = self._buffer[end + 4 + length :]
        return head.split(b" ", 2)[1], body

    def _answer(self, body: bytes) -> None:
        Answering.flying -= 1
        self._write(body)

    def _write(self, body: bytes) -> None:
        if not self._transport.is_closing():
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            self._transport.write(head % len(body) + body)


def completion(text: str) -> bytes:
    """Return a chat completion as OpenAI words it."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 900, "completion_tokens": 200, "total_tokens": 1100}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
    ).encode()


async def serve(answers: dict[str, str], latency: float) -> None:
    """Serve until the input ends."""
    made = [(mark.encode(), completion(text)) for mark, text in answers.items()]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(made, latency), "127.0.0.1", backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text()), float(sys.argv[2])))
