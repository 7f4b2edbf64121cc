"""Tables: JSON lines as they are written, everything else through `datasets`."""

import codecs
import csv
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .errors import InputError
from .source import DocumentSource, Found, one_line

__all__ = ["dataset_id", "is_saved", "saved", "table"]


def table(path: Path, source: DocumentSource) -> Iterator[Found]:
    """Read a .jsonl, .csv or .parquet file: one document a row."""
    return _jsonl(path, source) if path.suffix.lower() == ".jsonl" else _file(path, source)


def is_saved(path: Path) -> bool:
    """Say whether `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote this folder."""
    one = (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    return one or (path / "dataset_dict.json").is_file()


def saved(path: Path, source: DocumentSource) -> Iterator[Found]:
    """Read a folder that `Dataset.save_to_disk` wrote."""
    with _library(source, "save the dataset again") as datasets:
        loaded = datasets.load_from_disk(str(path))
        if isinstance(loaded, datasets.DatasetDict):
            if source.split not in loaded:
                raise InputError(
                    f"split={source.split!r}: not in {source.path!r}; set `split` to one of "
                    f"{', '.join(map(repr, loaded))}"
                )
            loaded = loaded[source.split]
        yield from _rows(loaded, source)


def dataset_id(name: str, config: str | None, source: DocumentSource) -> Iterator[Found]:
    """Read a dataset from the hub, or from its cache in the user's home."""
    remedy = (
        "there is no file or folder of that name either; check the spelling, `split`, the network, "
        "HF_HUB_OFFLINE and HF_TOKEN, or name a local file"
    )
    with _library(source, remedy) as datasets:
        yield from _rows(datasets.load_dataset(name, config, split=source.split), source)


def _jsonl(path: Path, source: DocumentSource) -> Iterator[Found]:
    """Read JSON lines as they are written.

    Not by `datasets`, which infers types: it turns the ids 2024-01-01 and 2 ** 70 into a timestamp
    and a float, and gives up on a whole file for one bad cell, naming no line.
    """
    columns: dict[str, None] = {}

    def rows() -> Iterator[dict[str, Any]]:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if stripped := line.removeprefix(codecs.BOM_UTF8).strip():
                    row = _object(stripped, f"path={source.path!r}, line {number}")
                    columns.update(dict.fromkeys(row))
                    yield {name: row.get(name) for name in _wanted(source)}

    last = None
    try:
        for last in _named(rows(), source):
            yield last
    except OSError as error:
        raise InputError(f"path={source.path!r}: {one_line(error)}; make it readable") from error
    if last is not None:
        _require(source, list(columns))


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        problem = one_line(error)
    else:
        if isinstance(row, dict):
            return row
        problem = f"a {type(row).__name__} and no object"
    raise InputError(f"{where}: not a JSON object ({problem}); correct or remove the line")


def _file(path: Path, source: DocumentSource) -> Iterator[Found]:
    """Read .csv or .parquet through `datasets`, in a cache that ends with the call."""
    with (
        _library(source, "repair the file or convert it to .jsonl") as datasets,
        TemporaryDirectory(prefix="autodata-", ignore_cleanup_errors=True) as scratch,
    ):
        # The link has a plain name because `datasets` reads *, [ and :: in a name as patterns.
        link = Path(scratch, f"data{path.suffix.lower()}")
        link.symlink_to(path.resolve())
        try:
            if link.suffix == ".csv":
                table = _csv(datasets, link, source)
            else:
                table = datasets.Dataset.from_parquet(str(link), cache_dir=scratch)
        except ValueError as error:
            if "corresponds to no data" in str(error):
                return
            raise
        yield from _rows(table, source)


def _csv(datasets: Any, path: Path, source: DocumentSource) -> Any:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        _require(source, next((row for row in csv.reader(lines) if row), []))
    # All cells are text: 007 and NA are ids like any other. And no column may become an index,
    # which would shift the others by one where rows are longer than the header.
    text = datasets.Value("string")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Length of header")
        return datasets.Dataset.from_csv(
            str(path),
            cache_dir=str(path.parent),
            features=datasets.Features(dict.fromkeys(_wanted(source), text)),
            keep_default_na=False,
            index_col=False,
        )


@contextmanager
def _library(source: DocumentSource, remedy: str) -> Iterator[Any]:
    """Lend the `datasets` library, silent, with its faults put into one line for the user."""
    # Imported here because it takes seconds, and most sources do without.
    import datasets
    from datasets.exceptions import DatasetsError

    hidden = datasets.are_progress_bars_disabled()
    verbosity = datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        yield datasets
    except InputError:
        raise
    except (
        DatasetsError,
        csv.Error,
        ImportError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        cause = error.__cause__ or error
        raise InputError(
            f"path={source.path!r}: {type(cause).__name__}: {one_line(cause)}; {remedy}"
        ) from error
    finally:
        datasets.logging.set_verbosity(verbosity)
        if not hidden:
            datasets.enable_progress_bars()


def _rows(table: Any, source: DocumentSource) -> Iterator[Found]:
    _require(source, table.column_names)
    yield from _named(table.with_format(None).select_columns(_wanted(source)), source)


def _wanted(source: DocumentSource) -> list[str]:
    return [name for name in dict.fromkeys((source.column, source.id_column)) if name is not None]


def _require(source: DocumentSource, columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column that the user named."""
    if not columns:
        raise InputError(f"path={source.path!r}: holds no documents; add a header and rows")
    for field, name in (("column", source.column), ("id_column", source.id_column)):
        if name is not None and name not in columns:
            near = get_close_matches(name, columns, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            shown = ", ".join(map(repr, columns[:20])) + (", ..." if len(columns) > 20 else "")
            raise InputError(
                f"{field}={name!r}: no such column in {source.path!r}; "
                f"set `{field}` to one of {shown}{hint}"
            )


def _named(rows: Iterable[Mapping[str, Any]], source: DocumentSource) -> Iterator[Found]:
    """Give every row its id, as text."""
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        id = f"row-{number:06}"
        if source.id_column is not None:
            given = row[source.id_column]
            if not _names(given):
                yield Found(id, reason=f"no usable id in column {source.id_column!r}")
                continue
            id = str(given)
            if id in numbers:
                raise InputError(
                    f"id_column={source.id_column!r}: {id!r} names rows {numbers[id]} and {number} "
                    f"of {source.path!r}; ids must be unique, so correct them or unset `id_column`"
                )
            numbers[id] = number
        yield Found(id, row[source.column])


def _names(value: Any) -> bool:
    if value is None or isinstance(value, bool | bytes | list | dict):
        return False
    return value == value and bool(str(value).strip())
