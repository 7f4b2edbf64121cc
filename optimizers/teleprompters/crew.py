"""How DSPy's evaluations are run here, in place of DSPy's own executor."""

import contextvars
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import dspy

_HOMES = ("dspy.evaluate.evaluate", "dspy.predict.parallel")
"""Where DSPy looks its executor up."""


class Crew:
    """Runs every item once, to its end, and raises what the first failed one raised.

    DSPy's executor starts slow items a second time, turns errors into results, forgets all results
    after ten of them, and leaves threads behind when it is stopped. Evaluate and Parallel have no
    option for that.

    Args:
        num_threads: Items under way at a time; DSPy's setting if not given.
        options: What DSPy's executor takes besides.
    """

    def __init__(self, num_threads: int | None = None, **options: Any) -> None:
        self._threads = num_threads or dspy.settings.num_threads

    def execute(self, function: Callable[[Any], Any], data: Sequence[Any]) -> list[Any]:
        """Return the results in the order of the items."""
        broken = threading.Event()

        def once(item: Any) -> Any:
            if broken.is_set():
                raise CancelledError
            try:
                return function(item)
            except BaseException:
                broken.set()
                raise

        with ThreadPoolExecutor(self._threads) as pool:
            # Items begin in order, so that one that is cancelled comes after the one that failed.
            waiting = [pool.submit(contextvars.copy_context().run, once, one) for one in data]
        return [one.result() for one in waiting]


@contextmanager
def compiling(lm: dspy.LM) -> Iterator[None]:
    """Set DSPy up for a compilation, and leave nothing of it behind.

    Args:
        lm: The model for whatever an optimizer asks itself.
    """
    homes: list[Any] = [
        importlib.import_module(f"dspy.{name}")
        for name in ("evaluate.evaluate", "predict.parallel")
    ]
    before = [home.ParallelExecutor for home in homes]
    logger = logging.getLogger("dspy")
    level = logger.level
    try:
        for home in homes:
            home.ParallelExecutor = Crew
        logger.setLevel(logging.ERROR)
        with (
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),
            dspy.context(lm=lm, trace=None, disable_history=True),
        ):
            yield
    finally:
        logger.setLevel(level)
        for home, executor in zip(homes, before, strict=True):
            home.ParallelExecutor = executor
