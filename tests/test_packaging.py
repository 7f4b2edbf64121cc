"""The package: every folder is listed, the data comes with it, and the wheel holds just that."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata, resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]
FOLDERS = ("programs", "optimizers", "metrics", "experiments")


def packages() -> dict[str, str]:
    """Return every folder with Python in it, by the name that it is imported under."""
    found = {"autodata": "src/autodata"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            below = path.parent.relative_to(ROOT)
            found[".".join(("autodata", *below.parts))] = below.as_posix()
    return found


def shipped() -> set[str]:
    """Return every file that a wheel must hold, by its path there."""
    found: set[str] = set()
    for package, folder in packages().items():
        globs = ["*.py", *SETUPTOOLS["package-data"].get(package, [])]
        found |= {
            f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}"
            for pattern in globs
            for path in (ROOT / folder).glob(pattern)
        }
    return found


def test_every_folder_is_listed_once() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(packages())
    assert SETUPTOOLS["package-dir"] == packages()


def test_every_package_can_be_imported_and_lists_its_names() -> None:
    for package, folder in packages().items():
        assert (ROOT / folder / "__init__.py").is_file(), package


def test_the_links_for_editors_lead_to_the_real_folders() -> None:
    for folder in FOLDERS:
        link = ROOT / "src" / "autodata" / folder
        if link.is_symlink():  # A copy without links works as well.
            assert link.resolve() == ROOT / folder


def test_nothing_that_is_not_python_is_forgotten() -> None:
    data = {
        f"{'.'.join(('autodata', folder))}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    # A file may be listed by its own package or by one above it: compare the places of the files.
    data = {name.replace("/", ".") for name in data}
    listed = {
        f"{package}.{path.relative_to(ROOT / folder).as_posix().replace('/', '.')}"
        for package, folder in packages().items()
        if package != "autodata"
        for pattern in SETUPTOOLS["package-data"].get(package, [])
        for path in (ROOT / folder).glob(pattern)
    }
    assert data == listed


def test_presets_are_found_where_the_package_is() -> None:
    folder = resources.files("autodata.experiments") / "presets"
    for name in ("demo", "research"):
        assert "models" in tomllib.loads((folder / f"{name}.toml").read_text())


def test_the_corpus_is_enough_to_split_and_no_text_comes_twice() -> None:
    folder = resources.files("autodata.experiments") / "corpus" / "research"
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir()}
    assert len(texts) >= 30
    assert all(name.endswith(".md") for name in texts)
    assert len({" ".join(text.split()) for text in texts.values()}) == len(texts)
    lengths = {name: len(text.split()) for name, text in texts.items()}
    assert {name: n for name, n in lengths.items() if not 300 <= n <= 700} == {}
    titles = {text.splitlines()[0] for text in texts.values()}
    assert len(titles) == len(texts)
    assert all(title.startswith("# ") for title in titles)


def test_the_command_is_installed() -> None:
    scripts = {point.name: point.value for point in metadata.entry_points(group="console_scripts")}
    assert scripts["autodata"] == PROJECT["project"]["scripts"]["autodata"] == "autodata.cli:main"


def test_everything_that_is_imported_is_declared() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    stated = PROJECT["project"]["dependencies"] + extras["gp"] + extras["ray"]
    declared = {re.split(r"[^\w-]", text)[0].replace("-", "_").lower() for text in stated}
    imported: set[str] = set()
    for folder in packages().values():
        for path in (ROOT / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add((node.module or "").partition(".")[0])
    imported -= sys.stdlib_module_names
    # What others bring with them as a part of their own interface.
    brought = {"pydantic_core": "pydantic"}
    brought |= {"litellm": "dspy"}
    assert {brought.get(name, name) for name in imported} <= declared


def test_the_wheel_holds_all_of_our_files_and_nothing_else(tmp_path: Path) -> None:
    try:
        ready = int(metadata.version("setuptools").partition(".")[0]) >= 77
    except metadata.PackageNotFoundError:
        ready = False
    if not ready:
        pytest.skip("building needs setuptools 77 or newer in this environment")
    tree = tmp_path / "tree"
    litter = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("src", *FOLDERS):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=litter)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree / file)
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "wheel", str(tree), *options, "-w", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    (wheel,) = tmp_path.glob("autodata_dspy-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped()
