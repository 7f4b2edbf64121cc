"""What a person sees while a run works: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)


class Reporter:
    """Shows stages and their progress on standard error, where it disturbs no output.

    Args:
        quiet: Show nothing.
        every: Seconds between two plain lines of one stage.
    """

    def __init__(self, *, quiet: bool = False, every: float = 10.0) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.spent: Callable[[], str] = str
        """Says what is spent of the budget; nothing without one."""
        self._every = every
        self._bar = self.console.is_terminal and not quiet
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TextColumn("{task.fields[spent]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self._task: Any = None
        self._title, self._done, self._said = "", 0, 0.0
        self._total: int | None = 0

    def __enter__(self) -> Self:
        if self._bar:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._progress.stop()

    def stage(self, title: str, total: int | None, *, announce: bool = True) -> None:
        """Begin a stage of `total` steps; the stage before has ended.

        Args:
            title: What is done now.
            total: How many steps there will be; `None` if nobody knows.
            announce: Without a terminal, say so in a line of its own.
        """
        self._title, self._done, self._total, self._said = title, 0, total, time.monotonic()
        if not self._bar:
            if announce:
                self.line(title if total is None else f"{title} ({total})")
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(title, total=total, note="", spent=self.spent())

    def advance(self, note: str = "") -> None:
        """Count one step of the stage."""
        self._done += 1
        if self._bar:
            self._progress.update(self._task, completed=self._done, note=note, spent=self.spent())
        elif time.monotonic() - self._said >= self._every:
            self._said = time.monotonic()
            spent = f"({self.spent()})" if self.spent() else ""
            of = "so far" if self._total is None else f"of {self._total}"
            words = [f"{self._title}: {self._done} {of}", note, spent]
            self.line(" ".join(word for word in words if word))

    def line(self, text: str) -> None:
        """Say something that stays."""
        self.console.print(text, markup=False, soft_wrap=True)
        sys.stderr.flush()
