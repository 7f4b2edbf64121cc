"""Documents that are too many for memory are the same documents, read from a file."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.experiments import texts
from autodata.experiments.documents import DocumentSource, load, split
from autodata.experiments.errors import InputError
from autodata.experiments.texts import Shelf, Texts


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for one or two documents."""
    monkeypatch.setattr(texts, "MEMORY", 500)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Thirty documents in no order, two of them with one text and one too short."""
    rows = [{"id": f"d{7 * n % 30:02}", "text": f"# No {n}\n" + f"é{n} " * 80} for n in range(30)]
    rows += [{"id": "e", "text": rows[3]["text"]}, {"id": "f", "text": "short"}]
    file = tmp_path / "table.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize("limit", [None, 7])
def test_many_documents_are_those_that_few_would_be(
    limit: int | None, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = DocumentSource(path=str(table), id_column="id", limit=limit)
    held = load(source, seed=3)
    assert isinstance(held.accepted, list)
    monkeypatch.setattr(texts, "MEMORY", 500)
    found = load(source, seed=3, scratch=tmp_path / "runs")
    assert isinstance(found.accepted, Shelf)
    assert list(found.accepted) == held.accepted
    assert found.accepted[1:4] == held.accepted[1:4]
    assert found.accepted[-1] == held.accepted[-1]
    assert found.rejected == held.rejected
    assert split(found.accepted, seed=3) == split(held.accepted, seed=3)


def test_of_equal_texts_the_first_id_counts_wherever_it_stands(table: Path) -> None:
    found = load(DocumentSource(path=str(table), id_column="id"), seed=0)
    assert [one.id for one in found.rejected] == ["e", "f"]
    assert found.rejected[0].reason == "same text as 'd21'"


@pytest.mark.usefixtures("little")
def test_the_file_has_no_name_and_lies_in_the_given_folder(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "below" / "runs"
    source = DocumentSource(path=str(table), id_column="id")
    found = load(source, seed=0, scratch=folder)
    assert folder.is_dir()
    assert list(folder.iterdir()) == []
    assert len(found.accepted) == 30


@pytest.mark.usefixtures("little")
def test_a_folder_that_cannot_take_them_is_named(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"no place for the texts .*make room.*--set runs=FOLDER"):
        load(DocumentSource(path=str(table)), seed=0, scratch=tmp_path / "file")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=30))
def test_every_text_comes_back_as_it_was(given: list[str]) -> None:
    kept = Texts()
    for text in given:
        kept.add(text)
    assert [kept.read(number) for number in reversed(range(len(kept)))] == given[::-1]
