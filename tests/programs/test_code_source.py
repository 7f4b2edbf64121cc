"""Programs as text: what is found in an answer, and when two programs are the same."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.programs.domains.code import extract_program
from autodata.programs.domains.code.source import LONGEST, blocks, functions, normal, parsed, takes

SOLVE = "def solve(x):\n    return x + 1"
OTHER = "def solve(x):\n    return x - 1"
FENCED = 'def solve(x):\n    """Like\n```\nthis."""\n    return x'
INDENTED = SOLVE.replace("\n", "\n   ")


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        (SOLVE, SOLVE),
        (f"```python\n{SOLVE}\n```", SOLVE),
        (f"```\n{SOLVE}\n```", SOLVE),
        (f"````python\n{FENCED}\n````", FENCED),
        (f"~~~py\n{SOLVE}\n~~~", SOLVE),
        (f"````python\n{SOLVE}\n````", SOLVE),
        (f"First I thought of\n```python\n{OTHER}\n```\nbut\n```python\n{SOLVE}\n```", SOLVE),
        (f"```python\n{SOLVE}\n```\nIt is used so:\n```python\nsolve(3)\n```", SOLVE),
        (f"```python\n{SOLVE}\n```\nIt prints:\n```\n>>> solve(3)\n4\n```\nDone.", SOLVE),
        (f"```python\n{SOLVE}", SOLVE),
        (f"1. The program:\n\n   ```python\n   {INDENTED}\n   ```", SOLVE),
        (f"Here it is.\n\n{SOLVE}\n\nThat is all there is to say.", SOLVE),
        (f"Here it is: ```python\n{SOLVE}\n```\nThat is all.", SOLVE),
        (f"import math\n\n\n{SOLVE}", f"import math\n\n\n{SOLVE}"),
        ("I would solve it with a loop.", ""),
        ("```python\ndef other(x):\n    return x\n```", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_program_of_an_answer_is_found(answer: str, program: str) -> None:
    assert extract_program(answer).strip() == program


def test_a_program_that_is_not_valid_is_handed_on_so_that_its_fault_can_be_told() -> None:
    broken = "def solve(x)\n    return x"
    assert extract_program(f"Here:\n```python\n{broken}\n```\n") == broken
    assert extract_program(broken) == broken


def test_a_valid_program_is_taken_rather_than_a_later_broken_one() -> None:
    answer = f"```python\n{SOLVE}\n```\nnot\n```python\ndef solve(x) return\n```"
    assert extract_program(answer) == SOLVE


PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="`~"), max_size=200)


@given(PROSE, PROSE, st.sampled_from(["python", "py", "", "Python3"]))
def test_no_prose_around_a_block_hides_its_program(before: str, after: str, name: str) -> None:
    answer = f"{before}\n```{name}\n{SOLVE}\n```\n{after}"
    assert extract_program(answer) == SOLVE


PIECES = (
    *("```", "```python\n", "~~~\n", "\n", "def solve(", "x):\n", "    return 1\n", "(" * 300),
    *("import ", "\0", "'", '"""', "\ud800", "\\", "lambda:" * 900, "@", "class A:\n", "`"),
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=30))
def test_any_text_gives_a_part_of_itself_or_nothing(pieces: list[str]) -> None:
    answer = "".join(pieces)
    program = extract_program(answer)
    assert "".join(program.split()) in "".join(answer.split())
    assert not program or "solve" in program
    assert all(isinstance(one, str) for one in blocks(answer))


@pytest.mark.parametrize(
    "text", ["(" * 19000, "-" * 19000 + "1", "a" + ".a" * 9000, "x if x else " * 1500 + "x"]
)
def test_deeply_nested_text_is_refused_and_harms_nobody(text: str) -> None:
    assert isinstance(parsed(text), str)


def test_a_program_of_the_greatest_length_is_read_and_a_longer_one_is_not() -> None:
    text = SOLVE + "\n" + "#" * (LONGEST - len(SOLVE) - 1)
    assert isinstance(parsed(text), ast.Module)
    assert parsed(text + "#") == f"longer than {LONGEST} characters"


def test_layout_comments_and_docstrings_make_no_other_program() -> None:
    same = 'def solve( x ):  # adds one\n    """Add one."""\n    return (x+1)'
    assert normal(same) == normal(SOLVE)
    assert normal(OTHER) != normal(SOLVE)


@pytest.mark.parametrize(
    ("given_", "count"),
    [("a, b", (2, 2)), ("a, b=1", (1, 2)), ("*a", (0, float("inf"))), ("a, /, b, *, c=1", (2, 2))],
)
def test_the_number_of_arguments_is_read(given_: str, count: tuple[int, float]) -> None:
    tree = parsed(f"def f({given_}): pass")
    assert isinstance(tree, ast.Module)
    assert takes(functions(tree)["f"]) == count
