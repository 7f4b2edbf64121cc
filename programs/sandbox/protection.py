"""What protects this machine from the programs: tried once, said on request, and relied upon."""

from typing import NamedTuple

from .. import background
from .limits import Limits
from .process import SandboxError, guarded, report

_measures: tuple["Measure", ...] = ()


class Measure(NamedTuple):
    """One protection, and whether it works on this machine."""

    name: str
    active: bool
    detail: str
    """What it does or, if it is not active, why not."""


DETAILS = {
    "namespaces": "no network, no other processes in sight, no shared memory that outlives it",
    "files out of sight": "the root holds only Python's library and a working folder in memory",
    "own user": "runs as a user that owns nothing",
    "resource limits": "processor time, memory, file size, open files, no further process",
    "no new privileges": "no privileges, none to gain, not to be looked into",
    "Landlock": "reads only Python's library, writes only the working folder, sends no signals",
    "system call filter": "no processes, sockets, signals or other system calls it does not need",
}


def isolation() -> tuple[Measure, ...]:
    """Say what protects this machine from the programs that `check` runs, one entry per measure.

    Raises:
        SandboxError: If no process can be started at all.
        RuntimeError: If called on the background loop's thread: await `measures` there.
    """
    return background.run(measures())


async def measures() -> tuple[Measure, ...]:
    """Try every protection once per process; `check` then insists on those that worked."""
    global _measures
    if not _measures:
        limits = Limits()
        async with guarded(limits, []) as guard:
            probe = (await report(guard, limits))["probe"]
        if not probe["told"]:
            raise SandboxError(f"no process could be set up: {probe}")
        told = probe["told"][0]["measures"]
        _measures = tuple(
            Measure(name, not told[name], told[name] or detail) for name, detail in DETAILS.items()
        )
    return _measures
