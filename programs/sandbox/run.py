"""Checks a solution with a verifier, each in a process of its own that may do next to nothing."""

from .limits import Limits
from .process import SandboxError, guarded, report
from .protection import measures, slot
from .verdict import VERIFIER_FAILED, Verdict, judge, needed

LONGEST = 1_000_000
"""Most characters of a program."""


async def check(solution: str, verifier: str, limits: Limits | None = None) -> Verdict:
    """Run a verifier on a solution; both are untrusted.

    The solution answers the verifier's calls from another process. It can return plain values and
    raise errors, and has no way to the verdict.

    Args:
        solution: A program that defines `solve`. Only the standard library can be imported.
        verifier: A program that defines `verify(solve) -> bool`. Only `True` passes.
        limits: What each of the two may use.

    Returns:
        The verdict. Its reason starts with `VERIFIER_FAILED` if the verifier is to blame.

    Raises:
        SandboxError: If the sandbox does not work, or protects less than it did at first.
    """
    limits = limits or Limits()
    for blame, program in (("", solution), (VERIFIER_FAILED, verifier)):
        if len(program) > LONGEST:
            return Verdict(False, f"{blame}the program is longer than {LONGEST} characters")
    required = [measure.name for measure in await measures() if measure.active]
    async with slot(), guarded(limits, required, solution, verifier) as guard:
        reports = await report(guard, limits)
    for part in reports.values():
        told = part["told"][0]["measures"] if part["told"] else {}
        if weaker := [f"{name} ({told[name]})" for name in required if told.get(name)]:
            raise SandboxError(f"protection that worked at first is gone: {', '.join(weaker)}")
    if unready := [name for name in needed(reports["verifier"]) if not reports[name]["told"]]:
        raise SandboxError(
            f"no process for the {unready[0]} could be set up: {reports[unready[0]]}"
        )
    return judge(reports["verifier"], reports["solution"])
