"""One thread that does jobs in order, and says later what went wrong."""

import logging
import queue
import threading
from collections.abc import Callable

from .source import one_line

__all__ = ["Writer"]

logger = logging.getLogger(__name__)

Job = tuple[str, Callable[[], None]]


class Writer:
    """Does jobs one after the other in a thread of its own.

    A job that fails does not stop the next one. What failed is said once, by `check`.
    """

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._faults: list[tuple[str, Exception]] = []
        self._thread = threading.Thread(target=self._work, name="autodata-tracking", daemon=True)
        self._thread.start()

    def put(self, what: str, job: Callable[[], None]) -> None:
        """Queue a job and return at once.

        Args:
            what: What the job records, such as `trial 3`.
            job: What to do.
        """
        self._jobs.put((what, job))

    def check(self) -> None:
        """Say what has gone wrong so far.

        Raises:
            RuntimeError: If a job failed since the last time that this was said.
        """
        faults, self._faults = self._faults, []
        if faults:
            what, error = faults[0]
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise RuntimeError(
                f"MLflow did not record {what}{more}: {type(error).__name__}: {one_line(error)}; "
                "mend the tracking store and run again, which records what is missing"
            ) from error

    def flush(self) -> None:
        """Wait until all jobs are done.

        Raises:
            RuntimeError: If one of them failed.
        """
        self._jobs.join()
        self.check()

    def close(self) -> None:
        """Do what is queued, then end the thread. Calling it again does nothing.

        Raises:
            RuntimeError: If a job failed.
        """
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()
        self.check()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            what, act = job
            try:
                act()
            except Exception as error:  # Kept, and raised in the thread that asked.
                logger.debug("%s", what, exc_info=True)
                self._faults.append((what, error))
            finally:
                self._jobs.task_done()
