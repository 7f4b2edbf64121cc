"""One event loop for the whole process, on a thread of its own.

Roles are written once, as coroutines. Synchronous callers (DSPy's optimizers, scripts) and other
event loops hand the coroutine to this loop together with their context, so that there is one
connection pool and one count of what is in flight, and cancelling really stops a call.
"""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from .traffic import Traffic

T = TypeVar("T")

traffic = Traffic()
"""The requests under way on the loop."""

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

    An interrupt of the waiting thread (Ctrl-C) lets the requests under way be answered and sends no
    other; a second one does not wait for them. Then the coroutine is cancelled, and has ended when
    the interrupt goes on.

    Raises:
        RuntimeError: If called on the loop's own thread, where waiting would block it for ever.
    """
    if _on(loop()):
        coroutine.close()
        raise RuntimeError(
            "called synchronously on the event loop's own thread: await `acall` instead of calling"
        )
    waiter, cancel = _started(coroutine)
    try:
        return waiter.result()
    except KeyboardInterrupt:
        landing = asyncio.run_coroutine_threadsafe(traffic.land(), loop())
        try:
            landing.result()
        finally:
            cancel()
            loop().call_soon_threadsafe(traffic.open)
            waiter.exception()
        raise
    except SystemExit:
        cancel()
        waiter.exception()
        raise


async def arun(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine on the background loop, whichever loop the caller is on."""
    if _on(loop()):
        return await coroutine
    waiter, cancel = _started(coroutine)
    try:
        return await asyncio.wrap_future(waiter)
    except asyncio.CancelledError:
        cancel()
        raise


def _started(coroutine: Coroutine[Any, Any, T]) -> tuple[Future[T], Callable[[], object]]:
    """Start a coroutine on the background loop; return its result to come, and how to cancel it."""
    target = loop()
    waiter: Future[T] = Future()
    task: list[asyncio.Task[T]] = []
    context = contextvars.copy_context()

    def start() -> None:
        task.append(target.create_task(coroutine, context=context))
        task[0].add_done_callback(lambda done: _hand_over(done, waiter))

    def cancel() -> None:
        target.call_soon_threadsafe(lambda: task[0].cancel() if task else None)

    target.call_soon_threadsafe(start)
    return waiter, cancel


def _on(target: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is target
    except RuntimeError:
        return False


def _hand_over(done: asyncio.Task[T], waiter: Future[T]) -> None:
    if waiter.cancelled():
        return  # Nobody waits any more.
    if done.cancelled():
        waiter.set_exception(asyncio.CancelledError())
    elif (error := done.exception()) is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(done.result())


def _forget() -> None:
    """Begin without a loop: a forked process has its parent's, and not the thread that ran it."""
    global _loop, _lock, traffic
    _loop, _lock, traffic = None, threading.Lock(), Traffic()


os.register_at_fork(after_in_child=_forget)
