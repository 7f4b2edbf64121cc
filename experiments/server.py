"""The MLflow pages of a run: starts MLflow's server, waits for it, and ends it with us."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from rich.console import Console

from . import address
from .config import ExperimentConfig
from .errors import InputError
from .markdown import clip
from .view import EVERY, view_path

__all__ = ["serve", "serve_runs"]

START_TIMEOUT = 180
"""Seconds for the server to answer; a loaded machine has needed 15."""
STOP_TIMEOUT = 10
"""Seconds for it to end by itself."""


def serve_runs(config: ExperimentConfig, *, port: int = 5000, every: bool = False) -> int:
    """Show a configuration's tracking store, with its run's trials in front if there are any.

    Args:
        config: Says which store and which run.
        port: Port to listen on.
        every: Show the trials of all runs of the run's MLflow experiment instead.

    Raises:
        InputError: If there is no database, the port is taken, or the server does not start.
    """
    uri = address.tracking_uri(config)
    run = address.noted(config.folder)
    path = "#/experiments"
    if run is not None:
        path = view_path(run.experiment_id, EVERY if every else run.run_id)
    return serve(uri, address.artifact_root(uri), port=port, open_path=path)


def serve(
    tracking_uri: str,
    artifact_root: Path | None,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    open_path: str = "",
) -> int:
    """Show what is recorded in a database, until interrupted. Needs no network.

    Args:
        tracking_uri: Address of the database.
        artifact_root: Folder for the artifacts of experiments that begin through the server.
        host: Interface to listen on. Whoever reaches it can read and change the records.
        port: Port to listen on.
        open_path: Part of the address to print, after the server's.

    Returns:
        The exit status: 0 after an interrupt.

    Raises:
        InputError: If there is no database, the port is taken, or the server does not start.
    """
    _require_database(tracking_uri, open_path)
    _require_port(host, port)
    console = Console(stderr=True)
    with tempfile.TemporaryFile() as log, _ended_with_us():
        process = subprocess.Popen(
            _command(tracking_uri, artifact_root, host, port),
            env=_environment(tracking_uri),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            base = f"http://{_named(host)}:{port}/"
            _await(base, process, log, console)
            console.print(f"MLflow shows the run at {base}{open_path}", soft_wrap=True)
            console.print("Press Ctrl-C to stop.")
            status = process.wait()
        except KeyboardInterrupt:
            status = 0
        finally:
            _end(process)
        return status


def _require_database(uri: str, path: str) -> None:
    if uri.startswith(("http://", "https://")):
        shown = address.shown(uri).rstrip("/")
        raise InputError(f"{shown}: is a server already; open {shown}/{path} in a browser")
    file = address.database(uri)
    if file is not None and not file.is_file():
        raise InputError(f"{file}: nothing is recorded there yet; run `autodata optimize` first")
    address.prepare(uri)


def _require_port(host: str, port: int) -> None:
    """Try the port, because MLflow's own message about a taken one is lost in its log."""
    try:
        if not 0 < port < 65536:
            raise OverflowError("ports go from 1 to 65535")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"port {port} on {host}: cannot be used ({error}); choose another with --port"
        ) from None


def _command(uri: str, artifacts: Path | None, host: str, port: int) -> list[str]:
    # Files stay where our runs put them: the server reads them in place and passes none on.
    root = [] if artifacts is None else ["--default-artifact-root", artifacts.as_uri()]
    options = ["--host", host, "--port", str(port), "--workers", "1", "--no-serve-artifacts", *root]
    return [sys.executable, "-m", "mlflow", "server", *options]


def _environment(uri: str) -> dict[str, str]:
    """Return the server's environment; the address stands in it and not in the process list."""
    return {
        **address.DEFAULTS,
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,
        # A folder of the user's named like a module must not be imported in its place.
        "PYTHONSAFEPATH": "1",
    }


def _named(host: str) -> str:
    """Return the host as a browser on this machine has to name it."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _await(base: str, process: subprocess.Popen[bytes], log: IO[bytes], console: Console) -> None:
    """Wait until the server answers."""
    message = "starting MLflow's pages"
    if not console.is_terminal:
        console.print(f"{message} ...")
    with console.status(message):
        last = time.monotonic() + START_TIMEOUT
        while not _healthy(f"{base}health"):
            if process.poll() is not None:
                raise InputError(f"MLflow's server ended at once: {_last_words(log)}")
            if time.monotonic() > last:
                raise InputError(
                    f"MLflow's server gave no answer in {START_TIMEOUT} s: {_last_words(log)}"
                )
            time.sleep(0.2)


def _healthy(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _last_words(log: IO[bytes]) -> str:
    """Return the last line of the log that names an error, or else the last of all."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    errors = [line for line in lines if re.match(r"\S*(Error|Exception)\b", line)]
    last = [*filter(None, lines), *errors][-1:]
    return clip(last[0], 300) if last else "it said nothing"


@contextmanager
def _ended_with_us() -> Iterator[None]:
    """Turn every usual way of ending this process into the interrupt that ends the server."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # What is ignored stays ignored: that is how `nohup` keeps a process.
    signals = [
        one
        for one in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(one) is not signal.SIG_IGN
    ]
    before = {one: signal.signal(one, interrupt) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers, which are a process group of their own."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
            process.wait(STOP_TIMEOUT)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
