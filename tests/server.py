"""An OpenAI-compatible chat server for tests, as a process of its own.

    python tests/server.py

prints its port and serves until its input ends. Each request takes the next step of the script that
a test has posted. When there is none, a model with the name of an offline model is answered by that
one, and any other with a fixed text. What arrived is kept for `Server.requests`.
"""

import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

SIMULATED = ("orchestrator", "challenger", "verifier", "weak", "strong", "judge", "proposer")
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"

Step = dict[str, Any]


def text(content: str, finish_reason: str = "stop") -> Step:
    """Answer with this text."""
    return {"text": content, "finish_reason": finish_reason}


def chat(**fields: str) -> Step:
    """Answer in DSPy's chat format."""
    blocks = [f"[[ ## {name} ## ]]\n{value}" for name, value in fields.items()]
    return text("\n\n".join([*blocks, "[[ ## completed ## ]]"]))


def error(status: int, *, retry_after: float | None = 0.01) -> Step:
    """Answer with an error as OpenAI words it."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return {"status": status, "headers": headers, "body": json.dumps({"error": {"message": "no"}})}


def page(status: int, *, retry_after: float | None = 0.01) -> Step:
    """Answer with a gateway's HTML page."""
    headers = {"Content-Type": "text/html"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return {"status": status, "headers": headers, "body": HTML}


def raw(body: str) -> Step:
    """Answer 200 with this body, whatever it is."""
    return {"status": 200, "headers": {"Retry-After": "0.01"}, "body": body}


def hang(seconds: float) -> Step:
    """Say nothing for this long, then hang up."""
    return {"text": "", "sleep": seconds, "cut": 0}


def cut(after: int = 0) -> Step:
    """Hang up after this many bytes of the answer's body, or before any of the answer."""
    return {"text": "never complete", "cut": after}


class Received(NamedTuple):
    """A chat request as it came over the wire."""

    body: dict[str, Any]
    authorization: str | None


class Server:
    """Starts the process and talks to it. Use it as a context manager."""

    def __enter__(self) -> "Server":
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def url(self) -> str:
        """What a configuration calls `api_base`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Received]:
        """Chat requests so far, in order of arrival."""
        return [Received(**one) for one in self._call("GET", "/log")["requests"]]

    @property
    def connections(self) -> int:
        """Connections so far on which a chat request came."""
        return self._call("GET", "/log")["connections"]

    def script(self, *steps: Step, forever: bool = False) -> None:
        """Set the answers to the next requests; with `forever` the last one is repeated."""
        self._call("POST", "/script", {"steps": steps, "forever": forever})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class _State:
    """What all connections share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.steps: deque[Step] = deque()
        self.forever = False
        self.requests: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        self.seen: Counter[str] = Counter()
        self.models: dict[str, Any] = {}

    def arrived(self, client: Any, body: dict[str, Any], authorization: str | None) -> Step:
        """Record a request and return the answer that is due."""
        with self.lock:
            self.connections.add(client)
            self.requests.append({"body": body, "authorization": authorization})
            if self.steps:
                last = self.forever and len(self.steps) == 1
                return self.steps[0] if last else self.steps.popleft()
            if body["model"] in SIMULATED:
                return self._simulated(body)
            return chat(answer="forty-two")

    def _simulated(self, body: dict[str, Any]) -> Step:
        """Ask the offline model. Equal requests are told apart by how often each has come."""
        import dspy.lm15

        from autodata.programs.simulation import SimulatedModel

        name = body["model"]
        if name not in self.models:
            self.models[name] = SimulatedModel(name, {})
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        self.seen[digest] += 1
        known = {key: body[key] for key in ("model", "messages", "temperature") if key in body}
        request = dspy.lm15.request_from_openai_chat(known)
        answer = self.models[name].answer(request, f"http-{self.seen[digest]}")
        return text(answer.message.text or "", answer.finish_reason)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: _State

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send({"object": "list", "data": [{"id": name} for name in SIMULATED]})
        elif self.path == "/log":
            state = self.state
            self._send({"requests": state.requests, "connections": len(state.connections)})
        else:
            self._send({"error": {"message": f"no {self.path}"}}, status=404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/script":
            with self.state.lock:
                self.state.steps = deque(body["steps"])
                self.state.forever = body["forever"]
            self._send({})
        elif self.path == "/v1/chat/completions":
            authorization = self.headers["Authorization"]
            self._play(body, self.state.arrived(self.client_address, body, authorization))
        else:
            self._send({"error": {"message": f"no {self.path}"}}, status=404)

    def _play(self, body: dict[str, Any], step: Step) -> None:
        time.sleep(step.get("sleep", 0))
        answer = step["body"] if "body" in step else json.dumps(_completion(body, step))
        status, data = step.get("status", 200), answer.encode()
        if step.get("cut") is None:
            self._write(status, data, step.get("headers", {}))
            return
        if step["cut"]:
            self._write(status, data[: step["cut"]], {"Content-Length": str(len(data))})
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, body: Any, status: int = 200) -> None:
        self._write(status, json.dumps(body).encode(), {})

    def _write(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the server; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _completion(body: dict[str, Any], step: Step) -> dict[str, Any]:
    message = {"role": "assistant", "content": step["text"]}
    words = sum(len(str(one["content"]).split()) for one in body["messages"])
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": step.get("finish_reason", "stop")}
        ],
        "usage": {"prompt_tokens": words, "completion_tokens": len(step["text"].split())},
    }


def main() -> None:
    """Serve on a port that the system chooses, until standard input ends."""
    _Handler.state = _State()
    listener = _Listener(("127.0.0.1", 0), _Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    sys.stdout.write(f"{listener.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
