"""The rules of programming tasks: each is kept by the good task and broken by one change."""

import pytest
from code_tasks import ALL, FIRST, REFERENCE, VERIFIER, task

from autodata.programs.domains.code import LIBRARY, ProgramRules
from autodata.programs.domains.code.rules import CLOCKS, OUTSIDE

RULES = ProgramRules()


def using(line: str) -> str:
    return f"{line}\n\n\n{REFERENCE}"


def inside(expression: str) -> str:
    return f"def solve(values):\n    return {expression}\n"


def test_a_task_that_keeps_every_rule_has_no_fault() -> None:
    assert RULES.faults(task()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"question": "Write a function that adds up what is positive."}, "question: name"),
        ({"question": "Please solve this: add up what is positive."}, "question: name"),
        ({"question": f"Write `solve`:\n```python\n{ALL}```"}, "question: it gives a program"),
        ({"verifier": "def check(solve):\n    return solve([])\n"}, "verifier: define verify"),
        ({"verifier": "def verify(solve)\n    return solve([])\n"}, "verifier: not a Python"),
        ({"verifier": "verify = lambda solve: solve([]) == 0\n"}, "verifier: define verify"),
        ({"verifier": "async def verify(solve):\n    return solve([])\n"}, "verifier: define"),
        ({"verifier": "def verify():\n    return solve([]) == 0\n"}, "verifier: verify must take"),
        ({"verifier": "def verify(a, b):\n    return a(b) == 0\n"}, "verifier: verify must take"),
        ({"verifier": "def verify(solve):\n    return True\n"}, "verifier: verify never uses"),
        ({"reference": "def solve(values)\n    return 0\n"}, "reference: not a Python program"),
        ({"reference": "def answer(values):\n    return 0\n"}, "reference: define the function"),
        ({"reference": "class A:\n    def solve(self):\n        pass\n"}, "reference: define"),
        ({"failing": [ALL, "def solve(:"]}, "failing program 2: not a Python program"),
        ({"failing": ["x = 1234567\n", FIRST]}, "failing program 1: define the function"),
        ({"failing": [ALL, REFERENCE]}, "failing program 2: the same program as the reference"),
        ({"failing": [ALL, f"# Sum.\n{ALL}"]}, "2: the same program as the failing program 1"),
        ({"reference": using("import os")}, "reference: imports os"),
        ({"reference": using("from urllib.request import urlopen")}, "reference: imports urllib"),
        ({"reference": using("from . import secrets")}, "reference: imports"),
        ({"reference": inside("open('data').read()")}, "reference: calls open"),
        ({"failing": [inside("eval('values')")]}, "failing program 1: calls eval"),
        ({"reference": using("import random\nrandom.shuffle([])")}, "without a seed"),
        ({"reference": using("import random as r\nr.random()")}, "without a seed"),
        ({"reference": using("from random import choice")}, "without a seed"),
        ({"reference": using("import random\nrandom.Random()")}, "without a seed"),
        ({"reference": using("import random\nrandom.Random(None)")}, "without a seed"),
        ({"reference": using("import datetime\ndatetime.date.today()")}, "date with today"),
    ],
)
def test_a_task_that_breaks_one_rule_is_told_which(changes: dict[str, object], fault: str) -> None:
    (found,) = RULES.faults(task(**changes))
    assert fault in found
    assert ": " in found


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "Define solve(values) so that it adds up what is positive."},
        {"verifier": VERIFIER.replace("def verify(solve)", "def verify(f, much=3)")
         .replace("solve(case)", "f(case)")},
        {"reference": using("import random\nrandom.Random(7)")},
        {"reference": using("from random import Random\nRandom(7)")},
        {"reference": using("import math, collections.abc\nfrom itertools import chain")},
        {"reference": "def help_(open):\n    return open\n\n\n" + REFERENCE},
        {"reference": f"import dataclasses\n\n\nclass A:\n    now = 1\n\n\n{REFERENCE}"},
    ],
)  # fmt: skip
def test_what_only_looks_like_a_fault_is_none(changes: dict[str, object]) -> None:
    assert RULES.faults(task(**changes)) == []


def test_all_faults_are_told_at_once() -> None:
    found = RULES.faults(task(question="Add up what is positive, please.", failing=["x = 123456"]))
    assert len(found) == 2


def test_the_writer_is_told_what_may_be_imported_and_what_is_run() -> None:
    told = RULES.describe()
    assert all(module in told for module in LIBRARY)
    assert "verify(solve)" in told
    assert not OUTSIDE & set(LIBRARY) and not CLOCKS & set(LIBRARY)


def test_other_modules_can_be_allowed() -> None:
    changed = task(reference=using("import array"))
    assert RULES.faults(changed)
    assert ProgramRules(library=("array",)).faults(changed) == []
