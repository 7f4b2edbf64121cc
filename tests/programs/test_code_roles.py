"""The roles that run programs: what they keep and refuse, with the real sandbox."""

import asyncio
from fractions import Fraction

import pytest
from code_tasks import ALL, FIRST, REFERENCE, VERIFIER, task

from autodata.programs import background
from autodata.programs.domains.code import LIBRARY, roles, running
from autodata.programs.domains.code.roles import Execution, Grader
from autodata.programs.domains.code.running import Verdicts
from autodata.programs.records import ProgramTask
from autodata.programs.sandbox import SandboxError, Verdict, check

DOCUMENT = """# Positive part

Text about it.

```python
def _helper(a):
    return a


def positive(values):
    return sum(value for value in values if value >= 1)


def scaled(values, factor):
    return factor * positive(values)
```
"""


def faults(one: ProgramTask, document: str = "A document without a program.") -> list[str]:
    return Execution()(document=document, task=one).faults


def test_a_task_is_kept_whose_reference_passes_and_whose_failing_programs_fail() -> None:
    assert faults(task()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"reference": "def solve(values):\n    return 0\n"}, "reference does not pass (verify"),
        ({"reference": "def solve():\n    return 0\n"}, "the reference does not pass (TypeError"),
        ({"failing": [ALL, "def solve(a):\n    return sum(x * (x > 0) for x in a)\n"]},
         "failing program 2 passes"),
        ({"verifier": "def verify(solve):\n    solve([])\n    return True\n"},
         "failing program 1 passes"),
        ({"verifier": "def verify(solve):\n    return solve(missing)\n"},
         "the reference does not pass (verifier failed: NameError"),
        ({"verifier": "def verify(solve):\n    return solve([2, -5]) == 2 or 1 / 0\n"},
         "the verifier breaks on failing program 1 (ZeroDivisionError"),
        ({"verifier": "def verify(solve):\n    return 1 if solve([1]) == 1 else False\n"},
         "the reference does not pass (verifier failed: verify returned 1"),
    ],
)  # fmt: skip
def test_a_task_is_refused_if_running_it_says_so(changes: dict[str, object], fault: str) -> None:
    (found,) = faults(task(**changes))
    assert found.startswith("execution: ")
    assert fault in found


def test_a_failing_program_may_fail_by_an_error_or_without_an_answer() -> None:
    failing = [
        "def solve(values):\n    return values[0]\n",
        "import sys\n\n\ndef solve(values):\n    sys.exit(0)\n",
    ]
    assert faults(task(failing=failing)) == []


def test_a_task_that_the_documented_function_answers_is_not_new() -> None:
    (found,) = faults(task(), DOCUMENT)
    assert found == (
        "execution: the function positive of the document passes; write a task that is new"
    )


def test_a_documented_function_that_does_something_else_is_no_fault() -> None:
    assert faults(task(), DOCUMENT.replace("value >= 1", "value >= 3")) == []
    assert faults(task(), "```python\nbroken(\n```\n" + "```python\nvalue = 1\n```") == []


def test_the_first_fault_in_order_is_told_and_the_rest_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped: list[str] = []

    async def slow(program: str, verifier: str) -> Verdict:
        if program == REFERENCE:
            await asyncio.sleep(0.05)
            return Verdict(False, "verify returned False")
        if program == ALL:
            return Verdict(True, "")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(program)
            raise
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr(roles, "run", slow)
    (found,) = faults(task())
    assert "the reference does not pass" in found
    assert stopped == [FIRST]


def test_a_sandbox_that_does_not_work_is_no_fault_of_the_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(program: str, verifier: str) -> Verdict:
        raise SandboxError("no processes")

    monkeypatch.setattr(roles, "run", broken)
    with pytest.raises(SandboxError):
        faults(task())
    with pytest.raises(SandboxError):
        Grader()(task=task(), answer=REFERENCE)


@pytest.mark.parametrize(
    ("answer", "grade", "note"),
    [
        (f"This adds up.\n```python\n{REFERENCE}```\nDone.", 1, ""),
        (f"```python\n{ALL}```", 0, "verify returned False"),
        ("```python\ndef solve(values)\n    return 0\n```", 0, "SyntaxError: expected ':'"),
        ("```python\ndef solve(values):\n    return 1 / 0\n```", 0, "ZeroDivisionError"),
        ("I would add the positive ones up.", 0, "the answer has no program"),
        ("```python\ndef solve(a): return 0" + " " * 20000 + "\n```", 0, "is longer than 20000"),
        ("```python\nimport os\n\n\ndef solve(values):\n    os._exit(0)\n```", 0, "exit code 0"),
        ("```python\nprint('passed: True')\n\n\ndef solve(values):\n    return None\n```", 0,
         "verify returned False"),
    ],
)  # fmt: skip
def test_an_answer_is_graded_by_running_its_program(answer: str, grade: int, note: str) -> None:
    found = Grader()(task=task(), answer=answer)
    assert found.grade == Fraction(grade)
    assert note in found.note and bool(found.note) == (grade == 0)
    assert found.satisfied == ()


def test_a_program_that_makes_the_verifier_break_gets_nothing() -> None:
    strict = task(verifier="def verify(solve):\n    return len(solve([1, 2])) == 2\n")
    found = Grader()(task=strict, answer="```python\ndef solve(a):\n    return None\n```")
    assert found.grade == 0
    assert found.note.startswith("verifier failed: TypeError")


def test_every_module_that_may_be_imported_can_be_in_the_sandbox() -> None:
    reference = "\n".join(f"import {name}" for name in LIBRARY) + "\n\n\n" + REFERENCE
    assert background.run(check(reference, VERIFIER)) == Verdict(True, "")


def test_the_same_program_on_the_same_verifier_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, str]] = []

    async def counted(program: str, verifier: str) -> Verdict:
        ran.append((program, verifier))
        return Verdict(False, "time limit" if program == "slow" else "verify returned False")

    monkeypatch.setattr(running, "check", counted)
    known = Verdicts(kept=2)

    def again(program: str, verifier: str = "v") -> None:
        background.run(running.run(program, verifier, known))

    for program, verifier in (("a", "v"), ("a", "v"), ("a", "w"), ("a", "v")):
        again(program, verifier)
    assert ran == [("a", "v"), ("a", "w")]
    again("av", "")  # Not the same as `a` and `v`; what was not used for longest makes room.
    again("a", "v")
    assert len(ran) == 3 and len(known) == 2
    again("a", "w")
    again("slow")
    again("slow")
    assert ran[4:] == [("slow", "v")] * 2  # Another time it may be in time.
