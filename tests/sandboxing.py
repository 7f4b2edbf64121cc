"""A host that notices what a sandboxed program leaves, and a sandbox with parts taken away."""

import asyncio
import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autodata.programs.sandbox import Limits, Verdict, check, isolation, process

SHORT = Limits(cpu_seconds=1, wall_seconds=0.8)
EQUALS_ONE = "def verify(solve):\n    return solve() == 1\n"
SECRET = "tr0ub4dor"

PARTS = {
    "namespaces": "namespaces.separate",
    "own user": "confine._become_nobody",
    "Landlock": "landlock.confine",
    "system call filter": "syscalls.install",
}


def verdict(solution: str, verifier: str = EQUALS_ONE, limits: Limits | None = None) -> Verdict:
    return asyncio.run(check(solution, verifier, limits))


def children() -> set[int]:
    """Return this process's children, and, as it adopts orphans, whatever they left."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def adopt_orphans(wanted: bool) -> None:
    """Become the parent of whatever our children leave, or stop being it."""
    ctypes.CDLL(None).prctl(36, int(wanted), 0, 0, 0)


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, the listing's own among them


@contextmanager
def watched() -> Iterator[Path]:
    """Give the sandbox a folder of its own, and insist that nothing at all is left afterwards."""
    adopt_orphans(True)
    folder = Path(tempfile.mkdtemp(prefix="host-"))
    folder.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setenv("AUTODATA_SECRET", SECRET)
        isolation()
        before = children(), descriptors()
        try:
            yield folder
            until(lambda: children() <= before[0])
            assert list(folder.iterdir()) == []
            assert children() <= before[0]
            assert descriptors() <= before[1]
        finally:
            shutil.rmtree(folder)
            adopt_orphans(False)


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what other processes need a moment to do."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)


def active(*names: str) -> bool:
    return {measure.name for measure in isolation() if measure.active} >= set(names)


def needs(*names: str) -> None:
    """Skip a test of protections that this machine does not have."""
    if not active(*names):
        pytest.skip(f"needs {', '.join(names)}")


def weaken(patch: pytest.MonkeyPatch, *parts: str) -> None:
    """Take protections away, as on a system that does not have them."""
    lines = ["from inside import confine, landlock, namespaces, syscalls"]
    lines += ["def refuse(*_): raise OSError(1, 'taken away')"]
    lines += [f"{PARTS[part]} = refuse" for part in parts]
    text = "\n".join([*lines, "guard.main()"])
    patch.setattr(process, "START", process.START.replace("guard.main()", text))
    patch.setattr("autodata.programs.sandbox.protection._measures", ())
