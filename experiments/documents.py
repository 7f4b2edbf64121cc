"""Documents: read from a folder, a table, the shipped corpus or a dataset id; then split."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from ..programs.records import Document
from .errors import InputError
from .source import DATASET_ID, SHIPPED, TABLES, TEXTS, DocumentSource, Found, one_line
from .tables import dataset_id, is_saved, saved, table
from .texts import Shelf, Texts

__all__ = ["DocumentSource", "Documents", "Rejected", "Splits", "load", "split"]


class Rejected(NamedTuple):
    """A document that was left out, and why, in one line."""

    id: str
    reason: str


class Documents(NamedTuple):
    """What `load` found; both lists are sorted by id."""

    accepted: Sequence[Document]
    """In memory, or in a file if they are many: then each is read when it is asked for."""
    rejected: list[Rejected]


class Splits(NamedTuple):
    """Disjoint parts of the documents, each in a shuffled order."""

    train: list[Document]
    validation: list[Document]
    test: list[Document]


def load(
    source: DocumentSource, *, seed: int, domain: str = "research", scratch: Path | None = None
) -> Documents:
    """Read the documents of `source`.

    One bad document is rejected and does not stop the run.

    Args:
        source: Where to read, and the bounds on length.
        seed: Decides which documents a `limit` keeps. Nothing else depends on it.
        domain: Whose shipped documents are meant by `corpus`.
        scratch: Folder for texts that are too many for memory.

    Returns:
        At least one accepted document, and the rejected ones with their reasons.

    Raises:
        InputError: If there is nothing to read, a table is broken or ambiguous, or no document is
            usable.
    """
    rejected: list[Rejected] = []
    ids: list[str] = []
    hashes: list[bytes] = []
    texts = Texts(scratch)
    for found in _find(source, domain):
        text = _normal(found.text)
        reason = found.reason or _problem(found.id, text, source)
        if reason:
            rejected.append(Rejected(_printable(found.id), reason))
            continue
        ids.append(found.id)
        hashes.append(hashlib.sha256(text.encode()).digest())
        texts.add(text)
    order: list[int] = []
    first: dict[bytes, str] = {}
    for number in sorted(range(len(ids)), key=ids.__getitem__):
        if (before := first.setdefault(hashes[number], ids[number])) == ids[number]:
            order.append(number)
        else:
            rejected.append(Rejected(_printable(ids[number]), f"same text as {before!r}"))
    rejected.sort()
    if not order:
        raise InputError(_nothing(source, rejected))
    if source.limit is not None:
        order.sort(key=lambda number: _place(ids[number], seed, "limit"))
        order = sorted(order[: source.limit], key=ids.__getitem__)
    accepted = Shelf([ids[number] for number in order], order, texts)
    return Documents(accepted if texts.many else list(accepted), rejected)


def split(
    documents: Sequence[Document], *, train: float = 0.4, validation: float = 0.3, seed: int
) -> Splits:
    """Divide documents at random into train, validation and test.

    Args:
        documents: At least three, with distinct ids. Their order does not matter.
        train: Fraction to reflect on, in (0, 1).
        validation: Fraction to select on, in (0, 1). The rest is for the report.
        seed: Decides, with the ids alone, who goes where.

    Returns:
        Three disjoint parts that cover `documents`, none of them empty.

    Raises:
        InputError: If a part would have no share, or there are too few documents.
    """
    if not (train > 0 and validation > 0 and train + validation < 1):
        raise InputError(
            f"train={train}, validation={validation}: both must be above 0 and their sum below 1, "
            "because the rest is the test split; lower them, for example to 0.4 and 0.3"
        )
    total = len(documents)
    if total < 3:
        raise InputError(
            f"{total} documents: three splits need at least 3; "
            "add documents, raise `limit` or lower `min_characters`"
        )
    if len({document.id for document in documents}) < total:
        raise InputError("documents: ids repeat, which makes splits overlap; give each its own id")
    trained = min(max(1, round(train * total)), total - 2)
    validated = min(max(1, round(validation * total)), total - trained - 1)
    order = sorted(documents, key=lambda document: _place(document.id, seed, "split"))
    tested = trained + validated
    return Splits(order[:trained], order[trained:tested], order[tested:])


def _place(id: str, seed: int, consumer: str) -> bytes:
    """Order by a hash of seed, consumer and id, so that input order and other ids move nothing."""
    text = f"{seed}/documents/{consumer}/{id}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _normal(text: Any) -> Any:
    return text.removeprefix("\ufeff").replace("\r\n", "\n") if isinstance(text, str) else text


def _problem(id: str, text: Any, source: DocumentSource) -> str:
    """Say in one line why `text` cannot be a document; empty if it can."""
    if not isinstance(text, str):
        return "no text" if text is None else f"not text but {type(text).__name__}"
    length = len(text.strip())
    if length == 0:
        return "empty"
    if length < source.min_characters:
        return f"too short: {length} characters, min_characters={source.min_characters}"
    if len(text) > source.max_characters:
        return f"too long: {len(text)} characters, max_characters={source.max_characters}"
    if "\0" in text:
        return "binary: contains NUL characters"
    if _printable(id + text) != id + text:
        return "not valid Unicode: contains a lone surrogate"
    return ""


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _nothing(source: DocumentSource, rejected: Sequence[Rejected]) -> str:
    if not rejected:
        return (
            f"path={source.path!r}: holds no documents; name a folder with .md or .txt files, "
            "or one .jsonl, .parquet or .csv file with rows"
        )
    id, reason = rejected[0]
    return (
        f"path={source.path!r}: none of {len(rejected)} documents is usable ({id!r}: {reason}); "
        "check `column`, `min_characters` and `max_characters`, or name another source"
    )


def _find(source: DocumentSource, domain: str) -> Iterator[Found]:
    """Yield everything that could be a document, in any order."""
    if source.path == SHIPPED:
        shipped = resources.files("autodata.experiments") / SHIPPED / domain
        with resources.as_file(shipped) as folder:
            yield from _folder(folder, source)
        return
    try:
        path = Path(source.path).expanduser()
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"path={source.path!r}: {one_line(error)}; name something readable"
        ) from error
    suffix = path.suffix.lower()
    dataset = DATASET_ID.fullmatch(source.path)
    if is_folder:
        yield from saved(path, source) if is_saved(path) else _folder(path, source)
    elif is_file and suffix in TEXTS:
        yield _file(path, path.name, source)
    elif is_file and suffix in TABLES:
        yield from table(path, source)
    elif is_file:
        raise InputError(
            f"path={source.path!r}: cannot read {suffix or 'files without a suffix'}; "
            f"convert it to one of {', '.join(TEXTS + TABLES)}"
        )
    elif dataset and suffix not in TEXTS + TABLES:
        yield from dataset_id(dataset["name"], dataset["config"], source)
    else:
        raise InputError(
            f"path={source.path!r}: no such file or folder; check the spelling, or name "
            f"{SHIPPED!r} (the shipped documents) or a dataset id such as 'org/name'"
        )


def _folder(root: Path, source: DocumentSource) -> Iterator[Found]:
    """Yield the .md and .txt files below `root`, named by their path relative to it."""
    bad: list[Found] = []
    files: list[tuple[str, Path]] = []

    def unreadable(error: OSError) -> None:
        bad.append(Found(name(Path(error.filename)), reason=f"unreadable: {one_line(error)}"))

    def name(path: Path) -> str:
        return path.relative_to(root).as_posix()

    for here, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        links = [Path(here, folder) for folder in folders if Path(here, folder).is_symlink()]
        bad += [Found(name(link), reason="a link to a folder is not followed") for link in links]
        for path in (Path(here, file) for file in names if not file.startswith(".")):
            if path.suffix.lower() in TEXTS:
                files.append((name(path), path))
    inside = Path(os.path.realpath(root))
    for id, path in sorted([*((found.id, found) for found in bad), *files], key=lambda one: one[0]):
        if isinstance(path, Found):
            yield path
        elif not Path(os.path.realpath(path)).is_relative_to(inside):
            yield Found(id, reason="a link out of the folder is not followed")
        else:
            yield _file(path, id, source)


def _file(path: Path, id: str, source: DocumentSource) -> Found:
    """Read one text file, never more of it than `max_characters` can need."""
    most = 4 * source.max_characters + 3  # UTF-8 has at most 4 bytes a character; 3 for the BOM.
    try:
        if not path.is_file():
            return Found(id, reason="not a regular file")
        size = path.stat().st_size
        if size > most:
            return Found(
                id, reason=f"too long: {size} bytes, max_characters={source.max_characters}"
            )
        with path.open("rb") as handle:
            data = handle.read(most + 1)
    except OSError as error:
        return Found(id, reason=f"unreadable: {one_line(error)}")
    if b"\0" in data:
        return Found(id, reason="binary: contains NUL characters")
    try:
        return Found(id, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Found(id, reason=f"not UTF-8: byte {error.start} cannot be decoded")
