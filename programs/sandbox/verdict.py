"""From the reports of the two guarded processes to one verdict."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .inside.stage import VERIFIER_FAILED

_LONGEST = 300


class Verdict(NamedTuple):
    """Whether a solution passed, and why not."""

    passed: bool
    reason: str
    """One line of at most 300 printable characters; empty if it passed. Written in part by the
    untrusted programs: show it, but never act on it."""


def ended(report: Mapping[str, Any]) -> str:
    """Say how a program ended that gave no answer."""
    if report["timed_out"]:
        return "time limit"
    if report["exit"] < 0:
        return f"the program was ended by signal {-report['exit']}"
    return f"the program ended itself with exit code {report['exit']}"


def judge(verifier: Mapping[str, Any], solution: Mapping[str, Any]) -> Verdict:
    """Combine what the verifier's process told with how the two processes ended."""
    match verifier["told"][1:]:
        case [{"passed": True, "lost": False}]:
            return Verdict(True, "")
        case [{"passed": False, "lost": True}]:
            return Verdict(False, ended(solution))
        case [{"passed": False, "reason": str(reason)}]:
            return Verdict(False, one_line(reason))
    return Verdict(False, one_line(VERIFIER_FAILED + ended(verifier)))


def needed(verifier: Mapping[str, Any]) -> list[str]:
    """Name the processes that must have been set up for a verdict.

    A solution's process may still be on its way when a verifier has waited too long for it.
    """
    match verifier["told"][1:]:
        case [{"passed": False, "lost": False}]:
            return ["verifier"]
    return ["verifier", "solution"]


def one_line(text: str) -> str:
    """Make a stranger's text safe to show: one line, printable, at most 300 characters."""
    words = " ".join(text[: 8 * _LONGEST].split())
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
