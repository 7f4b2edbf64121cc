"""The rules of programming tasks that reading alone can check."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...tasks import ProgramTask
from .source import extract_program, functions, normal, parsed, takes

LIBRARY = (
    "bisect",
    "calendar",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "textwrap",
    "typing",
    "unicodedata",
)
"""Modules of the standard library that the programs of a task may import."""

OUTSIDE = frozenset(
    {"__import__", "breakpoint", "compile", "eval", "exec", "globals", "input", "open"}
)
"""Built-in functions that reach beyond a function's arguments."""

CLOCKS = frozenset({"now", "today", "utcnow"})
"""Methods that give another value tomorrow."""

_NAMED = re.compile(r"`solve\b|\bsolve\s*\(")


@dataclass(frozen=True)
class ProgramRules:
    """What every programming task must keep. The sandbox decides the rest."""

    library: tuple[str, ...] = LIBRARY

    def describe(self) -> str:
        """Tell the writer the rules."""
        return (
            "The question names the function `solve(...)` and shows no program that defines it. "
            "The verifier is a whole Python program that defines verify(solve) at its top level: "
            "it calls solve with arguments of its own choice, compares with results that it works "
            "out in another way, and returns True or False and nothing else. The reference and "
            "every failing program are whole Python programs that define solve at their top "
            "level. The failing programs differ from the reference and from each other in what "
            "they do. The verifier will be run: it must return True for the reference and False "
            "for every failing program, and it must cope with whatever solve returns. Results "
            "are plain values (numbers, strings, lists, tuples, sets, dicts, None). Nothing "
            "depends on chance, time, files, input or a network: draw test cases with "
            "random.Random(<a number>) only. Import nothing but "
            f"{', '.join(self.library)}."
        )

    def faults(self, task: ProgramTask) -> list[str]:
        """List every rule that a task breaks."""
        found = [] if _NAMED.search(task.question) else ["question: name the function `solve(...)`"]
        if extract_program(task.question):
            found.append("question: it gives a program away that defines solve; take it out")
        programs = {"verifier": task.verifier, "reference": task.reference}
        programs |= {f"failing program {i}": text for i, text in enumerate(task.failing, 1)}
        forms: dict[str, str] = {}
        for name, text in programs.items():
            tree = parsed(text)
            if isinstance(tree, str):
                found.append(f"{name}: not a Python program ({tree}); write a whole one")
                continue
            wanted = _verify if name == "verifier" else _solve
            found += [f"{name}: {fault}" for fault in (*wanted(tree), *self._reach(tree))]
            form = normal(text)
            if form in forms:
                found.append(f"{name}: the same program as the {forms[form]}; write another one")
            forms.setdefault(form, name)
        return found

    def _reach(self, tree: ast.Module) -> Iterator[str]:
        """Yield what a program uses that is not its own and not allowed."""
        for module in sorted({name.partition(".")[0] for name in _imports(tree)}):
            if module not in self.library:
                yield f"imports {module}; use only {', '.join(self.library)}"
        called = {_called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for name in sorted(called & OUTSIDE):
            yield f"calls {name}; work from the arguments alone"
        for name in sorted(called & CLOCKS):
            yield f"asks for the date with {name}; work from the arguments alone"
        generators = _generators(tree)
        if any(_chancy(node, generators) for node in ast.walk(tree)):
            yield "draws without a seed; use random.Random(<a number>)"


def _verify(tree: ast.Module) -> Iterator[str]:
    function = functions(tree).get("verify")
    if function is None:
        yield "define verify(solve) at its top level"
        return
    fewest, most = takes(function)
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not fewest <= 1 <= most or not arguments:
        yield "verify must take one argument, the function solve"
        return
    given = arguments[0].arg
    if not any(_uses(node, given) for node in ast.walk(function)):
        yield f"verify never uses {given}; call it and check what it returns"


def _solve(tree: ast.Module) -> Iterator[str]:
    if "solve" not in functions(tree):
        yield "define the function solve at its top level"


def _uses(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _called(node: ast.Call) -> str:
    """Return the last name of what is called; methods of the program's own begin with a dot."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr if node.func.attr in CLOCKS else f".{node.func.attr}"
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _generators(tree: ast.Module) -> set[str]:
    """Return the names under which a program knows the module `random`."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = [alias for node in imports for alias in node.names if alias.name == "random"]
    return {alias.asname or alias.name for alias in names}


def _chancy(node: ast.AST, generators: set[str]) -> bool:
    """Tell whether a node takes anything of `random` but a generator with a seed."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "random" and any(alias.name != "Random" for alias in node.names)
    if isinstance(node, ast.Call):
        seeded = any(ast.dump(one) != ast.dump(ast.Constant(None)) for one in node.args)
        return _called(node) in ("Random", ".Random") and not seeded
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in generators
        and node.attr != "Random"
    )
