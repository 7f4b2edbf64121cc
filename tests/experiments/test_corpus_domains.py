"""The shipped documents of the legal, scientific and code domains: their form and their truth."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "experiments" / "corpus"
LEGAL = sorted((CORPUS / "legal").glob("*.md"))
SCIENTIFIC = sorted((CORPUS / "scientific").glob("*.md"))
CODE = sorted((CORPUS / "code").glob("*.md"))
NEW = [*LEGAL, *SCIENTIFIC, *CODE]

WITHOUT_REASONS = {
    "calendar-of-the-varnay-pension-cases",
    "graypool-tannery-appeal",
    "lantern-street-rates",
}
"""Orders that say what was decided and not why. Nothing in the documents says so."""

SEED = re.compile(
    r"# (?P<title>[^\n]+)\n\n"
    r"Topic: (?P<topic>[^\n]+)\n"
    r"Answer type: (?P<type>[^\n]+)\n\n"
    r"Problem\. (?P<problem>[^\n]+)\n\n"
    r"Answer: (?P<answer>[^\n]+)\n\n"
    r"Solution\. (?P<solution>[^\n]+)\n"
)

FUNCTION = re.compile(
    r"# (?P<title>[^\n]+)\n\n"
    r"(?P<prose>.+?)\n\n"
    r"Signature: (?P<signature>`def [^\n]+|`[a-z_]+\([^\n]+)\n\n"
    r"```python\n(?P<block>.+?)```\n\n"
    r"Examples:\n\n"
    r"```pycon\n(?P<examples>.+?)```\n",
    re.DOTALL,
)

PURE = {
    "bisect",
    "calendar",
    "collections",
    "collections.abc",
    "datetime",
    "fractions",
    "math",
    "re",
}
"""Modules of the standard library that a documented function may use."""

RUN = """
import doctest, json, sys
block, examples = json.load(sys.stdin)
names = {}
exec(compile(block, "block", "exec"), names)
test = doctest.DocTestParser().get_doctest(examples, names, "examples", None, 0)
result = doctest.DocTestRunner(verbose=False).run(test)
sys.exit(0 if result.attempted and not result.failed else 1)
"""
"""Runs in a process of its own. The documents are ours, so they may run."""


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def seed(path: Path) -> dict[str, str]:
    found = SEED.fullmatch(path.read_text(encoding="utf-8"))
    assert found, f"{path.name}: not in the form of a seed problem"
    return found.groupdict()


def function(path: Path) -> dict[str, str]:
    found = FUNCTION.fullmatch(path.read_text(encoding="utf-8"))
    assert found, f"{path.name}: not in the form of a documented function"
    return found.groupdict()


def spans(path: Path, length: int = 12) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", path.read_text(encoding="utf-8").lower())
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


def run(block: str, examples: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", RUN],
        input=json.dumps([block, examples]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def taxonomy() -> dict[str, dict[str, str]]:
    """The shipped scheme as code and name; PhySH has names only."""
    path = ROOT / "programs" / "domains" / "taxonomy.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    return {"MSC": found["MSC2020"], "PhySH": {name: name for name in found["PhySH"]}}


def test_every_domain_has_the_documents_it_promises() -> None:
    assert (len(LEGAL), len(SCIENTIFIC), len(CODE)) == (15, 30, 18)
    for folder in ("legal", "scientific", "code"):
        assert {path.suffix for path in (CORPUS / folder).iterdir()} == {".md"}


@pytest.mark.parametrize("path", NEW, ids=names(NEW))
def test_every_document_is_plain_text_under_a_title_and_a_slug(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.isascii()
    assert re.match(r"# \S[^\n]{5,100}\n\n\S", text)
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", path.stem)


def test_no_two_documents_have_the_same_title() -> None:
    titles = Counter(path.read_text(encoding="utf-8").partition("\n")[0] for path in NEW)
    assert [title for title, count in titles.items() if count > 1] == []


def test_no_two_documents_share_twelve_words_in_a_row() -> None:
    homes: dict[tuple[str, ...], Path] = {}
    shared = [
        (path.name, homes[span].name, " ".join(span))
        for path in sorted(CORPUS.rglob("*.md"))
        for span in spans(path)
        if homes.setdefault(span, path) != path
    ]
    assert shared == []


@pytest.mark.parametrize("path", LEGAL, ids=names(LEGAL))
def test_legal_documents_are_decisions_and_memoranda_of_some_length(path: Path) -> None:
    assert 450 <= len(path.read_text(encoding="utf-8").split()) <= 900


@pytest.mark.parametrize("path", LEGAL, ids=names(LEGAL))
def test_twelve_legal_documents_reason_and_three_do_not(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    reasons = len(re.findall(r"\b(?:because|since|therefore|reasons?)\b", text))
    states = re.search(r"\bwe (?:now )?hold\b|\bwe conclude\b|\bposition of the office\b", text)
    if path.stem in WITHOUT_REASONS:
        assert not states
        assert reasons == 0
    else:
        assert states
        assert "because" in text
        assert reasons >= 4


def test_the_three_without_reasons_are_there() -> None:
    assert set(names(LEGAL)) >= WITHOUT_REASONS


@pytest.mark.parametrize("path", LEGAL, ids=names(LEGAL))
def test_nothing_but_reading_tells_which_legal_document_is_of_no_use(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?i)suitab|skip|exclude from|\busable|synthetic|training data", text)
    assert "<!--" not in text
    assert "---" not in text
    assert not re.search(r"(?m)^[A-Za-z_ ]{1,30}: ?(true|false|yes|no|none)\s*$", text)


@pytest.mark.parametrize("path", SCIENTIFIC, ids=names(SCIENTIFIC))
def test_a_seed_problem_has_one_question_one_answer_and_a_derivation(path: Path) -> None:
    found = seed(path)
    assert 80 <= len(found["solution"].split()) <= 200
    assert "$" not in found["answer"]
    assert not re.fullmatch(r"-?[0-9.]+", found["answer"]), "a bare number"
    assert not re.search(r"[0-9]\.[0-9]", found["answer"]), "a rounded decimal"
    assert found["problem"].count("$") % 2 == 0
    assert found["solution"].count("$") % 2 == 0
    for part in (found["answer"], found["problem"], found["solution"]):
        assert part.count("{") == part.count("}")
        assert part.count(r"\left") == part.count(r"\right")
        assert part.count(r"\begin") == part.count(r"\end")


@pytest.mark.parametrize("path", SCIENTIFIC, ids=names(SCIENTIFIC))
def test_the_answer_has_the_form_of_its_type(path: Path) -> None:
    found = seed(path)
    answer = found["answer"]
    forms = {
        "equation": lambda: answer.count("=") == 1 and not re.search(r"[<>]|\\le\b", answer),
        "inequality": lambda: re.search(r"[<>]|\\le\b|\\ge\b", answer) and "=" not in answer,
        "interval": lambda: re.fullmatch(r"\\left[\[(].+,.+\\right[\])]", answer),
        "set": lambda: re.fullmatch(r"(\\left)?\\\{.+\\\}", answer.replace(r"\right\}", r"\}")),
        "matrix": lambda: re.fullmatch(r"\\begin\{pmatrix\}.+\\end\{pmatrix\}", answer),
        "piecewise function": lambda: re.search(r"=\\begin\{cases\}.+\\end\{cases\}$", answer),
    }
    assert forms[found["type"]]()


def test_the_six_types_of_answer_come_equally_often() -> None:
    assert Counter(seed(path)["type"] for path in SCIENTIFIC) == {
        "equation": 5,
        "inequality": 5,
        "interval": 5,
        "set": 5,
        "matrix": 5,
        "piecewise function": 5,
    }


def test_no_topic_is_asked_for_twice_with_the_same_type() -> None:
    pairs = Counter((seed(path)["topic"], seed(path)["type"]) for path in SCIENTIFIC)
    assert [pair for pair, count in pairs.items() if count > 1] == []
    assert len({topic for topic, _ in pairs}) >= 20
    assert {topic.partition(" ")[0] for topic, _ in pairs} == {"MSC", "PhySH"}


@pytest.mark.parametrize("path", SCIENTIFIC, ids=names(SCIENTIFIC))
def test_every_topic_stands_in_the_taxonomy(
    path: Path, taxonomy: dict[str, dict[str, str]]
) -> None:
    scheme, _, rest = seed(path)["topic"].partition(" ")
    if scheme == "MSC":
        code, _, name = rest.partition(" ")
        assert taxonomy["MSC"][code] == name
    else:
        assert rest in taxonomy[scheme]


def test_the_taxonomy_is_whole_and_says_where_it_is_from() -> None:
    path = ROOT / "programs" / "domains" / "taxonomy.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert set(found) == {"source", "MSC2020", "PhySH"}
    assert len(found["MSC2020"]) == 63
    assert list(found["MSC2020"]) == sorted(found["MSC2020"])
    assert all(re.fullmatch(r"[0-9]{2}", code) for code in found["MSC2020"])
    assert len(set(found["MSC2020"].values())) == 63
    assert len(found["PhySH"]) == len(set(found["PhySH"])) == 17
    assert found["PhySH"] == sorted(found["PhySH"])
    assert set(found["source"]) == {"MSC2020", "PhySH"}
    assert all("Licence" in text and "//" not in text for text in found["source"].values())


@pytest.mark.parametrize("path", CODE, ids=names(CODE))
def test_a_documented_function_says_what_it_is_for_and_how_it_is_called(path: Path) -> None:
    found = function(path)
    assert 150 <= len(found["prose"].split()) <= 350
    assert 10 <= found["block"].count("\n") <= 45
    assert found["examples"].count(">>> ") >= 4
    signatures = re.findall(r"`(?:def )?(\w+)\(([^`]*)\) -> ([^`]+)`", found["signature"])
    assert signatures
    for name, arguments, result in signatures:
        written = re.search(rf"def {name}\((.*?)\) -> (.+?):\n", found["block"], re.DOTALL)
        assert written
        assert " ".join(written[1].split()).rstrip(",") == arguments
        assert written[2] == result


@pytest.mark.parametrize("path", CODE, ids=names(CODE))
def test_a_function_is_pure_and_needs_only_the_standard_library(path: Path) -> None:
    tree = ast.parse(function(path)["block"])
    nodes = list(ast.walk(tree))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules <= PURE
    called = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert not called & {"print", "open", "input", "eval", "exec", "__import__"}
    assert not {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"today", "now"}
    assert not [node for node in nodes if isinstance(node, ast.Global | ast.Nonlocal)]


@pytest.mark.parametrize("path", CODE, ids=names(CODE))
def test_the_examples_of_a_function_hold(path: Path) -> None:
    found = function(path)
    done = run(found["block"], found["examples"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_example_that_does_not_hold_is_found() -> None:
    assert run("def one():\n    return 1\n", ">>> one()\n1\n").returncode == 0
    assert run("def one():\n    return 1\n", ">>> one()\n2\n").returncode == 1
    assert run("def one():\n    return 1\n", "no example\n").returncode == 1
