"""Runs programs in the sandbox, and the same program on the same verifier only once."""

import threading
from collections import OrderedDict
from hashlib import blake2b

from ...sandbox import SandboxError, Verdict, check, isolation

KEPT = 4096
"""How many verdicts are remembered, the latest used."""
TIMED = "time limit"
"""How the sandbox calls what a busier machine may bring about as well: never remembered."""


class Verdicts:
    """Verdicts by program and verifier. Safe between threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Verdict] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: bytes) -> Verdict | None:
        """Return a verdict, and take note that it was used."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Remember a verdict, and forget the one that was not used for longest."""
        with self._lock:
            self._known[key] = verdict
            while len(self._known) > self._kept:
                self._known.popitem(last=False)


_verdicts = Verdicts()


async def run(solution: str, verifier: str, known: Verdicts = _verdicts) -> Verdict:
    """Check a program in the sandbox, or recall what came of it.

    Running a program is deterministic, so that racing solvers that write the same program, and a
    reference that a solver finds again, cost one run.

    Raises:
        SandboxError: If the sandbox does not work.
    """
    key = _key(solution, verifier)
    verdict = known.get(key)
    if verdict is None:
        verdict = await check(solution, verifier)
        if TIMED not in verdict.reason:
            known.put(key, verdict)
    return verdict


def _key(solution: str, verifier: str) -> bytes:
    digest = blake2b(digest_size=16)
    for text in (solution, verifier):
        body = text.encode(errors="surrogatepass")
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.digest()


def protections() -> list[str]:
    """Say what keeps the programs of models from harming this machine, a line each."""
    try:
        found = isolation()
    except SandboxError as error:
        return [f"sandbox: programs cannot be run here ({error}); see docs/sandbox.md"]
    return [
        f"sandbox, {one.name}: {'' if one.active else 'NOT IN FORCE, '}{one.detail}"
        for one in found
    ]
