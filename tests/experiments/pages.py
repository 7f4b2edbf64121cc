"""MLflow's pages for tests: `serve` in a process of its own, as the command line runs it."""

import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

START = 120
CODE = """
import sys
from pathlib import Path
from autodata.experiments.server import serve
uri, artifacts, port, path = sys.argv[1:]
sys.exit(serve(uri, Path(artifacts), port=int(port), open_path=path))
"""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Pages:
    """A running server; leaving the context interrupts it as Ctrl-C does."""

    def __init__(self, uri: str, artifacts: Path, path: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}/"
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, uri, str(artifacts), str(self.port), path],
            stderr=subprocess.PIPE,
            text=True,
            # Pytest may have been started in the background, where interrupts are ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.url = ""

    def __enter__(self) -> "Pages":
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert self.process.stderr is not None
            for line in self.process.stderr:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        said = ""
        while "MLflow shows the run at " not in said:
            line = lines.get(timeout=START)
            assert line, f"the server did not start: {said}"
            said += line
        self.url = said.split("MLflow shows the run at ")[1].strip()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0

    def servers(self) -> list[int]:
        """Return MLflow's processes: the child, and what it has started."""
        found, todo = [], [self.process.pid]
        while todo:
            parent = todo.pop()
            tasks = Path(f"/proc/{parent}/task").glob("*/children")
            below = [int(word) for task in tasks for word in task.read_text().split()]
            found += below
            todo += below
        return found
