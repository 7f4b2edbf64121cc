"""The journal: what is in it stays, what a crash tore is cut, and one process writes."""

import errno
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import Cast
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.experiments.errors import InputError
from autodata.experiments.journal import Journal
from autodata.optimizers import Candidate, Objective
from autodata.programs import Autodata, Document, Episode, Settings, Usage

HOLD = """
import sys
from pathlib import Path
from autodata.experiments.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def episode(number: int) -> Episode:
    usage = Usage(calls=number, cached=1, input_tokens=10 * number)
    return Episode(document_id=f"dé{number}\n", rounds=(), usage=usage, stopped="rounds")


def kept(folder: Path) -> dict[str, Episode | None]:
    with Journal(folder) as journal:
        return {key: journal.get(key) for key in ("a", "b", "c") if journal.get(key)}


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A journal of three episodes."""
    with Journal(tmp_path) as journal:
        for number, key in enumerate("abc"):
            journal.put(key, episode(number))
    return tmp_path


def test_what_was_put_is_there_after_reopening(three: Path) -> None:
    assert kept(three) == {key: episode(number) for number, key in enumerate("abc")}
    with Journal(three) as journal:
        assert len(journal) == 3
        journal.put("d", episode(9))
        assert journal.get("d") == episode(9)
    assert len((three / "journal.jsonl").read_bytes().splitlines()) == 4


def test_an_episode_is_on_disk_as_soon_as_it_was_put(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put("a", episode(1))
        assert (tmp_path / "journal.jsonl").read_bytes().endswith(b"}\n")


def test_the_last_episode_under_a_key_counts(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put("a", episode(1))
        journal.put("a", episode(2))
    assert kept(tmp_path) == {"a": episode(2)}


def test_a_line_torn_at_any_place_is_cut_off_and_the_rest_stays(three: Path) -> None:
    file = three / "journal.jsonl"
    content = file.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    for length in {*range(0, len(content), 41), *ends, *(end - 1 for end in ends)}:
        file.write_bytes(content[:length])
        whole = sum(end <= length for end in ends)
        assert list(kept(three)) == list("abc")[:whole]
        assert file.read_bytes() == content[: max([0, *(end for end in ends if end <= length)])]


def test_a_cut_journal_can_be_written_on(three: Path) -> None:
    file = three / "journal.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    with Journal(three) as journal:
        journal.put("c", episode(7))
    assert kept(three) == {"a": episode(0), "b": episode(1), "c": episode(7)}


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"\xff{", b"[1]", b'{"key": "b"}', b'"b"'])
def test_a_damaged_line_is_skipped_with_a_warning(
    damage: bytes, three: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = three / "journal.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([lines[0], damage, *lines[2:]]))
    with caplog.at_level(logging.WARNING):
        assert kept(three) == {"a": episode(0), "c": episode(2)}
    assert "line 2 is damaged and skipped" in caplog.text


@pytest.mark.parametrize("damage", [b"\0" * 9, b"}" * 9, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"])
def test_damage_within_a_line_is_found_when_it_is_read(
    damage: bytes, three: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = three / "journal.jsonl"
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([lines[0], lines[1][:40] + damage + lines[1][49:], *lines[2:]]))
    with Journal(three) as journal, caplog.at_level(logging.WARNING):
        assert "b" in journal
        assert journal.get("b") is None
        assert "b" not in journal
        assert journal.get("c") == episode(2)
        journal.put("b", episode(1))
        assert journal.get("b") == episode(1)
    assert "the line of b is damaged and skipped" in caplog.text


def test_a_line_of_another_key_is_not_taken_for_the_episode(three: Path) -> None:
    file = three / "journal.jsonl"
    with Journal(three) as journal:
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([lines[0], lines[2], lines[1]]))
        assert journal.get("b") is None
        assert journal.get("a") == episode(0)


@settings(max_examples=40)
@given(keys=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_every_key_finds_its_own_episode(
    keys: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    with Journal(folder) as journal:
        for number, key in enumerate(keys):
            journal.put(key, episode(number))
    with Journal(folder) as journal:
        assert len(journal) == len(set(keys))
        for number, key in enumerate(keys):
            last = len(keys) - 1 - keys[::-1].index(key)
            assert journal.get(key) == episode(last), number


def test_only_one_process_may_hold_a_folder_until_it_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match=r"another process.*--set run=NAME") as caught:
            Journal(tmp_path)
        assert "\n" not in str(caught.value)
        holder.kill()
    assert kept(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written .*--set runs=FOLDER"):
        Journal(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "file" / "below")


def test_an_empty_journal_is_a_store_and_keeps_episodes(tmp_path: Path) -> None:
    program = Autodata(Cast().models, settings=Settings(rounds=1))
    with Journal(tmp_path) as journal:
        assert len(journal) == 0
        objective = Objective(program, seed=0, store=journal)
        documents = [Document(id="d", text="Some text. " * 30)]
        found = objective.episodes(Candidate.of(program), documents, "x")
        assert len(journal) == 1
        assert objective.episodes(Candidate.of(program), documents, "x") == found


def test_a_full_disk_is_an_error_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    program = Autodata(Cast().models, settings=Settings(rounds=1))
    documents = [Document(id=f"d{i}", text=f"Text {i}. " * 30) for i in range(2)]
    with Journal(tmp_path) as journal:
        journal.put("a", episode(1))
        monkeypatch.setattr("autodata.experiments.journal.os.fsync", full)
        objective = Objective(program, seed=0, store=journal)
        with pytest.raises(OSError, match="No space left"):
            objective.episodes(Candidate.of(program), documents, "x")
    monkeypatch.undo()
    assert kept(tmp_path)["a"] == episode(1)
