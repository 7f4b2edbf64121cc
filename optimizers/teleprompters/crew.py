"""How DSPy's evaluations are run here, in place of DSPy's own executor."""

import contextvars
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from functools import partialmethod
from pathlib import Path
from typing import Any

import dspy

_settle: ContextVar[Callable[[], object]] = ContextVar("settle", default=lambda: None)


def settled() -> None:
    """Say that it is settled what the item under way costs, so that the next one may begin."""
    _settle.get()()


class Crew:
    """Runs every item once, to its end, and raises what the first failed one raised.

    DSPy's executor starts slow items a second time, turns errors into results, forgets all results
    after ten of them, and leaves threads behind when it is stopped. Evaluate and Parallel have no
    option for that.

    An item begins when the one before it is `settled` or has ended. So the items pay in their
    order, and threads have no say in which of them a budget lasts for.

    Args:
        num_threads: Items under way at a time; DSPy's setting if not given.
        options: What DSPy's executor takes besides.
    """

    def __init__(self, num_threads: int | None = None, **options: Any) -> None:
        self._threads = num_threads or dspy.settings.num_threads

    def execute(self, function: Callable[[Any], Any], data: Sequence[Any]) -> list[Any]:
        """Return the results in the order of the items."""
        broken = threading.Event()

        def once(item: Any, next_may_begin: threading.Event) -> Any:
            _settle.set(next_may_begin.set)
            try:
                return function(item)
            except BaseException:
                broken.set()
                raise
            finally:
                next_may_begin.set()

        begun: list[Future[Any]] = []
        with ThreadPoolExecutor(self._threads) as pool:
            for item in data:
                if broken.is_set():
                    break
                next_may_begin = threading.Event()
                run = contextvars.copy_context().run
                begun.append(pool.submit(run, once, item, next_may_begin))
                next_may_begin.wait()
        return [one.result() for one in begun]


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
            _without_bars(),
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),
            dspy.context(lm=lm, trace=None, disable_history=True),
        ):
            yield
    finally:
        logger.setLevel(level)
        for home, executor in zip(homes, before, strict=True):
            home.ParallelExecutor = executor


@contextmanager
def _without_bars() -> Iterator[None]:
    """Show no progress bars; several of DSPy's have no option for that."""
    import tqdm

    bar: Any = tqdm.tqdm
    before = bar.__init__
    bar.__init__ = partialmethod(before, disable=True)
    try:
        yield
    finally:
        bar.__init__ = before
