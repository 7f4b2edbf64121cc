"""The guard (`inside/guard.py`), as a process of ours that starts, reports and ends."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import uuid
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from .limits import Limits
from .verdict import one_line

_FOLDER = Path(__file__).parent
START = """
import sys
sys.path.insert(0, sys.argv[1])
from inside import guard
sys.path.pop(0)
guard.main()
"""
FLAGS = ("-s", "-S", "-P", "-X", "utf8", "-c")
_PATIENCE = 30.0
"""Seconds that a guard gets to start and to tidy up on a crowded machine."""


class SandboxError(RuntimeError):
    """The sandbox itself does not work: no program is to blame, and none was judged."""


@asynccontextmanager
async def guarded(
    limits: Limits, required: Sequence[str], solution: str | None = None, verifier: str = ""
) -> AsyncIterator[Process]:
    """Start a guard with a job; whatever happens, leave no process and no folder behind."""
    folder = Path(tempfile.gettempdir()) / f"autodata-sandbox-{uuid.uuid4().hex}"
    job = {
        "limits": limits.model_dump(),
        "required": required,
        "folder": str(folder),
        "solution": solution,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *FLAGS,
        START,
        str(_FOLDER),
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        env=_environment(),
        cwd=_FOLDER.root,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        for part in (job, verifier):
            body = json.dumps(part).encode()
            process.stdin.write(len(body).to_bytes(4, "big") + body)
        with suppress(ConnectionError):  # A guard that could not start has said why.
            await process.stdin.drain()
        yield process
    finally:
        ending = asyncio.ensure_future(_end(process, folder))
        cancelled = None
        while not ending.done():
            try:
                await asyncio.wait([ending])
            except asyncio.CancelledError as error:
                cancelled = error
        ending.result()
        if cancelled:
            raise cancelled


async def _end(process: Process, folder: Path) -> None:
    """Let the guard kill its program and remove the folder; kill it too if it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise SandboxError(f"a guard did not end; look at {folder} and remove it") from None


async def report(guard: Process, limits: Limits) -> dict[str, Any]:
    """Read a guard's report: for each of its programs, how it ended and what its process told.

    Raises:
        SandboxError: If there is none.
    """
    assert guard.stdout is not None
    try:
        text = await asyncio.wait_for(guard.stdout.read(), limits.wall_seconds + _PATIENCE)
    except TimeoutError:
        raise SandboxError("the guard gave no report in time") from None
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        found = {}
    if not found:
        shown = one_line(text.decode(errors="replace")[-600:])
        raise SandboxError(f"the guard did not work: {shown}")
    return found


def _environment() -> dict[str, str]:
    """Return what the guard's interpreter needs. The programs see none of it."""
    # The order of sets of strings is the same every time, so a verdict is too.
    found = {"PYTHONHASHSEED": "0"}
    # Some interpreters do not start without it.
    if libraries := os.environ.get("LD_LIBRARY_PATH"):
        found["LD_LIBRARY_PATH"] = libraries
    return found
