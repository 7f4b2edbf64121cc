"""What protects this machine from the programs: tried once, said on request, and relied upon."""

import asyncio
import os
import re
import threading
import weakref
from concurrent.futures import Future
from errno import EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EUSERS
from typing import NamedTuple

from .. import background
from .limits import Limits
from .process import SandboxError, guarded, report

_measures: tuple["Measure", ...] = ()
_probing: "Future[None] | None" = None
"""The probe that is under way, whichever event loop runs it."""
_lock = threading.Lock()
"""Guards both."""
_slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    weakref.WeakKeyDictionary()
)
_TRIES = 3
"""Probes before a protection counts as missing for a reason that may pass."""
_PASSING = frozenset({EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EUSERS})
"""What a crowded machine answers; a system that forbids namespaces may answer the same for good."""


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
    """Try every protection once per process; `check` then insists on those that worked.

    Whoever comes while a probe is under way, on whatever event loop, waits for it and shares its
    error. An error is not kept: the next call tries again.

    Raises:
        SandboxError: If no process can be started at all.
    """
    global _probing
    while True:
        with _lock:
            if _measures:
                return _measures
            leads, flight = _probing is None, _probing or Future()
            if leads:
                flight.set_running_or_notify_cancel()  # One who stops waiting cancels it for none.
                _probing = flight
        if leads:
            await _lead(flight)
        else:
            await asyncio.wrap_future(flight)


def slot() -> asyncio.Semaphore:
    """Return this loop's bound on guards at a time: one per processor."""
    return _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))


async def _lead(flight: "Future[None]") -> None:
    """Probe, keep what is found, and release those who wait, however it ends."""
    global _measures, _probing
    found: tuple[Measure, ...] = ()
    failure: Exception | None = None
    try:
        found = await _probed()
    except Exception as error:
        failure = error
        raise
    finally:
        with _lock:
            _measures, _probing = found, None
        if failure:
            flight.set_exception(failure)
        else:  # If this caller was cancelled there is nothing yet, and one who waits probes.
            flight.set_result(None)


async def _probed() -> tuple[Measure, ...]:
    """Probe until nothing is missing for a reason that may pass; what worked once works."""
    missing = dict.fromkeys(DETAILS, "not tried")
    for _ in range(_TRIES):
        told = await _probe()
        missing = {name: why and told[name] for name, why in missing.items()}
        if not any(map(_may_pass, missing.values())):
            break
    return tuple(
        Measure(name, not missing[name], missing[name] or detail)
        for name, detail in DETAILS.items()
    )


def _may_pass(why: str) -> bool:
    number = re.match(r"\[Errno (\d+)\]", why)
    return number is not None and int(number[1]) in _PASSING


async def _probe() -> dict[str, str]:
    """Return for each measure "", or why one process could not take it."""
    limits = Limits()
    async with slot(), guarded(limits, []) as guard:
        probe = (await report(guard, limits))["probe"]
    if not probe["told"]:
        raise SandboxError(f"no process could be set up: {probe}")
    told: dict[str, str] = probe["told"][0]["measures"]
    return told
