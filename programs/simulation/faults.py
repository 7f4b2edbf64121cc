"""Faults on request: errors of the transport, and answers as real endpoints spoil them."""

import re
import threading
from collections import Counter

import dspy.lm15 as lm15

from .options import Faults
from .prompts import Form
from .seeds import uniform

WAIT = 0.01
"""Seconds that an error asks to wait before another try."""

_TRANSLATED = {
    "answer": "antwort",
    "brief": "auftrag",
    "context": "kontext",
    "lesson": "lehre",
    "notes": "notizen",
    "report": "bericht",
    "task": "aufgabe",
    "verdicts": "urteile",
}


class Tries:
    """Counts how often in a row a request failed, so that a retry can succeed.

    A request that is answered is forgotten: asking again later repeats the same history. Safe
    between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Counter[object] = Counter()

    def next(self, request: object) -> int:
        """Return the number of this try, from 1."""
        with self._lock:
            self._made[request] += 1
            return self._made[request]

    def forget(self, request: object) -> None:
        """Start again at 1 after an answer."""
        with self._lock:
            self._made.pop(request, None)


def strike(faults: Faults, key: tuple[object, ...]) -> None:
    """Raise an error of the transport, if one is due.

    Raises:
        lm15.RateLimitError: With the chance `faults.rate_limit`.
        lm15.TimeoutError: With the chance `faults.timeout`.
        lm15.ServerError: With the chance `faults.server_error`.
    """
    told = {"provider": "simulation", "retry_after": WAIT}
    if due(faults.rate_limit, *key, "rate_limit"):
        raise lm15.RateLimitError("simulated rate limit", status=429, **told)
    if due(faults.timeout, *key, "timeout"):
        raise lm15.TimeoutError("simulated timeout", **told)
    if due(faults.server_error, *key, "server_error"):
        raise lm15.ServerError("simulated server error", status=503, **told)


def due(chance: float, *key: object) -> bool:
    """Say whether a fault of this chance happens in this call."""
    return chance > 0 and uniform(*key) < chance


def spoil(text: str, form: Form, faults: Faults, key: tuple[object, ...]) -> tuple[str, bool]:
    """Return an answer as it arrives, and whether it hit the token limit."""
    if due(faults.empty, *key, "empty"):
        return (_hollow(form) if uniform(*key, "hollow") < 0.5 else ""), False
    if due(faults.malformed, *key, "malformed"):
        text = _renamed(text, form, {name: f"{name}_draft" for name in form.outputs})
    elif due(faults.wrong_markers, *key, "wrong_markers"):
        names = {name: _TRANSLATED.get(name, f"feld_{name}") for name in form.outputs}
        text = _renamed(text, form, names)
    if due(faults.truncated, *key, "truncated"):
        return text[: max(1, int(len(text) * 0.6))], True
    return text, False


def _hollow(form: Form) -> str:
    if form.json:
        return "{" + ", ".join(f'"{name}": ""' for name in form.outputs) + "}"
    return "\n\n".join(f"[[ ## {name} ## ]]" for name in (*form.outputs, "completed"))


def _renamed(text: str, form: Form, names: dict[str, str]) -> str:
    for name, other in names.items():
        if form.json:
            text = text.replace(f'"{name}":', f'"{other}":', 1)
        else:
            text = re.sub(rf"\[\[ ## {name} ## \]\]", f"[[ ## {other} ## ]]", text)
    return text
