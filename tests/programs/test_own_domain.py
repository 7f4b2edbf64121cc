"""The domain that the documentation writes from scratch works as written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.experiments import compiled
from autodata.experiments.errors import InputError
from autodata.programs.domains import find_domain

ROOT = Path(__file__).parents[2]
CONFIG = """
domain = "house_rules:HOUSE_RULES"
run = "own"

[documents]
path = "rules"

[models.default]
model = "simulation/orchestrator"

[models.challenger]
model = "simulation/challenger"

[models.verifier]
model = "simulation/verifier"

[models.weak]
model = "simulation/weak"

[models.strong]
model = "simulation/strong"

[models.judge]
model = "simulation/judge"
"""


def shown() -> str:
    page = (ROOT / "docs" / "domains.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return block


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "house_rules.py").write_text(shown())
    (tmp_path / "own.toml").write_text(CONFIG)
    (tmp_path / "rules").mkdir()
    names = "stairs quiet bicycles laundry cellar garden roof noise guests keys pets bins"
    for name in names.split():
        text = f"The rules about {name}. Whoever uses the {name} after ten must ask first. " * 12
        (tmp_path / "rules" / f"{name}.md").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "house_rules", raising=False)
    return tmp_path


def test_a_domain_of_ones_own_takes_less_than_eighty_lines() -> None:
    assert len(shown().splitlines()) < 80


def test_a_domain_of_ones_own_generates_tasks_from_the_command_line(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autodata", "generate", "own.toml", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accepted"] >= 1
    rows = [json.loads(line) for line in (folder / found["tasks"]).read_text().splitlines()]
    assert all(row["gap"] >= 0.2 and sum(row["weak"]) / 3 <= 0.5 for row in rows)


def test_a_compiled_program_never_decides_what_is_imported(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autodata", "optimize", "own.toml", "--set=search.trials=1"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    made = folder / "runs" / "own" / "compiled"
    with pytest.raises(InputError, match=r"pass your own with load\(path, domain="):
        compiled.load(made)
    assert "house_rules" not in sys.modules
    program = compiled.load(made, domain=find_domain("house_rules:HOUSE_RULES"))
    assert program.domain.name == "house-rules"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reserch", "did you mean 'research'"),
        (".a:b", "write module:NAME, such as house_rules:HOUSE_RULES"),
        (":X", "write module:NAME"),
        ("nowhere_at_all:X", "no module 'nowhere_at_all'; run where nowhere_at_all.py is"),
        ("house_rules:NOTHING", "module 'house_rules' has no 'NOTHING'"),
        ("house_rules:Decide", "Decide is a SignatureMeta; make it a Domain"),
    ],
)
def test_a_domain_that_cannot_be_found_is_refused_with_the_remedy(
    name: str, message: str, folder: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        find_domain(name)


def test_a_fault_inside_a_domains_module_is_shown_as_it_is(folder: Path) -> None:
    (folder / "broken_rules.py").write_text("import a_module_that_is_missing\n")
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_missing"):
        find_domain("broken_rules:X")
