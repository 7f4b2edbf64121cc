"""Programs as text: read, compared, and found in an answer. Nothing here runs them."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

LONGEST = 20_000
"""Characters of the longest program that is read."""

_FENCE = re.compile(r"^[ \t]*(?P<mark>`{3,}|~{3,})[^\n`]*$", re.MULTILINE)
_START = re.compile(r"^(?:(?:from|import|def|class|async def)\s|@)", re.MULTILINE)
_MENTION = re.compile(r"\bdef\s+solve\b")
_PARAGRAPHS = 20
"""How many paragraphs after a program without a fence are tried to be left out."""


def parsed(text: str) -> ast.Module | str:
    """Read a program; return in one phrase why it cannot be read."""
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        ast.dump(tree)
    except SyntaxError as error:
        return f"{error.msg}, line {error.lineno}"
    except (RecursionError, MemoryError):
        return "nested too deeply"
    except ValueError:
        return "characters that no program may hold"
    return tree


def normal(text: str) -> str:
    """Return a form of a valid program that layout, comments and docstrings do not change."""
    tree = parsed(text)
    assert isinstance(tree, ast.Module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [one for one in node.body if not _is_text(one)]
    return ast.dump(tree)


def functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Return the functions that a program defines at its top level, the last of each name."""
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def takes(function: ast.FunctionDef) -> tuple[int, float]:
    """Return the fewest and the most arguments that can be given by position."""
    told = function.args
    count = len(told.posonlyargs) + len(told.args)
    return count - len(told.defaults), float("inf") if told.vararg else count


def extract_program(answer: str) -> str:
    """Find the program in an answer: the last block, or unfenced part, that defines `solve`.

    Returns:
        Its source, at most `LONGEST` characters of it looked for outside a block. A program that
        is not valid Python is returned as it is, so that running it can say what is wrong. Empty
        if there is none.
    """
    found = [*blocks(answer)]
    for block in reversed(found):
        if _defines(block):
            return block
    for block in reversed(found):
        if _MENTION.search(block):
            return block
    if not _MENTION.search(answer):
        return ""
    plain = _unfenced(answer)
    return next((part for part in plain if _defines(part)), plain[0] if plain else "")


def blocks(text: str) -> Iterator[str]:
    """Yield the fenced blocks of a text; one that is not closed goes on to the end."""
    marks = _FENCE.finditer(text)
    for opening in marks:
        mark = opening["mark"]
        closing = next((m for m in marks if _closes(m, mark)), None)
        end = len(text) if closing is None else closing.start()
        yield textwrap.dedent(text[opening.end() : end]).strip("\n")


def _closes(found: re.Match[str], mark: str) -> bool:
    bare = found[0].strip()
    return bare == found["mark"] and bare[0] == mark[0] and len(bare) >= len(mark)


def _unfenced(answer: str) -> list[str]:
    """Return what may be a program in a text without blocks, the longest first."""
    start = _START.search(answer)
    if start is None:
        return []
    program, _, _ = answer[start.start() :][:LONGEST].partition("```")
    parts = program.rstrip().split("\n\n")
    shortest = max(1, len(parts) - _PARAGRAPHS)
    return ["\n\n".join(parts[:end]) for end in range(len(parts), shortest - 1, -1)]


def _defines(text: str) -> bool:
    tree = parsed(text)
    return not isinstance(tree, str) and "solve" in functions(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
