"""A chat server that fails on purpose, and a run that has to survive it.

The server speaks the chat-completions API in a process of its own, answers every role of the loop
with the offline models, and injects the faults of `kinds.py`: by script, by chance, in storms. It
can be killed, and comes back on the same port. It counts what it received.
"""

import json
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from .kinds import Plan


class Counters(NamedTuple):
    """What the server has received and answered so far, its earlier lives included."""

    faults: dict[str, int]
    """Requests by what they met; `good` for none."""
    models: dict[str, int]
    """Requests by the model that they ask."""
    prompts: dict[str, tuple[int, int]]
    """Requests and answers by prompt: the model, and a hash of what it read."""
    arrived: int
    answered: int
    """Answers sent to their end, odd ones included."""
    dropped: int
    """Requests whose client hung up before the server was done."""
    broken: int
    """Requests on which this server itself broke; anything but 0 is a bug of the tests."""
    in_flight: int
    """Requests in hand at this moment."""
    most_in_flight: int


class FaultyServer:
    """Starts the process and talks to it. Use it as a context manager.

    Args:
        folder: Where the log of what arrived is kept.
        simulated: Load the offline models before the first request, and not with it.
    """

    def __init__(self, folder: Path, *, simulated: bool = False) -> None:
        self._log = folder / "arrived.log"
        self._options = ["--simulated"] if simulated else []
        self._plan = Plan()
        self._process: subprocess.Popen[str] | None = None
        self._reserved = socket.socket()

    def __enter__(self) -> "FaultyServer":
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port: int = self._reserved.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._reserved.close()

    @property
    def url(self) -> str:
        """What a configuration calls `api_base`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def counters(self) -> Counters:
        """What the server has counted."""
        return self._control({})

    def follow(self, plan: Plan) -> None:
        """Change the plan; it outlives the process."""
        self._plan = plan
        self._control({"plan": plan})

    def script(self, **models: list[str]) -> None:
        """Set what the next requests for a model meet, whatever the plan; the last one lasts."""
        self._control({"scripts": models})

    def kill(self) -> None:
        """Let it die at once, with everything in hand."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        command = [sys.executable, "-m", "faults.serving", str(self.port), str(self._log)]
        self._process = subprocess.Popen(
            [*command, *self._options],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._control({"plan": self._plan})

    def _control(self, body: dict[str, Any]) -> Counters:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            head = {"Content-Type": "application/json"}
            connection.request("POST", "/control", json.dumps(body), head)
            return Counters(**json.loads(connection.getresponse().read()))
        finally:
            connection.close()
