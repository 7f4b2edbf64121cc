"""The process that reads and compares answers: one line of JSON in, one line out.

Text from a model may lead to endless work, so this runs in a process of its own, which the caller
kills. The kernel ends it as well, where it takes more processor time or memory than it may, or
writes a file.
"""

import json
import re
import resource
import signal
import sys
from typing import Any

from .compare import same
from .formula import natural_logarithms
from .latex import UnreadableError
from .named import applies_unknown
from .numbers import UndecidedError
from .reader import read
from .text import ascii_math

MEMORY = 2 * 1024**3
"""Bytes of address space."""
_RECURSION = 3000
_UNCLEAR = re.compile(r"/\s*\d+(?:[a-zA-Z(]|\s+\()")
"""1/2x, which some mean as x/2."""


def decide(answer: str, reference: str) -> bool | None:
    """Compare two answers; `None` if one cannot be read or it cannot be told."""
    try:
        verdict = _decide(answer, reference)
        if verdict is False and any(map(_UNCLEAR.search, (answer, reference))):
            return None
        if verdict is False and "log" in f"{answer}{reference}":
            # Without a base, some mean the natural logarithm and some that of base 10.
            with natural_logarithms():
                verdict = _decide(answer, reference)
        if verdict is False and any(
            applies_unknown(ascii_math(text)) for text in (answer, reference)
        ):
            return None
    except (UnreadableError, UndecidedError):
        return None
    return verdict


def _decide(answer: str, reference: str) -> bool | None:
    try:
        return same(read(answer), read(reference))
    except (UnreadableError, UndecidedError):
        raise
    except Exception as error:
        # Sympy raises whatever a strange expression leads to, and our limits their own errors.
        raise UndecidedError(f"{error!r:.200}") from error


def main() -> None:
    """Answer requests until the caller closes the pipe or a limit ends the process."""
    import latex2sympy2_extended.latex2sympy2
    import math_verify
    import sympy

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(_RECURSION)
    out, sys.stdout = sys.stdout, sys.stderr
    _say(
        out, [math_verify.__name__, latex2sympy2_extended.latex2sympy2.__name__, sympy.__version__]
    )
    for line in sys.stdin:
        request = json.loads(line)
        # Nothing handles this signal, so that it ends the process wherever that is.
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        verdict = decide(request["answer"], request["reference"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        _say(out, verdict)


def _say(out: Any, message: object) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
