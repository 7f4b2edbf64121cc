"""One event loop for the whole process, on a thread of its own.

Roles are written once, as coroutines. Synchronous callers (DSPy's optimizers, scripts) hand the
coroutine to this loop together with their context, so that there is one connection pool, and
cancelling really stops a call.
"""

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def loop() -> asyncio.AbstractEventLoop:
    """Return the process's background loop, starting it on first use."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="autodata-loop", daemon=True).start()
        return _loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop in the caller's context and wait for its result.

    An interrupt of the waiting thread (Ctrl-C) cancels the coroutine and waits until it has ended.

    Raises:
        RuntimeError: If called on the loop's own thread, where waiting would block it for ever.
    """
    target = loop()
    if _on(target):
        coroutine.close()
        raise RuntimeError(
            "called synchronously on the event loop's own thread: await `acall` instead of calling"
        )
    waiter: Future[T] = Future()
    task: list[asyncio.Task[T]] = []
    context = contextvars.copy_context()

    def start() -> None:
        task.append(target.create_task(coroutine, context=context))
        task[0].add_done_callback(lambda done: _hand_over(done, waiter))

    target.call_soon_threadsafe(start)
    try:
        return waiter.result()
    except (KeyboardInterrupt, SystemExit):
        target.call_soon_threadsafe(lambda: task[0].cancel() if task else None)
        waiter.exception()
        raise


def _on(target: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is target
    except RuntimeError:
        return False


def _hand_over(done: asyncio.Task[T], waiter: Future[T]) -> None:
    if done.cancelled():
        waiter.set_exception(asyncio.CancelledError())
    elif (error := done.exception()) is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(done.result())
