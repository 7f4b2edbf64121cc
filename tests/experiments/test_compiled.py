"""A compiled program: loads anywhere, is what was saved, and holds no pickle and no key."""

import json
import os
import pickletools
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fakes import GOOD_REPORT, TASK, Cast, fields

import autodata
from autodata.experiments.compiled import load, load_manifest, read_candidate, save_compiled
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.errors import InputError
from autodata.optimizers import Candidate, Knobs
from autodata.programs import Autodata, Document, Models, Task
from tests.experiments.conftest import OPEN_GATE, PLANTED, Command, Finished, sets

EXAMPLE = Path(__file__).parents[2] / "examples" / "use_compiled.py"
CORPUS = resources.files("autodata.experiments") / "corpus" / "research"
DEMO: dict[str, Any] = {
    "document": "A text.",
    "rules": "Some rules.",
    "brief": "Ask why.",
    "failures": "",
    "notes": "None.",
    "task": TASK,
}
TRICKY = 'Write it otherwise: {braces}, "quotes", \\n, Ünïcödé and\na second line.'


def candidate() -> Candidate:
    """Return a candidate that differs from the shipped program in everything that it can."""
    own = Candidate.of(Autodata())
    return Candidate(
        instructions={**own.instructions, "challenger.write": TRICKY},
        demos={"challenger.write": [DEMO]},
        knobs=Knobs(temperature=0.7, memory=2),
    )


