"""What docs/paper.md names is there, and what no other test shows is shown here."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import dspy
import pytest
from fakes import GOOD_REPORT, TASK
from legal_cases import TASK as LEGAL_TASK
from pydantic import ValidationError

from autodata.experiments.config import load_config
from autodata.programs import DOMAINS
from autodata.programs.challenger import WriteTask
from autodata.programs.domains.legal.prompts import (
    AnalyzeLegalRounds,
    ReadLegalDocument,
    RefereeRound,
    WriteLegalTask,
)
from autodata.programs.judge import JudgeAnswer
from autodata.programs.orchestrator import AnalyzeRounds
from autodata.programs.solver import SolveTask
from autodata.programs.tasks import CapabilityTask, Task
from autodata.programs.verifier import CheckTask, QualityReport

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "paper.md").read_text()
SECTIONS = [
    "1 The loop",
    "2.0 Common design",
    "2 The domains compared",
    "2.1.1 Harness of the research domain",
    "2.1.2 Order for each paper",
    "2.1.3 Roles: what they see and return",
    "2.1.4 Challenger's prompt",
    "2.1.5 Quality verifier",
    "2.1.6 Acceptance",
    "2.1.7 Score",
    "2.1.8 Filter at the end",
    "2.1.9 Errors",
    "2.1.10 Result",
    "2.1.11 Dynamics",
    "2.2.1 Legal roles",
    "2.2.2 Legal order",
    "2.2.3 Suitability",
    "2.2.4 Legal writer",
    "2.2.5 Packet",
    "2.2.6 Legal decision",
    "2.2.7 Loop judge",
    "2.3 Scientific",
    "2.4 Leaked contexts",
    "3 Baselines",
    "4 and 5 Meta-optimization and results",
]
UNTESTED = "not tested"

# The page.


class Row(NamedTuple):
    """One fact of the page."""

    fact: str
    here: str
    shown: str
    differs: str


def tables() -> dict[str, list[list[str]]]:
    """Return the cells of the rows below each heading, the head of the table left out."""
    found = {}
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        lines = [line for line in part.splitlines() if line.startswith("|")]
        assert lines[:2] == ["| fact | here | shown by | differs |", "|---|---|---|---|"]
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
        found[part.splitlines()[0]] = cells
    return found


ROWS = [cells for rows in tables().values() for cells in rows]
NAMED = sorted(
    {name for cells in ROWS for cell in cells[1:3] for name in re.findall("`(.*?)`", cell)}
)


@cache
def defined(file: str) -> frozenset[str]:
    """Return the names that a file defines, those inside a class with its name before them."""
    found: set[str] = set()

    def collect(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(before + node.name)
            if isinstance(node, ast.ClassDef):
                collect(node.body, f"{before}{node.name}.")
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            names = (one for target in targets for one in ast.walk(target))
            found.update(before + one.id for one in names if isinstance(one, ast.Name))

    collect(ast.parse((ROOT / file).read_text()).body, "")
    # A package that hands a name on from one of its modules has it as well.
    exported = re.search(r"__all__ = \[(.*?)\]", (ROOT / file).read_text(), re.DOTALL)
    return frozenset(found | set(re.findall(r'"(\w+)"', exported[1] if exported else "")))


def test_every_section_has_its_table_and_one_sentence() -> None:
    assert list(tables()) == SECTIONS
    assert all(tables().values())
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        assert re.match(r"[^\n]+\n\n[^|\n][^|]*\n\n\| fact", part), part[:60]


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0][:40])
def test_a_fact_is_shown_by_a_test_or_says_why_not(cells: list[str]) -> None:
    row = Row(*cells)
    assert row.fact
    tests = re.findall(r"`tests/[\w/]+\.py::test_\w+`", row.shown)
    if row.shown == UNTESTED:
        assert row.differs
    else:
        assert row.shown == ", ".join(tests)
        assert 1 <= len(tests) <= 3
        assert row.here or row.differs


def test_most_facts_are_shown_by_a_test() -> None:
    untested = [cells for cells in ROWS if cells[2] == UNTESTED]
    assert len(untested) <= len(ROWS) / 8


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_exists(name: str) -> None:
    file, _, inside = name.partition("::")
    assert (ROOT / file).is_file()
    if inside:
        assert inside in defined(file)


def test_a_name_that_is_not_there_would_be_noticed() -> None:
    assert "Contest.decide" in defined("programs/contest.py")
    assert "Contest.decides" not in defined("programs/contest.py")
    assert "decide" not in defined("programs/contest.py")


# What no other test shows.


def test_the_domains_have_the_papers_numbers() -> None:
    found = {
        name: (one.weak_attempts, one.strong_attempts, one.gate.name)
        for name, one in DOMAINS.items()
    }
    assert found == {
        "research": (3, 3, "deployed"),
        "legal": (5, 3, "legal"),
        "scientific": (4, 4, "scientific"),
        "code": (4, 4, "scientific"),
    }
    assert {name: one.rounds for name, one in DOMAINS.items()} == {
        "research": 12,
        "legal": 16,
        "scientific": 12,
        "code": 12,
    }


def test_the_research_preset_samples_solvers_as_the_paper_does() -> None:
    models = load_config("research").models
    for role, served in (("weak", "Qwen/Qwen3.5-4B"), ("strong", "Qwen/Qwen3.5-397B-A17B")):
        assert models[role].model == served
        assert (models[role].temperature, models[role].timeout) == (1.0, 600)
    for role in ("orchestrator", "challenger", "verifier", "judge"):
        assert models[role].model == "moonshotai/Kimi-K2.6"


def test_weak_and_strong_may_be_one_model_in_two_modes() -> None:
    same = [f"models.{role}.model=one" for role in ("weak", "strong")]
    modes = ["models.weak.max_tokens=256", "models.strong.extra={reasoning_effort='high'}"]
    models = load_config("research", [*same, *modes]).models
    assert models["weak"].model == models["strong"].model == "one"
    assert models["weak"] != models["strong"]


SEEN: dict[type[dspy.Signature], tuple[set[str], set[str]]] = {
    WriteTask: ({"document", "rules", "brief", "failures"}, {"notes", "task"}),
    CheckTask: ({"document", "question_type", "context", "question", "criteria"}, {"report"}),
    SolveTask: ({"context", "question"}, {"answer"}),
    JudgeAnswer: ({"question", "answer", "criteria"}, {"verdicts"}),
    AnalyzeRounds: ({"document", "failures"}, {"lesson", "brief"}),
}


@pytest.mark.parametrize("signature", SEEN, ids=lambda one: one.__name__)
def test_every_role_sees_and_returns_what_the_paper_says(signature: type[dspy.Signature]) -> None:
    assert (set(signature.input_fields), set(signature.output_fields)) == SEEN[signature]


def test_a_task_has_the_six_parts_of_the_paper() -> None:
    parts = ["question_type", "skills", "context", "question", "reference", "rubric"]
    assert list(Task.model_fields) == parts


OUTSIDE = [
    (Task, {"context": "x" * 39}),
    (Task, {"context": "x" * 6001}),
    (Task, {"question_type": "is"}),
    (Task, {"question_type": "x" * 81}),
    (Task, {"skills": []}),
    (Task, {"skills": list("abcdef")}),
    (Task, {"reference": "It falls."}),
    (Task, {"rubric": []}),
    (CapabilityTask, {"primary": ["one"]}),
    (CapabilityTask, {"primary": list("abcde")}),
    (CapabilityTask, {"secondary": []}),
    (CapabilityTask, {"secondary": list("abcd")}),
]


@pytest.mark.parametrize(("kind", "changes"), OUTSIDE)
def test_a_task_outside_its_limits_is_none(kind: Any, changes: dict[str, Any]) -> None:
    whole = TASK if kind is Task else LEGAL_TASK
    assert kind.model_validate(whole)
    if kind is CapabilityTask:
        changes = {"capabilities": {**whole["capabilities"], **changes}}
    with pytest.raises(ValidationError):
        kind.model_validate({**whole, **changes})


BAD = {
    "leakage": ["LEAKS_ANSWER"],
    "question": ["TOO_EASY", "RECALL"],
    "rubric_issues": [["Criterion 2 is a matter of style."]],
    "question_type": ["INCONSISTENT"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, bad in BAD.items() for v in bad])
def test_one_bad_verdict_of_the_verifier_refuses_a_task(field: str, value: Any) -> None:
    assert QualityReport.model_validate(GOOD_REPORT).faults() == []
    assert len(QualityReport.model_validate({**GOOD_REPORT, field: value}).faults()) == 1


TOLD: dict[type[dspy.Signature], list[str]] = {
    WriteTask: [
        "reasoning and not for recall",
        "predict an outcome, decide under constraints",
        "why something works or how it fails",
        "entirely new question",
        "never a matter of style",
    ],
    AnalyzeRounds: [
        "TOO EASY",
        "FAILED ON STRONG",
        "FAILED QUALITY CHECK",
        "entirely new question",
    ],
    CheckTask: [
        "Naming a method or a system of the document is no leak",
        "reasoning beyond what the context says",
        "concrete error of reasoning",
        "none may judge format or style",
    ],
    JudgeAnswer: [
        "completely and without ambiguity",
        "In doubt it does not",
        "satisfied if the answer commits the error",
        'examples after "such as" need not all occur',
    ],
    ReadLegalDocument: [
        "help to decide other disputes too",
        "affirms a result without giving reasons",
        "moves a case along",
        "after hearing one side only",
        "another court's reasons by reference",
        "a single piece of history",
        "routine matter",
        "When in doubt call it suitable",
        "of a contract or a memorandum, take the clauses or duties instead",
    ],
    WriteLegalTask: [
        "Take nothing from the document but the law",
        "has never heard of the document or the case",
        "concrete sums, days",
        "one thing, or two or three things",
        "Do not quote, do not name a case, a judge, a court or a docket",
        "do not announce",
        "a third to two thirds",
        "single doctrine",
        "eight or more criteria about the same rule",
        "remote provisions",
        "one proposition",
        "never the name of a case",
        "Asserts that",
        "Knowledge missing",
        "Worn out",
        "Flat in the middle",
        "Rubric too open",
        "Leave the strictness of the rubric as it is",
    ],
    AnalyzeLegalRounds: [
        "it lacks knowledge",
        "worn out",
        "close together in the middle",
        "read either way",
        "Never make an exercise easier by softening its rubric",
        "Drop capabilities that nobody misses",
    ],
    RefereeRound: [
        "by reinforcement learning",
        "the spread of the small model's attempts matters most",
        "all are near zero, all near the top, or all close together",
        "adjectives alone does not count",
        "70 to 90 percent",
        "at zero throughout for want of knowledge",
        "one capability carry everything",
        "from a softer rubric",
        "If you cannot tell, say improve",
    ],
}


@pytest.mark.parametrize("signature", TOLD, ids=lambda one: one.__name__)
def test_the_prompts_say_what_the_papers_say(signature: type[dspy.Signature]) -> None:
    prompt = " ".join(signature.instructions.split())
    assert [words for words in TOLD[signature] if words not in prompt] == []
