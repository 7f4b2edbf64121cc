"""The house: imports go down the floors, files and functions stay short, and nothing runs text."""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("metrics", "programs", "optimizers", "experiments")
JOINT = (
    "board",
    "effects",
    "generation",
    "search",
    "sharing",
    "slots",
    "storage",
    "study",
    "thompson",
    "worker",
)
"""The files of the joint search that speak to Optuna."""
HOMES = {
    "mlflow": {"experiments/store.py"},
    "optuna": {
        "optimizers/importance.py",
        *(f"optimizers/joint/{name}.py" for name in JOINT),
    },
    "datasets": {"experiments/tables.py"},
    "latex2sympy2_extended": {"metrics/answers/formula.py", "metrics/answers/worker.py"},
    "math_verify": {"metrics/answers/numbers.py", "metrics/answers/worker.py"},
}
"""Libraries that are imported in one place only."""
LONG = {"programs/simulation/phrases.py"}
"""Files that are data written as Python."""
SPEAKING = {"src/autodata/cli.py", "src/autodata/leftovers.py", "src/autodata/verbs.py"}
"""Files that may print; so may `experiments/show.py`, through rich."""
KEPT = {"experiments/writer.py", "programs/sandbox/inside/stage.py"}
"""Files that keep any error: to raise it in the thread that asked, or as a program's verdict."""
UNTRUSTED = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
ARITHMETIC = {"numpy", "pydantic", "pydantic_core", "rapidfuzz", "scipy", "sympy"}
ARITHMETIC |= {"latex2sympy2_extended", "math_verify"}


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not path.is_symlink() and "__pycache__" not in path.parts]


OURS = files(*FLOORS) + sorted((ROOT / "src" / "autodata").glob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in OURS]


def package(name: str) -> str:
    """Return the package that a file is in: `autodata.programs` for `programs/lms.py`."""
    parts = Path(name).parent.parts
    return ".".join(parts[1:] if parts[0] == "src" else ("autodata", *parts))


def imports(name: str, tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything that is imported, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(relative, package(name))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def broken(name: str, source: str) -> list[str]:
    """Return the rules that a file breaks, one phrase each."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["no docstring that says what the module is"]
    if source.count("\n") > 300 and name not in LONG:
        found.append(f"{source.count(chr(10))} lines, at most 300")
    if re.search(r"\b(TODO|FIXME|XXX)\b", source):
        found.append("an open end is marked in the text; put it into an issue")
    found += [fault for target in imports(name, tree) if (fault := _upward(name, target))]
    for node in ast.walk(tree):
        found += _node(name, node)
    return found


def _upward(name: str, target: str) -> str:
    floor = Path(name).parts[0]
    library, *inner = target.split(".")
    if library in HOMES and name not in HOMES[library]:
        return f"imports {library}, which only {sorted(HOMES[library])} may"
    if library in UNTRUSTED:
        return f"imports {library}"
    if target.startswith("autodata.cli") and name != "src/autodata/__main__.py":
        return "imports the command line"
    if floor not in FLOORS:
        return ""
    below = FLOORS[: FLOORS.index(floor) + 1]
    if library == "autodata" and inner[0] not in below:
        return f"imports upward: {target}"
    if floor == "metrics" and library not in {"autodata", *ARITHMETIC} and not _standard(library):
        return f"metrics imports {library}"
    return ""


def _standard(library: str) -> bool:
    return library in sys.stdlib_module_names


def _node(name: str, node: ast.AST) -> list[str]:
    where = f"line {getattr(node, 'lineno', 0)}"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        return [f"{where}: {node.name} has {length} lines, at most 60"] if length > 60 else []
    if isinstance(node, ast.ExceptHandler):
        return [f"{where}: catches everything"] if _blind(name, node) else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        banned = {"eval", "exec"} | (set() if name in SPEAKING else {"print"})
        return [f"{where}: calls {node.func.id}"] if node.func.id in banned else []
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        shared = node.value.id == "random" and node.attr not in ("Random", "SystemRandom")
        return [f"{where}: draws from the global generator"] if shared else []
    return []


def _blind(name: str, handler: ast.ExceptHandler) -> bool:
    """Tell a handler that swallows any error from one that adds to it and raises."""
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        if (handler.type)
        else {"BaseException"}
    )
    if not caught & {"Exception", "BaseException"} or name in KEPT:
        return False
    return not isinstance(handler.body[-1], ast.Raise)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_keeps_the_rules_of_the_house(name: str) -> None:
    assert broken(name, (ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    ("name", "source", "rule"),
    [
        ("metrics/gap.py", "from ..programs import Episode", "imports upward"),
        ("metrics/gap.py", "import dspy", "metrics imports dspy"),
        ("programs/lms.py", "from ..optimizers.trial import Trial", "imports upward"),
        ("programs/domains/base.py", "from ...experiments import config", "imports upward"),
        ("programs/lms.py", "def f():\n    import autodata.optimizers", "imports upward"),
        ("optimizers/trial.py", "from .. import experiments", "imports upward"),
        ("experiments/runner.py", "from ..cli import main", "imports the command line"),
        ("experiments/runner.py", "import mlflow.entities", "imports mlflow"),
        ("optimizers/trial.py", "from optuna import Study", "imports optuna"),
        ("experiments/config.py", "import datasets", "imports datasets"),
        ("experiments/config.py", "import pickle", "imports pickle"),
        ("experiments/config.py", "try:\n    f()\nexcept:\n    pass", "catches everything"),
        ("programs/lms.py", "try:\n    f()\nexcept (KeyError, Exception):\n    g()", "everything"),
        ("programs/lms.py", "print(1)", "calls print"),
        ("programs/lms.py", "eval('1')", "calls eval"),
        ("programs/lms.py", "random.random()", "global generator"),
        ("programs/lms.py", "# TO" + "DO", "open end"),
        ("programs/lms.py", "x = 1\n" * 301, "at most 300"),
        ("programs/lms.py", "def f():\n" + "    x = 1\n" * 60, "at most 60"),
    ],
)
def test_a_planted_fault_is_found(name: str, source: str, rule: str) -> None:
    found = broken(name, f'"""A module."""\n{source}\n')
    assert len(found) == 1
    assert rule in found[0]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("experiments/store.py", "import mlflow"),
        ("experiments/runner.py", "from ..metrics import gap\nfrom .config import Part"),
        ("programs/lms.py", "try:\n    f()\nexcept Exception:\n    raise"),
        ("src/autodata/cli.py", "print(1)"),
        ("programs/lms.py", "random.Random('seed')"),
        ("programs/lms.py", "def f():\n" + "    x = 1\n" * 59),
    ],
)
def test_what_is_allowed_is_not_reported(name: str, source: str) -> None:
    assert broken(name, f'"""A module."""\n{source}\n') == []


def test_the_named_exceptions_are_files_that_there_are() -> None:
    assert (LONG | KEPT).union(*HOMES.values()) <= set(NAMES)


def test_floors_are_named_relatively_so_that_no_class_exists_twice() -> None:
    assert [name for name in NAMES if "autodata" in _absolute(ROOT / name)] == []


def test_tests_and_examples_name_us_absolutely() -> None:
    others = files("tests", "examples", "benchmarks")
    assert [str(path) for path in others if _absolute(path) & set(FLOORS)] == []


def _absolute(path: Path) -> set[str]:
    """Return the first part of every name that a file imports without a leading dot."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    plain |= {
        node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
    }
    return {name.partition(".")[0] for name in plain}
