"""Processes that compare answers: kept for the next question, killed when one takes too long."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = 120.0
"""Seconds by the clock that a process may take to import what it needs."""
_CLOCK = 10
"""Seconds by the clock for each of processor time, so that verdicts do not depend on the load."""


class PoolError(RuntimeError):
    """A process that compares answers could not be started: it says nothing about the answers."""


class _Gone(Exception):  # noqa: N818
    """The process ended before it answered."""


class _Late(Exception):  # noqa: N818
    """The process did not answer in time."""


class _Worker:
    """One process. Only one thread at a time asks it."""

    def __init__(self) -> None:
        name = f"{__package__}.worker"
        # Nothing of our environment, and so no key, is there to be found; the fixed hash seed
        # makes sympy put terms in the same order each time.
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-B", "-m", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=os.sep,
                env={"PYTHONPATH": paths, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
            )
        except OSError as error:
            raise PoolError(
                f"{name}: the process that compares answers cannot be started ({error}); free "
                "memory, processes or open files, or allow this user more of them"
            ) from error
        try:
            self._read(_START)
        except (_Gone, _Late) as error:
            self.close()
            raise PoolError(
                f"{name}: the process that compares answers did not start; install the package "
                f"with its dependencies, and see what `python -m {name}` says"
            ) from error

    def ask(self, answer: str, reference: str, seconds: float) -> bool | None:
        """Compare two answers within a limit of processor time.

        Raises:
            _Gone: If the process has ended for another reason.
            _Late: If the time is over.
        """
        # Short enough for the pipe's buffer, so that writing never waits for the other side.
        request = {"answer": answer, "reference": reference, "seconds": seconds}
        try:
            os.write(self._pipe("stdin"), json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise _Gone from error
        try:
            return json.loads(self._read(_CLOCK * seconds))
        except _Gone:
            if self.process.wait(_START) == -signal.SIGPROF:
                raise _Late from None
            raise

    def _pipe(self, name: str) -> int:
        return getattr(self.process, name).fileno()

    def _read(self, seconds: float) -> bytes:
        pipe = self._pipe("stdout")
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        line, end = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not waiting.poll(1000 * left):
                raise _Late
            some = os.read(pipe, 65536)
            if not some:
                raise _Gone
            line += some
        return line

    def close(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.forget()
        self.process.wait()

    def forget(self) -> None:
        """Close our ends of the pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Pool:
    """As many processes as there are processors for us, started when they are needed.

    Any number of threads may use it. After a fork, the child starts its own processes.
    """

    def __init__(self) -> None:
        self._reset()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forget)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()

    def _forget(self) -> None:
        for worker in [*self._idle, *self._busy]:
            worker.forget()
        self._reset()

    def close(self) -> None:
        """End all processes; the next question starts new ones."""
        with self._lock:
            idle, busy = [*self._idle], [*self._busy]
            self._idle.clear()
        for worker in idle:
            worker.close()
        for worker in busy:
            # The thread that waits for it sees its end, and closes what is its own.
            worker.process.kill()

    def processes(self, *, idle: bool = True) -> list[int]:
        """Return the identifiers of the processes that wait for a question, or that work on one."""
        with self._lock:
            return [worker.process.pid for worker in (self._idle if idle else self._busy)]

    def ask(self, answer: str, reference: str, seconds: float) -> bool | None:
        """Compare two answers; `None` also if it took too long or too much memory.

        Args:
            answer: The answer, short enough for a pipe's buffer together with the reference.
            reference: What it is compared with.
            seconds: Limit of processor time, above 0. Ten times as much by the clock is the end
                in any case.

        Raises:
            PoolError: If no process can be started.
        """
        with self._free:
            for _ in range(2):
                try:
                    with self._worker() as worker:
                        return worker.ask(answer, reference, seconds)
                except _Late:
                    return None
                except _Gone:
                    # It may have ended before the question came: once more, with another one.
                    continue
            return None

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
            if worker is not None:
                self._busy.add(worker)
        if worker is None:
            worker = _Worker()
            with self._lock:
                self._busy.add(worker)
        fit = False
        try:
            yield worker
            fit = True
        finally:
            with self._lock:
                self._busy.discard(worker)
                if fit:
                    self._idle.append(worker)
            if not fit:
                worker.close()