def config(tmp_path: Path, *overrides: str) -> ExperimentConfig:
    return load_config("demo", [OPEN_GATE, f"runs={tmp_path / 'runs'}", *overrides])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A compiled program."""
    made = tmp_path / "compiled"
    save_compiled(made, candidate(), config(tmp_path, "loop.rounds=4"), metrics={}, mlflow={})
    return made


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_was_saved_is_what_is_loaded(folder: Path) -> None:
    assert read_candidate(folder) == candidate()
    assert load_manifest(folder).candidate == read_candidate(folder).id
    program = load(folder)
    write = program.optimizable()["challenger.write"]
    assert write.signature.instructions == TRICKY
    assert [demo["brief"] for demo in write.demos] == ["Ask why."]
    assert program.challenger.temperature == 0.7
    assert (program.settings.memory, program.settings.rounds) == (2, 4)
    assert program.gate.name == "open"


def test_a_loaded_program_says_its_prompts_to_the_challenger(folder: Path) -> None:
    cast = Cast()
    assert load(folder, cast.models)(document="Pressure and yield. " * 20).task is not None
    request = cast["challenger"].requests[0]
    assert "Write it otherwise" in (request.system or "")
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.config.temperature == 0.7


def test_saving_a_loaded_program_again_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    save_compiled(
        again, read_candidate(folder), config(tmp_path, "loop.rounds=4"), metrics={}, mlflow={}
    )
    for file in folder.iterdir():
        assert (again / file.name).read_text() == file.read_text()


def test_a_new_process_in_another_folder_writes_accepted_tasks(
    finished: Finished, tmp_path: Path
) -> None:
    shutil.copytree(finished.folder / "compiled", tmp_path / "moved")
    document = tmp_path / "document.md"
    document.write_text((CORPUS / "token-bucket-policers-and-segment-size.md").read_text())
    ended = subprocess.run(
        [sys.executable, str(EXAMPLE), "moved", "document.md"],
        cwd=tmp_path,
        env={**os.environ, "PLANTED": PLANTED},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    Task.model_validate_json(ended.stdout)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["document.md", "moved"]


def test_load_is_a_public_name_and_takes_text_or_document(folder: Path) -> None:
    program = autodata.load(str(folder))
    text = (CORPUS / "token-bucket-policers-and-segment-size.md").read_text()
    found = program(document=Document(id="mine", text=text))
    assert found.episode.document_id == "mine"
    assert found.score == program(document=text).score


def test_a_cache_is_kept_only_where_it_was_asked_for(folder: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    load(folder, cache=tmp_path / "cache")(document="Some text. " * 60)
    assert (tmp_path / "cache").is_dir()
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_folder_holds_text_and_no_pickle(finished: Finished) -> None:
    files = [path for path in (finished.folder / "compiled").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["README.md", "manifest.json", "program.json"]
    for file in files:
        content = file.read_bytes()
        content.decode()
        with pytest.raises(ValueError):
            list(pickletools.genops(content))
        if file.suffix == ".json":
            json.loads(content)


def test_the_manifest_says_where_the_program_comes_from(finished: Finished) -> None:
    manifest = load_manifest(finished.folder / "compiled")
    assert set(manifest.versions) == {"python", "autodata-dspy", "dspy"}
    assert (manifest.domain, manifest.run, manifest.seed) == ("research", "demo", 7)
    assert manifest.metrics["winner"]["gap"] == finished.result.winner.gap
    assert manifest.mlflow == finished.result.mlflow.model_dump()
    assert manifest.models["weak"].api_key_env == "PLANTED"


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder, and every database in words: a page may end in a word."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield str(file), file.read_bytes()
    for database in folder.rglob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            yield f"{database} in words", "\n".join(connection.iterdump()).encode()


def test_a_key_stands_in_no_file_of_a_run(finished: Finished) -> None:
    seen = dict(everything(finished.folder.parent))
    assert any(b"orchestrator" in content for content in seen.values())
    assert [name for name, content in seen.items() if PLANTED.encode() in content] == []


def test_a_key_that_was_really_sent_stands_in_no_file(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server import Server, error

    monkeypatch.setenv("PLANTED", PLANTED)
    with Server() as server:
        weak = f'{{model="weak", api_base="{server.url}", api_key_env="PLANTED", retries=0}}'
        for run, steps in (("good", []), ("bad", [error(401)])):
            server.script(*steps, forever=True)
            cli(
                "generate",
                "demo",
                *sets(f"models.weak={weak}", OPEN_GATE, "documents.limit=1", "loop.rounds=1"),
                *sets(f"run={run}", f"runs={tmp_path / 'runs'}"),
            )
        sent = server.requests
    assert {one.authorization for one in sent} == {f"Bearer {PLANTED}"}
    seen = dict(everything(tmp_path))
    assert [name for name, content in seen.items() if PLANTED.encode() in content] == []


def test_only_the_keys_of_the_programs_own_roles_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = config(tmp_path, "models.proposer.api_key_env=KEY_OF_THE_OPTIMIZER")
    save_compiled(tmp_path / "made", candidate(), made, metrics={}, mlflow={})
    monkeypatch.delenv("KEY_OF_THE_OPTIMIZER", raising=False)
    assert load(tmp_path / "made").challenger.temperature == 0.7


def test_a_key_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = config(tmp_path, "models.weak.api_key_env=NOT_SET_ANYWHERE")
    save_compiled(tmp_path / "made", candidate(), made, metrics={}, mlflow={})
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    assert "'NOT_SET_ANYWHERE': this environment variable is not set" in refusal(tmp_path / "made")


def test_other_models_can_be_given(folder: Path) -> None:
    program = load(folder, Models())
    assert program.weak.role_lm is None


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("manifest.json", None, "no compiled program (manifest.json is missing)"),
        ("manifest.json", b"", "damaged or of another version"),
        ("manifest.json", b"\xff\xfe", "damaged or of another version"),
        ("manifest.json", b"[]", "damaged or of another version"),
        ("manifest.json", b'{"format": 2}', "damaged or of another version (format"),
        ("program.json", None, "missing or damaged"),
        ("program.json", b"", "missing or damaged"),
        ("program.json", b"\xff\xfe", "missing or damaged"),
        ("program.json", b"[]", "missing or damaged"),
        ("program.json", b"{}", "missing or damaged"),
        ("program.json", b'{"challenger.write": 3}', "missing or damaged"),
        ("program.json", b'{"challenger.write": {}}', "missing or damaged"),
    ],
)
def test_a_damaged_folder_is_one_clear_line(
    folder: Path, file: str, content: bytes | None, why: str
) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    assert why in refusal(folder)


def test_a_torn_file_is_one_clear_line(folder: Path) -> None:
    for name in ("program.json", "manifest.json"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        assert "export it again" in refusal(folder)


def test_a_domain_of_another_version_is_one_clear_line(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"domain":"research"', '"domain":"alchemy"'))
    file.write_text(file.read_text().replace('"domain": "research"', '"domain": "alchemy"'))
    assert "made for domain 'alchemy'" in refusal(folder)


def test_a_folder_that_is_none_says_what_to_give(tmp_path: Path) -> None:
    assert "`autodata optimize` or `autodata export`" in refusal(tmp_path / "nowhere")


def test_the_readme_shows_the_instructions_and_how_to_load(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert TRICKY in text
    assert 'autodata.load("FOLDER")' in text
    assert "It was not measured on test documents." in text


def test_the_example_prints_that_no_task_was_accepted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import runpy

    def refuses(*args: Any) -> Autodata:
        report = fields(report={**GOOD_REPORT, "leakage": "LEAKS_ANSWER"})
        return load(folder, Cast({"verifier": lambda r, s: report}).models)

    monkeypatch.setattr("autodata.experiments.compiled.load", refuses)
    (tmp_path / "d.md").write_text("Some text. " * 30)
    monkeypatch.setattr(sys, "argv", ["use_compiled.py", str(folder), str(tmp_path / "d.md")])
    runpy.run_path(str(EXAMPLE))
    assert capsys.readouterr().out == "no task was accepted\n"
