"""Input that is wrong: one clear line, the right exit code, and never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.experiments.conftest import Command, sets


class Case(NamedTuple):
    """A command with something wrong, and what has to be said about it."""

    words: Callable[[Path], list[str]]
    told: str
    code: int = 2


def documents(name: str, content: bytes, *more: str) -> Callable[[Path], list[str]]:
    """Generate from one file of documents."""

    def words(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return ["generate", "demo", *sets(f"documents.path={folder / name}", *more)]

    return words


def setting(*overrides: str, verb: str = "generate") -> Callable[[Path], list[str]]:
    return lambda folder: [verb, "demo", *sets(*overrides)]


def config(content: bytes) -> Callable[[Path], list[str]]:
    """Generate from a configuration file."""

    def words(folder: Path) -> list[str]:
        (folder / "mine.toml").write_bytes(content)
        return ["generate", str(folder / "mine.toml")]

    return words


def blocked(folder: Path) -> list[str]:
    (folder / "blocked").touch()
    return ["generate", "demo", *sets(f"runs={folder / 'blocked'}")]


def blocked_run(folder: Path) -> list[str]:
    (folder / "runs").mkdir()
    (folder / "runs" / "demo").touch()
    return ["generate", "demo", *sets(f"runs={folder / 'runs'}")]


def no_cache(folder: Path) -> list[str]:
    (folder / "runs" / "cache").mkdir(parents=True)
    (folder / "runs" / "cache" / "answers.db").write_bytes(b"this is no database " * 100)
    return ["generate", "demo", *sets(f"runs={folder / 'runs'}")]


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


PROSE = "What pressure does to the yield was measured twice. " * 10
SERVER = 'models.weak={model="qwen", api_base="http://127.0.0.1:9/v1", retries=0}'

CASES = {
    "an empty file": Case(documents("d.md", b""), "none of 1 documents is usable"),
    "an empty table": Case(documents("d.jsonl", b""), "holds no documents"),
    "a binary file": Case(documents("d.md", b"\x7fELF\0\1\2" * 99), "binary: contains NUL"),
    "a binary table": Case(documents("d.jsonl", b"\x7fELF\0\1\2\n" * 99), "not a JSON object"),
    "a binary parquet file": Case(documents("d.parquet", b"\0" * 99), "repair the file"),
    "another encoding": Case(documents("d.txt", "é".encode("latin-1") * 999), "not UTF-8"),
    "a document of 10 MB": Case(
        documents("d.md", PROSE.encode() * 20_000), "too long: 10400000 bytes"
    ),
    "an unknown kind of file": Case(documents("d.pdf", b"%PDF-1.7"), "cannot read .pdf"),
    "a missing column": Case(documents("d.jsonl", lines({"txet": PROSE})), "no such column in", 2),
    "a column of numbers": Case(documents("d.jsonl", lines({"text": 3})), "not text but int"),
    "repeated ids": Case(
        documents(
            "d.jsonl",
            lines({"text": PROSE, "id": "x"}, {"text": f"{PROSE}!", "id": "x"}),
            "documents.id_column=id",
        ),
        "ids must be unique",
    ),
    "a missing folder": Case(setting("documents.path=/nowhere/at/all"), "no such file or folder"),
    "too few documents to split": Case(
        setting("documents.limit=2", verb="optimize"), "three splits need at least 3"
    ),
    "an unknown preset": Case(lambda folder: ["check", "dmeo"], "did you mean 'demo'?"),
    "a folder as configuration": Case(lambda folder: ["check", str(folder)], "no such file"),
    "bad TOML": Case(config(b"seed = [1,\n"), "not valid TOML"),
    "a binary configuration": Case(config(b"\x00\xff" * 50), "not valid TOML"),
    "an empty configuration": Case(config(b""), "models: Field required"),
    "a list as configuration": Case(config(b"[[models]]\nweak = 1\n"), "models: Input should be"),
    "an unknown key": Case(setting("search.trails=3"), "did you mean 'trials'?"),
    "an unknown simulated model": Case(
        setting("models.weak.model=simulation/waek"), "did you mean 'weak'?"
    ),
    "a model without a name": Case(setting('models.weak.model=""'), "models"),
    "an address that is none": Case(setting("models.weak.api_base=localhost:8000"), "api_base"),
    "a key that is not set": Case(
        setting("models.weak.api_key_env=NOT_SET_ANYWHERE"), "environment variable is not set"
    ),
    "a runs folder that is a file": Case(blocked, "choose another folder with --set runs=FOLDER"),
    "a runs folder that nobody can make": Case(
        setting("runs=/proc/autodata/runs"), "choose another folder with --set runs=FOLDER"
    ),
    "a run that is a file": Case(blocked_run, "choose another folder with --set runs=FOLDER"),
    "a damaged cache": Case(no_cache, "name a folder that can be written, or delete it"),
    "a program that is none": Case(
        lambda folder: ["generate", "demo", "--program", str(folder), *sets("documents.limit=1")],
        "manifest.json is missing",
    ),
    "a tracking address that is none": Case(
        setting("tracking.uri=nowhere://x", "documents.limit=3", verb="optimize"), "tracking.uri"
    ),
    "a server that cannot be reached": Case(
        setting(SERVER, "documents.limit=2"), "Connect call failed", 1
    ),
    "a server that cannot be reached, for a search": Case(
        setting(SERVER, "documents.limit=3", "search.trials=1", verb="optimize"),
        "no episode can be scored (weak: ",
        1,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_wrong_input_is_one_clear_line(
    case: Case, cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    answer = cli(*case.words(tmp_path))
    assert answer.code == case.code, answer.err
    assert "Traceback" not in answer.err
    told = [line for line in answer.err.splitlines() if line.startswith("autodata: ")]
    assert len(told) == 1, answer.err
    assert case.told in told[0]
    assert len(told[0]) < 600


def test_a_server_that_cannot_be_reached_is_a_recorded_failure(
    cli: Command, tmp_path: Path
) -> None:
    words = sets(SERVER, "documents.limit=2", f"runs={tmp_path / 'runs'}")
    found = json.loads(cli("generate", "demo", "--json", *words).out)
    assert len(found["failures"]) == 2
    assert found["measurement"]["failures"] == 2
    assert all("127.0.0.1" in reason for reason in found["failures"].values())


def test_one_bad_document_among_good_ones_does_not_stop_a_run(cli: Command, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "good.md").write_text(PROSE)
    (folder / "bad.md").write_bytes(b"\0" * 999)
    words = sets(f"documents.path={folder}", "loop.rounds=1", f"runs={tmp_path / 'runs'}")
    answer = cli("generate", "demo", *words)
    assert answer.code == 0
    assert "document bad.md: left out, binary" in answer.err
