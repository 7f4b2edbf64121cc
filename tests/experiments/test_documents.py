import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.experiments.documents import Documents, DocumentSource, Rejected, load, split
from autodata.experiments.errors import InputError
from autodata.programs.records import Document


def prose(about: str, characters: int = 300) -> str:
    sentence = f"What we know about {about} was measured twice. "
    return (sentence * (characters // len(sentence) + 1))[:characters]


def read(path: Path, **options: Any) -> Documents:
    return load(DocumentSource(path=str(path), **options), seed=0)


def refusal(path: Path | str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        load(DocumentSource(path=str(path), **options), seed=0)
    message = str(caught.value)
    assert "\n" not in message
    return message


def ids(documents: Sequence[Document]) -> list[str]:
    return [document.id for document in documents]


def reason(found: Documents, id: str) -> str:
    return next(rejected.reason for rejected in found.rejected if rejected.id == id)


def jsonl(path: Path, *rows: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, **columns: Sequence[Any]) -> Path:
    import datasets

    data = datasets.Dataset.from_dict(dict(columns))
    data.to_csv(str(path)) if path.suffix == ".csv" else data.to_parquet(str(path))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good document, to which a test adds what it is about."""
    root = tmp_path / "folder"
    root.mkdir()
    (root / "good.md").write_text(prose("good"))
    return root


def test_a_folder_gives_its_texts_sorted_by_relative_path(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "two.txt").write_text(prose("two"))
    (tmp_path / "z.MD").write_text(prose("z"))
    (tmp_path / "a.md").write_text(prose("a"))
    (tmp_path / "data.csv").write_text("text\n")
    (tmp_path / ".hidden.md").write_text(prose("hidden"))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text(prose("x"))
    found = read(tmp_path)
    assert ids(found.accepted) == ["a.md", "b/c/two.txt", "z.MD"]
    assert found.accepted[1].text == prose("two")
    assert found.rejected == []


def test_one_text_file_is_a_document(tmp_path: Path) -> None:
    file = tmp_path / "only.txt"
    file.write_text(prose("it"))
    assert ids(read(file).accepted) == ["only.txt"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n# The *title* of it ##\n## Other\n", "The *title* of it"),
        ("```\n# a comment\n```\n## Real\n", "Real"),
        ("# C#\n", "C#"),
        ("#hashtag\n\n    # code\n", ""),
        ("#\n#  \n", ""),
    ],
)
def test_the_title_is_the_first_heading(folder: Path, text: str, title: str) -> None:
    (folder / "titled.md").write_text(text + prose("titled"))
    assert read(folder).accepted[1].title == title


def test_a_byte_order_mark_and_windows_line_ends_are_normalised(folder: Path) -> None:
    text = f"# Café\r\n\r\n{prose('it')}\r\n"
    (folder / "windows.md").write_bytes(b"\xef\xbb\xbf" + text.encode())
    document = read(folder).accepted[1]
    assert document.text == text.replace("\r\n", "\n")
    assert document.title == "Café"


def test_unicode_is_not_recomposed(folder: Path) -> None:
    (folder / "nfd.md").write_text("e\u0301" + prose("it"), encoding="utf-8")
    assert read(folder).accepted[1].text.startswith("e\u0301")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"short" + b" " * 300, "too short: 5 characters, min_characters=200"),
        (b"x" * 200_001, "too long: 200001 characters, max_characters=200000"),
        (b"caf\xe9 " * 100, "not UTF-8: byte 3"),
        (prose("utf-16").encode("utf-16-le"), "binary: contains NUL"),
        (b"\x89PNG\0" * 100, "binary: contains NUL"),
    ],
)
def test_a_bad_file_is_rejected_and_the_rest_is_read(folder: Path, data: bytes, why: str) -> None:
    (folder / "bad.md").write_bytes(data)
    found = read(folder)
    assert ids(found.accepted) == ["good.md"]
    assert [rejected.id for rejected in found.rejected] == ["bad.md"]
    assert why in reason(found, "bad.md")


def test_a_huge_file_is_refused_without_reading_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "huge.md").open("wb") as handle:
        handle.truncate(10_000_000_000)
    opened: list[str] = []
    original = Path.open

    def spy(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(path.name)
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", spy)
    found = read(folder)
    assert reason(found, "huge.md") == "too long: 10000000000 bytes, max_characters=200000"
    assert opened == ["good.md"]


def test_length_is_counted_in_characters_not_bytes(folder: Path) -> None:
    (folder / "wide.md").write_text("\U0001f600" * 300, encoding="utf-8")
    assert ids(read(folder, max_characters=300).accepted) == ["good.md", "wide.md"]


def test_an_exact_copy_is_rejected_naming_the_first(folder: Path) -> None:
    (folder / "copy.md").write_bytes(b"\xef\xbb\xbf" + prose("good").encode())
    found = read(folder)
    assert ids(found.accepted) == ["copy.md"]
    assert found.rejected == [Rejected("good.md", "same text as 'copy.md'")]


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    outside = folder.parent / "folder-secret"
    outside.mkdir()
    (outside / "secret.md").write_text(prose("secret"))
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "relative.md").symlink_to("../folder-secret/secret.md")
    (folder / "linked").symlink_to(outside)
    (folder / "up").symlink_to("..")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "gone.md").symlink_to("gone")
    found = read(folder)
    assert ids(found.accepted) == ["good.md"]
    assert reason(found, "link.md") == "a link out of the folder is not followed"
    assert reason(found, "relative.md") == "a link out of the folder is not followed"
    assert reason(found, "linked") == "a link to a folder is not followed"
    assert {rejected.id for rejected in found.rejected} >= {"up", "loop.md", "gone.md"}


def test_a_link_inside_the_folder_and_a_linked_folder_are_read(folder: Path) -> None:
    (folder / "alias.md").symlink_to("good.md")
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert ids(read(link).accepted) == ["alias.md"]


def test_a_pipe_is_rejected_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert reason(read(folder), "pipe.md") == "not a regular file"


def test_unreadable_files_and_folders_are_rejected(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "locked.md").write_text(prose("locked"))
    (folder / "closed").mkdir()
    open_, scandir = Path.open, os.scandir

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "locked.md":
            raise PermissionError(13, "Permission denied", str(path))
        return open_(path, *arguments, **options)

    def refuse_folder(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse_folder)
    found = read(folder)
    assert ids(found.accepted) == ["good.md"]
    assert "Permission denied" in reason(found, "locked.md")
    assert "Permission denied" in reason(found, "closed")


def test_a_file_name_that_is_not_unicode_is_rejected_under_a_printable_id(folder: Path) -> None:
    try:
        Path(os.fsdecode(bytes(folder) + b"/caf\xe9.md")).write_text(prose("it"))
    except OSError:
        pytest.skip("this file system takes no such name")
    found = read(folder)
    assert "lone surrogate" in reason(found, "caf\\udce9.md")
    assert found.rejected[0].id.encode()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_every_kind_of_table_gives_the_same_documents(tmp_path: Path, suffix: str) -> None:
    texts = ["# One\n\n" + prose('it, "quoted"'), prose("two\r\nlines"), "short"]
    path = tmp_path / f"data{suffix}"
    if suffix == ".jsonl":
        jsonl(path, *({"body": text, "other": 1} for text in texts))
    else:
        table(path, body=texts, other=[1, 2, 3])
    found = read(path, column="body")
    assert ids(found.accepted) == ["row-000001", "row-000002"]
    assert [one.text for one in found.accepted] == [one.replace("\r\n", "\n") for one in texts[:2]]
    assert found.accepted[0].title == "One"
    assert found.rejected == [Rejected("row-000003", "too short: 5 characters, min_characters=200")]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_ids_are_text_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    names = ["2024-01-01", "007", "NA", "../../etc/passwd", "1e5"]
    path = tmp_path / f"data{suffix}"
    if suffix == ".jsonl":
        jsonl(path, *({"id": name, "text": prose(name)} for name in names))
    else:
        table(path, id=names, text=[prose(name) for name in names])
    assert ids(read(path, id_column="id").accepted) == sorted(names)


def test_numbers_are_ids_too_and_keep_their_digits(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"id": 2**70 + n, "text": prose(str(n))} for n in (0, 1)))
    assert ids(read(path, id_column="id").accepted) == [str(2**70), str(2**70 + 1)]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_repeated_id_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    if suffix == ".jsonl":
        jsonl(path, *({"id": name, "text": "x"} for name in ("a", 1, "1")))
    else:
        table(path, id=["a", "1", "1"], text=["x", "y", "z"])
    message = refusal(path, id_column="id")
    assert "'1' names rows 2 and 3" in message
    assert "unset `id_column`" in message


def test_a_row_without_an_id_is_rejected_under_its_number(tmp_path: Path) -> None:
    bad = [None, "", "  ", True, ["a"], {"a": 1}, float("nan")]
    path = jsonl(tmp_path / "a.jsonl", *({"id": id, "text": prose(str(id))} for id in [*bad, "a"]))
    found = read(path, id_column="id")
    assert ids(found.accepted) == ["a"]
    assert [rejected.id for rejected in found.rejected] == [f"row-00000{n}" for n in range(1, 8)]
    assert "no usable id in column 'id'" in reason(found, "row-000001")


def test_a_bad_cell_is_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    cells = [None, 7, ["list"], {"a": 1}, prose("nul") + "\0", prose("half") + "\ud800", prose("x")]
    path = jsonl(tmp_path / "a.jsonl", *({"text": cell} for cell in cells), {"other": 1})
    found = read(path)
    assert ids(found.accepted) == ["row-000007"]
    assert [why for _, why in found.rejected] == [
        "no text",
        "not text but int",
        "not text but list",
        "not text but dict",
        "binary: contains NUL characters",
        "not valid Unicode: contains a lone surrogate",
        "no text",
    ]


def test_parquet_cells_that_are_no_text_are_rejected(tmp_path: Path) -> None:
    path = table(tmp_path / "data.parquet", text=[1, None], body=[prose("a"), None])
    assert reason(read(path, column="body"), "row-000002") == "no text"
    assert "not text but int" in refusal(path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_missing_column_lists_the_columns_and_the_nearest(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    if suffix == ".jsonl":
        jsonl(path, {"texts": "x", "name": "y"})
    else:
        table(path, texts=["x"], name=["y"])
    message = refusal(path)
    assert message.startswith("column='text'")
    assert "set `column` to one of 'texts', 'name'; did you mean 'texts'?" in message
    assert refusal(path, column="texts", id_column="key").startswith("id_column='key'")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": "x"', "Expecting ',' delimiter at column 13"),
        (b"[1, 2]", "a list and no object"),
        (b'{"text": "caf\xe9"}', "can't decode byte 0xe9"),
        (b"[" * 100_000, "recursion"),
        (b'{"n": ' + b"9" * 5000 + b"}", "integer string conversion"),
    ],
)
def test_a_broken_json_line_is_named(tmp_path: Path, line: bytes, why: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n\n' + line + b"\n")
    message = refusal(path)
    assert "a.jsonl', line 3: not a JSON object (" in message
    assert why in message
    assert "correct or remove the line" in message


def test_json_lines_may_have_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = json.dumps({"text": prose("it")}).encode()
    path.write_bytes(b"\xef\xbb\xbf" + row + b"\r\n\r\n \n")
    assert ids(read(path).accepted) == ["row-000001"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"id,text\n1,x\n2,a,b,c\n", "Expected 2 fields in line 3, saw 4"),
        (b"id,text\n1,x,\n2,y,\n", "Length of header"),
        (b'id,text\n1,"never closed\n', "EOF inside string"),
        (b"id,text\n1,caf\xe9\n", "can't decode byte 0xe9"),
        (b"\xff\xfei\0d\0", "can't decode byte 0xff"),
    ],
)
def test_broken_csv_is_one_clear_line(
    tmp_path: Path, data: bytes, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    message = refusal(path)
    assert message.startswith(f"path={str(path)!r}")
    assert why in message
    assert "repair the file or convert it to .jsonl" in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"not parquet at all, by any means" * 10])
def test_broken_parquet_is_one_clear_line(
    tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(data)
    message = refusal(path)
    assert "Parquet" in message
    assert "repair the file" in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("b.csv", "text\n\n"), ("c.jsonl", "")])
def test_a_table_without_rows_holds_no_documents(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert "holds no documents" in refusal(tmp_path / name)


def test_parquet_without_rows_holds_no_documents(tmp_path: Path) -> None:
    assert "holds no documents" in refusal(table(tmp_path / "a.parquet", text=[]))


@pytest.mark.parametrize("name", ["a[1].csv", "*.csv", "x::y.csv", "hf:x.csv", "naïve file.csv"])
def test_a_file_name_is_never_a_pattern(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.csv").write_text("text\n" + prose("other") + "\n")
    (tmp_path / name).write_text("text\n" + prose("this") + "\n")
    assert read(tmp_path / name).accepted[0].text == prose("this")


def test_a_changed_table_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text\n" + prose("old") + "\n")
    status = path.stat()
    assert read(path).accepted[0].text == prose("old")
    path.write_text("text\n" + prose("new") + "\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read(path).accepted[0].text == prose("new")


def test_reading_a_table_is_silent_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = table(tmp_path / "data.parquet", text=[prose("it")])
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    home.mkdir()
    code = (
        "import sys\n"
        "from autodata.experiments.documents import DocumentSource, load\n"
        f"load(DocumentSource(path={str(path)!r}), seed=0)\n"
    )
    unset = ("HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"HOME": str(home), "TMPDIR": str(scratch), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(scratch.iterdir()) == []
    assert not any(home.rglob("*huggingface*"))


def test_a_folder_is_read_without_importing_datasets(folder: Path) -> None:
    code = (
        "import sys\n"
        "from autodata.experiments.documents import DocumentSource, load\n"
        f"load(DocumentSource(path={str(folder)!r}), seed=0)\n"
        "assert 'datasets' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_saved_dataset_is_read_by_split(tmp_path: Path) -> None:
    import datasets

    one = datasets.Dataset.from_dict({"text": [prose("one")]})
    two = datasets.Dataset.from_dict({"text": [prose("two")]})
    one.save_to_disk(str(tmp_path / "single"))
    datasets.DatasetDict({"train": one, "dev": two}).save_to_disk(str(tmp_path / "several"))
    assert read(tmp_path / "single").accepted[0].text == prose("one")
    assert read(tmp_path / "several", split="dev").accepted[0].text == prose("two")
    assert "set `split` to one of 'train', 'dev'" in refusal(tmp_path / "several", split="test")


def test_a_damaged_saved_dataset_is_one_clear_line(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_dict({"text": [prose("one")]}).save_to_disk(str(tmp_path / "data"))
    for file in (tmp_path / "data").glob("*.arrow"):
        file.write_bytes(b"no arrow")
    assert "save the dataset again" in refusal(tmp_path / "data")


def test_a_folder_of_texts_may_hold_a_file_called_state(folder: Path) -> None:
    (folder / "state.json").write_text("{}")
    assert ids(read(folder).accepted) == ["good.md"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Serve every dataset id from a local folder, through the real `load_dataset`."""
    import datasets

    served = tmp_path / "served"
    served.mkdir()
    jsonl(served / "train.jsonl", {"name": "b", "text": prose("b")}, {"name": "a", "text": "x"})
    jsonl(served / "validation.jsonl", {"name": "c", "text": prose("c")})
    original, asked = datasets.load_dataset, []

    def load_dataset(name: str, config: str | None, *, split: str) -> Any:
        asked.append((name, config, split))
        return original(str(served), None, split=split, cache_dir=str(tmp_path / "cache"))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_a_dataset_id_names_a_dataset_its_config_and_a_split(hub: list[tuple[Any, ...]]) -> None:
    found = load(DocumentSource(path="org/name", id_column="name"), seed=0)
    assert (ids(found.accepted), found.rejected[0].id) == (["b"], "a")
    other = load(DocumentSource(path="org/name.v2:20231101.en", split="validation"), seed=0)
    assert other.accepted[0].text == prose("c")
    assert hub == [("org/name", None, "train"), ("org/name.v2", "20231101.en", "validation")]


def test_a_missing_split_or_column_of_a_dataset_is_refused(hub: list[tuple[Any, ...]]) -> None:
    assert "Unknown split" in refusal("org/name", split="nope")
    assert "set `column` to one of 'name', 'text'" in refusal("org/name", column="body")


def test_an_unreachable_hub_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(*_: Any, **__: Any) -> Any:
        raise ConnectionError("Couldn't reach the Hub\n\n(offline)")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    message = refusal("org/name")
    assert "ConnectionError: Couldn't reach the Hub (offline); " in message
    assert "no file or folder of that name" in message
    assert "HF_HUB_OFFLINE" in message


def test_the_hub_in_offline_mode_is_refused_by_the_library_itself(tmp_path: Path) -> None:
    code = (
        "from autodata.experiments.documents import DocumentSource, load\n"
        "from autodata.experiments.errors import InputError\n"
        "try:\n    load(DocumentSource(path='org/name'), seed=0)\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = dict(os.environ) | {"HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("path='org/name': ConnectionError: ")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_the_library_is_as_loud_afterwards_as_before(tmp_path: Path) -> None:
    import datasets

    before = datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled()
    (tmp_path / "bad.parquet").write_bytes(b"x")
    refusal(tmp_path / "bad.parquet")
    assert (datasets.logging.get_verbosity(), datasets.are_progress_bars_disabled()) == before


@pytest.mark.parametrize(
    "path",
    [
        "corpsu",
        "./no-such-docs",
        "../up",
        "a/b/c",
        "/nowhere/at/all",
        "~nobody-here/x",
        "docs/missing.md",
        "docs/data.parquet",
        "org/name:",
        "https://example.org/x",
        "nul\0",
        "x" * 5000,
    ],
)
def test_a_missing_source_is_refused_at_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("asked the hub"))
    assert refusal(path).startswith(f"path={path!r}: ")


@pytest.mark.parametrize("name", ["paper.pdf", "data.json", "data.jsonl.gz", "README"])
def test_an_unsupported_file_is_refused_with_the_kinds_that_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(prose("it"))
    message = refusal(tmp_path / name)
    assert "convert it to one of .md, .txt, .jsonl, .parquet, .csv" in message


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "name a folder with .md or .txt files" in refusal(tmp_path)


def test_a_source_of_only_bad_documents_is_refused_with_an_example(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("short")
    (tmp_path / "b.md").write_text("")
    message = refusal(tmp_path)
    assert "none of 2 documents is usable ('a.md': too short: 5 characters" in message
    assert "check `column`, `min_characters`" in message


def test_the_shipped_corpus_is_usable_whole() -> None:
    found = load(DocumentSource(), seed=0)
    assert found.rejected == []
    assert len(found.accepted) >= 3
    assert all(document.title for document in found.accepted)


def test_a_limit_draws_with_the_seed_and_keeps_the_order(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.md").write_text(prose(str(number)))
    whole = ids(read(tmp_path).accepted)
    source = DocumentSource(path=str(tmp_path), limit=10)
    drawn = [ids(load(source, seed=seed).accepted) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] == sorted(drawn[0])
    assert len(drawn[0]) == 10
    assert set(drawn[0]) < set(whole)
    assert drawn[0] != drawn[2]
    assert drawn[0] != whole[:10]
    assert ids(read(tmp_path, limit=100).accepted) == whole


def test_rejected_documents_do_not_use_up_the_limit(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.md").write_text("")
    assert ids(read(folder, limit=1).accepted) == ["good.md"]


def test_a_source_knows_only_its_own_keys() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        DocumentSource.model_validate({"colum": "text"})
    with pytest.raises(ValueError, match="frozen"):
        DocumentSource().path = "x"


def test_long_headings_and_long_lines_take_no_long_time(folder: Path) -> None:
    for name, text in (("a.md", "# " + "# " * 90_000), ("b.md", "# x" + " \t" * 90_000 + "x")):
        (folder / name).write_text(text)
    start = time.monotonic()
    assert len(read(folder).accepted) == 3
    assert time.monotonic() - start < 5


NAMES = st.lists(st.text(max_size=8), min_size=3, max_size=60, unique=True)


@given(
    names=NAMES,
    train=st.floats(0.01, 0.98),
    share=st.floats(0.01, 0.99),
    seed=st.integers(),
)
def test_splits_are_a_partition_that_only_ids_and_seed_decide(
    names: list[str], train: float, share: float, seed: int
) -> None:
    documents = [Document(id=name, text="x") for name in names]
    validation = (1 - train) * share
    splits = split(documents, train=train, validation=validation, seed=seed)
    assert sorted(ids([*splits.train, *splits.validation, *splits.test])) == sorted(names)
    assert all(splits)
    random.Random(0).shuffle(documents)
    assert split(documents, train=train, validation=validation, seed=seed) == splits


def test_splits_follow_the_fractions_and_the_seed() -> None:
    documents = [Document(id=str(number), text="x") for number in range(50)]
    splits = split(documents, seed=0)
    assert [len(part) for part in splits] == [20, 15, 15]
    assert ids(splits.train) != ids(split(documents, seed=1).train)
    assert [len(part) for part in split(documents[:3], train=0.98, validation=0.01, seed=0)] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("total", [0, 1, 2])
def test_too_few_documents_to_split_say_how_many_are_needed(total: int) -> None:
    documents = [Document(id=str(number), text="x") for number in range(total)]
    with pytest.raises(InputError, match=f"{total} documents: three splits need at least 3; add"):
        split(documents, seed=0)


@pytest.mark.parametrize(
    ("train", "validation"), [(0, 0.3), (0.4, -1), (0.7, 0.3), (float("nan"), 0.3)]
)
def test_fractions_that_leave_a_split_empty_are_refused(train: float, validation: float) -> None:
    documents = [Document(id=str(number), text="x") for number in range(9)]
    with pytest.raises(InputError, match="lower them, for example to"):
        split(documents, train=train, validation=validation, seed=0)


def test_repeated_ids_cannot_be_split() -> None:
    with pytest.raises(InputError, match="give each its own id"):
        split([Document(id="a", text=text) for text in "xyz"], seed=0)
