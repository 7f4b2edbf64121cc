"""Runs the untrusted program: a solution that answers calls, or a verifier that makes them."""

import builtins
import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, NoReturn

from . import wire

IN, OUT, REPORT = 3, 4, 5
"""The descriptors of the calls between the two programs, and of what the guard is told."""
VERIFIER_FAILED = "verifier failed: "
"""How the reason starts if the verifier and not the solution is to blame."""
TEXT = 300
"""Most characters of an error's text."""


class SolutionError(Exception):
    """What a verifier sees if `solve` raises something that is not built in."""


class _Program(SourceFileLoader):
    """Loads a module from a text instead of a file."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, f"<{name}>")
        self._text = text

    def get_data(self, path: str) -> bytes:
        """Return the program, whatever the path."""
        return self._text.encode()

    def path_stats(self, path: str) -> NoReturn:
        """Say that there is no file, and so nothing to keep compiled."""
        raise OSError(path)


def load(name: str, text: str, wanted: str) -> Callable[..., Any]:
    """Run a program as the module `name` and return its function `wanted`.

    Raises:
        AttributeError: If it defines no such function.
        BaseException: Whatever the program raises.
    """
    module = ModuleType(name)
    sys.modules[name] = module
    _Program(name, text).exec_module(module)
    found = getattr(module, wanted, None)
    if not callable(found):
        raise AttributeError(f"the program defines no function `{wanted}`")
    return found


def describe(error: BaseException) -> tuple[str, str]:
    """Return the name of an error's type, and its text with the line of the program."""
    name = type(error).__name__[:TEXT]
    try:
        text = str(error)[:TEXT]
    except Exception as failure:
        text = f"(its text raises {type(failure).__name__})"
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in ("<solution>", "<verifier>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return name, f"{text} (line {line})".strip() if line else text


def answer_calls(text: str, limit: int) -> NoReturn:
    """Run a solution: say that it is ready, then answer calls until nobody asks any more."""
    try:
        solve = load("solution", text, "solve")
        frame = wire.dumps(["ready", None], limit)
    except BaseException as error:
        solve, frame = None, wire.dumps(["raised", describe(error)], limit)
    wire.send(OUT, frame)
    while solve and (body := wire.receive(IN, limit)) is not None:
        arguments, named = wire.loads(body)
        try:
            frame = wire.dumps(["returned", solve(*arguments, **named)], limit)
        except BaseException as error:
            frame = wire.dumps(["raised", describe(error)], limit)
        wire.send(OUT, frame)
    os._exit(0)


class Solve:
    """The function that a verifier gets: it calls `solve` in the other process."""

    def __init__(self, limit: int, deadline: float) -> None:
        self._limit, self._deadline = limit, deadline
        self.raised: BaseException | None = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return what the solution returns, or raise what it raises."""
        question = wire.dumps([arguments, named], self._limit)
        return self._exchange(question, "returned")

    def wait(self) -> None:
        """Wait until the solution is loaded; raise what its loading raises."""
        self._exchange(b"", "ready")

    def _exchange(self, question: bytes, wanted: str) -> Any:
        """Send and read once. If there is no answer, the check ends here.

        A verifier that expects an error must not take the end of the solution for one.
        """
        try:
            wire.send(OUT, question, self._deadline)
            body = wire.receive(IN, self._limit, self._deadline)
            kind, value = ("lost", None) if body is None else _answer(body)
        except ConnectionError:
            kind, value = "lost", None
        except TimeoutError:
            end(False, "time limit")
        except wire.WireError as error:
            end(False, f"the solution sent no answer: {error}")
        if kind == "lost":
            end(False, "", lost=True)
        if isinstance(value, Exception):
            self.raised = value
            raise value
        if kind != wanted:
            end(False, "the solution sent no answer: it spoke out of turn")
        return value


def _answer(body: bytes) -> tuple[str, Any]:
    match wire.loads(body):
        case ["ready" | "returned" as kind, value]:
            return kind, value
        case ["raised", (str(name), str(text))]:
            return "raised", _error(name, text)
    raise wire.WireError("neither a result nor an error")


def _error(name: str, text: str) -> Exception:
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text)
        except TypeError:  # Some, such as UnicodeDecodeError, take more than a text.
            pass
    return SolutionError(f"{name}: {text}")


def verify(text: str, limit: int, deadline: float) -> NoReturn:
    """Run a verifier and report its verdict."""
    os.set_blocking(OUT, False)
    solve = Solve(limit, deadline)
    try:
        solve.wait()
        result = load("verifier", text, "verify")(solve)
    except BaseException as error:
        name, detail = describe(error)
        if error is solve.raised:
            prefix = {MemoryError: "memory limit ", SolutionError: ""}
            end(False, f"{prefix.get(type(error), name + ': ')}{error}")
        if isinstance(error, AssertionError):
            end(False, f"verify: assertion failed: {detail}")
        end(False, f"{VERIFIER_FAILED}{name}: {detail}")
    if result is True or result is False:
        end(result, "" if result else "verify returned False")
    plain = isinstance(result, int | float | str | None)
    shown = repr(result)[:80] if plain else f"a value of type {type(result).__name__}"
    end(False, f"{VERIFIER_FAILED}verify returned {shown}, not True or False")


def end(passed: bool, reason: str, *, lost: bool = False) -> NoReturn:
    """Tell the guard the verdict and end this process at once."""
    verdict = {"passed": passed, "reason": reason[: 2 * TEXT], "lost": lost}
    wire.send(REPORT, wire.dumps(verdict, 1 << 16))
    os._exit(0)
