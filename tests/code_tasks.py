"""A small programming task for tests, right in every part, and ways to spoil it."""

from typing import Any

from autodata.programs.records import ProgramTask

VERIFIER = """
def expected(values):
    total = 0
    for value in values:
        if value > 0:
            total += value
    return total


def verify(solve):
    cases = [[], [3], [-1], [2, -5, 4]]
    return all(solve(case) == expected(case) for case in cases)
"""
REFERENCE = "def solve(values):\n    return sum(value for value in values if value > 0)\n"
ALL = "def solve(values):\n    return sum(values)\n"
FIRST = "def solve(values):\n    return max([0, *values])\n"


def task(**changes: Any) -> ProgramTask:
    """Return the task with some fields changed."""
    return ProgramTask(
        **{
            "question_type": "boundary cases",
            "skills": ["careful reading"],
            "question": "Write `solve(values)`, which adds up the positive numbers of a list.",
            "verifier": VERIFIER,
            "reference": REFERENCE,
            "failing": [ALL, FIRST],
            **changes,
        }
    )
