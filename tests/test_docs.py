"""The documentation is true: its commands run, its programs run, its pages are current."""

import os
import re
import shlex
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from autodata.experiments.config import load_config
from autodata.experiments.reference import reference

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALL = [
    f"--set={setting}"
    for setting in (
        "documents.limit=8",
        "search.trials=2",
        "search.instructions=1",
        "loop.rounds=3",
        "test_repeats=1",
    )
]
OFFLINE = ["check", "generate", "optimize", "evaluate", "compare"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return every `autodata` command line of the documentation, without its comment."""
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    found = [line.partition("  #")[0].strip() for line in lines if line.startswith("autodata ")]
    return sorted(set(found))


def autodata(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autodata", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "COLUMNS": "120"},
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the small demonstration has run."""
    folder = tmp_path_factory.mktemp("docs")
    done = autodata(["optimize", "demo", *SMALL], folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_documentation_has_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", [c for c in commands() if "my.toml" not in c])
def test_every_command_about_the_demo_runs(command: str, finished: Path) -> None:
    words = shlex.split(command)[1:]
    if words[0] == "ui":
        words.append("--help")
    elif words[0] in OFFLINE:
        words += SMALL
        if words[0] == "compare":
            # Commands of several pages would meet in one folder, with other documents.
            words.append(f"--set=run=docs-{zlib.crc32(command.encode())}")
    elif words[0] == "export":
        words = [{"3": "1"}.get(word, word) for word in words]
    done = autodata(words, finished)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_configuration_shown_is_valid(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in blocks(page, "python"):
        if named := re.match(r"# (\w+\.py)\n", block):
            (tmp_path / named[1]).write_text(block)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for block in blocks(page, "toml"):
        file = tmp_path / "shown.toml"
        default = (
            "" if "[models.default]" in block else '\n[models.default]\nmodel = "simulation/x"'
        )
        whole = block if "[gate]" not in block else f"{block}{default}"
        file.write_text(whole if "[models.default]" in whole else f"{whole}{default}\n")
        assert load_config(str(file)).models


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_program_shown_runs(page: Path, finished: Path) -> None:
    (finished / "paper.txt").write_text("A text about pressure and yield. " * 40)
    mine = finished / "runs" / "mine"
    if not mine.exists():
        mine.symlink_to(finished / "runs" / "demo")
    for block in blocks(page, "python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=finished, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr


def test_the_configuration_page_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference()


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)\)", prose):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
