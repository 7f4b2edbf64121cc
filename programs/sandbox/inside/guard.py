"""The trusted process around the untrusted ones: it sets limits, waits, kills and tidies up.

The guard reads its job from standard input and writes one report to standard output. The untrusted
programs never have either. Standard input stays open as long as somebody wants the result: when it
ends, because the caller is done, was cancelled or died, the guard ends the programs.
"""

# Importing pathlib would take longer than all that is done here.
# ruff: noqa: PTH102

import json
import os
import resource
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from . import namespaces, stage, wire
from .confine import attempt, confine
from .tidy import remove

GRACE = 0.5
"""Seconds that a program may take longer than its wall time, so that the verifier's own report that
it waited too long comes first."""
REPORT_BYTES = 1 << 16
JOB_BYTES = 1 << 26


def main() -> None:
    """Do the job and report how the programs ended."""
    os.umask(0o022)
    body = wire.receive(0, JOB_BYTES)
    if body is None:
        return
    job: dict[str, Any] = json.loads(body)
    os.mkdir(job["folder"], 0o711)
    try:
        deadline = time.monotonic() + job["limits"]["wall_seconds"]
        if job["solution"] is not None:
            report = _both(job, deadline)
        else:  # Just try what protects programs; the verifier is empty.
            wire.receive(0, JOB_BYTES)
            report = {"probe": _guard(job, "probe", "", deadline)}
    finally:
        remove(job["folder"])
    os.write(1, json.dumps(report).encode())


def _both(job: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Guard the verifier from here and the solution from a copy of this process.

    Each guard needs namespaces of its own, and one start of the interpreter is enough. The verifier
    is read after the copy was made: what the solution's process never held it cannot find.
    """
    questions, answers, wanted, result = os.pipe(), os.pipe(), os.pipe(), os.pipe()
    solution = job.pop("solution")
    twin = os.fork()
    if twin == 0:
        try:
            _close(questions[1], answers[0], wanted[1], result[0])
            channel = (questions[0], answers[1])
            report = _guard(job, "solution", solution, deadline, channel, wanted[0])
            os.write(result[1], json.dumps(report).encode())
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            raise
        finally:
            os._exit(0)
    _close(questions[0], answers[1], wanted[0], result[1])
    verifier = json.loads(wire.receive(0, JOB_BYTES) or b'""')
    report = _guard(job, "verifier", verifier, deadline, (answers[0], questions[1]))
    _close(wanted[1])
    told = b""
    while piece := os.read(result[0], REPORT_BYTES):
        told += piece
    os.waitpid(twin, 0)
    return {"verifier": report, "solution": json.loads(told)}


def _guard(
    job: Mapping[str, Any],
    role: str,
    program: str,
    deadline: float,
    channel: tuple[int, ...] = (),
    wanted: int = 0,
) -> dict[str, Any]:
    """Run one program in a process of its own until it ends, time is up, or `wanted` ends."""
    os.mkdir(f"{job['folder']}/{role}", 0o700)
    measures: dict[str, str] = {}
    attempt(measures, "namespaces", namespaces.separate)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _perform(job, role, program, deadline, (*channel, writing), measures)
    _close(*channel, writing)
    timed_out = _wait(reading, wanted, deadline + GRACE)
    _kill(child)
    _, status, usage = os.wait4(child, 0)
    os.set_blocking(reading, False)
    try:
        told = os.read(reading, REPORT_BYTES)
    except BlockingIOError:  # Nothing was written, and something still holds the other end.
        told = b""
    used = usage.ru_utime + usage.ru_stime
    return {
        "told": _frames(told),
        "exit": os.waitstatus_to_exitcode(status),
        "timed_out": timed_out or used > job["limits"]["cpu_seconds"] - 0.1,
    }


def _perform(
    job: Mapping[str, Any],
    role: str,
    program: str,
    deadline: float,
    descriptors: tuple[int, ...],
    measures: dict[str, str],
) -> NoReturn:
    """Be the untrusted process: give up everything, then run the program. Never returns."""
    try:
        _arrange(descriptors)
        os.setsid()
        confine(f"{job['folder']}/{role}", job["limits"], measures)
        wire.send(stage.REPORT, wire.dumps({"measures": measures}, REPORT_BYTES))
        os.dup2(1, 2)
        if role == "probe" or any(measures.get(name) for name in job["required"]):
            os._exit(0)
        size = job["limits"]["message_bytes"]
        if role == "verifier":
            stage.verify(program, size, deadline)
        stage.answer_calls(program, size)
    except BaseException as error:
        # Reaches the caller if the program has not yet begun, and nobody if it has.
        sys.excepthook(type(error), error, error.__traceback__)
        raise
    finally:
        os._exit(1)


def _arrange(descriptors: tuple[int, ...]) -> None:
    """Leave open nothing but the stage's descriptors, and 2 for errors of our own.

    Args:
        descriptors: Calls in, calls out and the report; a probe has only the last.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    *channel, report = descriptors
    wanted = dict(zip((stage.IN, stage.OUT), channel, strict=False))
    wanted |= {0: nothing, 1: nothing, stage.REPORT: report}
    # First out of the way of the numbers that they get.
    moved = {number: os.dup2(source, 100 + number) for number, source in wanted.items()}
    os.closerange(3, 100)
    for number, source in moved.items():
        os.dup2(source, number)
    os.closerange(stage.REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    sys.argv[:] = [""]
    sys.dont_write_bytecode = True


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _wait(reading: int, wanted: int, deadline: float) -> bool:
    """Wait until the program or the caller's interest ends; return whether time was up first.

    The end of the program shows as the end of the pipe that only it can write to.
    """
    poll = select.poll()
    poll.register(wanted, select.POLLIN)
    poll.register(reading, 0)
    return not poll.poll(max(0.0, deadline - time.monotonic()) * 1000)


def _kill(child: int) -> None:
    """Kill the program and its process group. In a namespace that is all there can be."""
    os.kill(child, 9)
    with suppress(ProcessLookupError, PermissionError):  # It leads no group yet, or has ended.
        os.killpg(child, 9)


def _frames(told: bytes) -> list[Any]:
    """Return what the program's process reported; the first was written before the program ran."""
    found: list[Any] = []
    while told:
        size = int.from_bytes(told[:4], "big")
        try:
            found.append(json.loads(told[4 : 4 + size]))
        except (ValueError, RecursionError):
            break
        told = told[4 + size :]
    return found[:2]
