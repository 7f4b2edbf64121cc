"""The roles that run programs instead of asking a model: verifier and judge."""

import ast
import asyncio
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import dspy

from ...role import Role
from ...sandbox import VERIFIER_FAILED, Verdict
from ...tasks import ProgramTask
from .running import run
from .source import LONGEST, blocks, extract_program, functions, parsed, takes

DOCUMENTED = 4
"""How many functions of a document are tried as answers, at most."""


class Expected(NamedTuple):
    """A program, and what the verifier must make of it."""

    name: str
    program: str
    passes: bool
    ours: bool = True
    """Part of the task, so that the verifier has to cope with it."""


class Execution(Role):
    """Keep a task only if running it says that its parts fit together (Self-Challenging).

    The reference passes, every failing program fails, and no function of the document passes as
    it stands: then the task would not be new.
    """

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("verifier", lm)

    async def aforward(self, document: str, task: ProgramTask) -> dspy.Prediction:
        """Return a prediction with `faults`: the first that running finds, or none.

        The programs run at once. The first fault is the first in order and not in time, so that
        the same task always gets the same answer; what is still running is stopped.
        """
        wanted = [
            Expected("the reference", task.reference, passes=True),
            *(
                Expected(f"failing program {i}", text, passes=False)
                for i, text in enumerate(task.failing, 1)
            ),
            *_documented(document, task),
        ]
        runs = [asyncio.create_task(run(one.program, task.verifier)) for one in wanted]
        faults: list[str] = []
        try:
            for one, running in zip(wanted, runs, strict=True):
                if fault := _fault(one, await running):
                    faults.append(fault)
                    break
        finally:
            for running in runs:
                running.cancel()
            await asyncio.gather(*runs, return_exceptions=True)
        return dspy.Prediction(faults=faults)


class Grader(Role):
    """Grade an answer 1 or 0 by running its program."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("judge", lm)

    async def aforward(self, task: ProgramTask, answer: str) -> dspy.Prediction:
        """Return a prediction with `grade`, and `note`: why the program failed, in one line."""
        program = extract_program(answer)
        if not program:
            verdict = Verdict(False, "the answer has no program that defines `solve`")
        elif len(program) > LONGEST:
            verdict = Verdict(False, f"the program is longer than {LONGEST} characters")
        else:
            verdict = await run(program, task.verifier)
        return dspy.Prediction(
            grade=Fraction(int(verdict.passed)), satisfied=(), note=verdict.reason
        )


def _fault(one: Expected, verdict: Verdict) -> str:
    """Say what is wrong with a task if a program came out as `verdict`; empty if nothing is."""
    if one.passes and not verdict.passed:
        return f"execution: {one.name} does not pass ({verdict.reason})"
    if verdict.passed and not one.passes:
        if not one.ours:
            return f"execution: {one.name} of the document passes; write a task that is new"
        return f"execution: {one.name} passes; test what it gets wrong, or replace it"
    if one.ours and verdict.reason.startswith(VERIFIER_FAILED):
        why = verdict.reason.removeprefix(VERIFIER_FAILED)
        return f"execution: the verifier breaks on {one.name} ({why}); let it return False"
    return ""


def _documented(document: str, task: ProgramTask) -> Iterator[Expected]:
    """Yield the document's functions that can be called like the reference, as answers."""
    reference = parsed(task.reference)
    given = takes(functions(reference)["solve"])[0] if isinstance(reference, ast.Module) else 0
    found: list[Expected] = []
    for block in blocks(document):
        tree = parsed(block)
        if isinstance(tree, str):
            continue
        for name, function in functions(tree).items():
            fewest, most = takes(function)
            if fewest <= given <= most and not name.startswith("_"):
                text = f"{block}\n\n\nsolve = {name}\n"
                found.append(Expected(f"the function {name}", text, passes=False, ours=False))
    yield from found[-DOCUMENTED:]
