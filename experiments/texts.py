"""Documents that are too many for memory: their texts wait in a file until they are asked for."""

import re
import threading
import weakref
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import overload

from ..programs import Document
from .errors import InputError
from .source import one_line

MEMORY = 1 << 26
"""Bytes of texts that stay in memory; with more, all are in the file."""


class Texts:
    """Keeps texts by number. The file has no name and ends with the process.

    Args:
        folder: Where the file is made once it is needed; the system's for such files if `None`.

    Raises:
        InputError: If it cannot be written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file = SpooledTemporaryFile(MEMORY, dir=None if folder is None else str(folder))  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._ends = array("Q", [0])
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def many(self) -> bool:
        """Whether they are in the file."""
        return self._ends[-1] > MEMORY

    def add(self, text: str) -> None:
        """Keep a text under the next number, beginning with 0."""
        data = text.encode()
        try:
            if self._folder is not None and self._ends[-1] + len(data) > MEMORY:
                self._folder.mkdir(parents=True, exist_ok=True)
            self._file.write(data)
        except OSError as error:
            raise InputError(
                f"{self._folder or 'temporary files'}: no place for the texts of all documents "
                f"({one_line(error)}); make room, or choose another folder with --set runs=FOLDER"
            ) from None
        self._ends.append(self._ends[-1] + len(data))

    def read(self, number: int) -> str:
        """Return a text."""
        start, end = self._ends[number], self._ends[number + 1]
        with self._turn:
            self._file.seek(start)
            return self._file.read(end - start).decode()


class Shelf(Sequence[Document]):
    """Documents whose texts are kept elsewhere.

    Args:
        ids: Their ids.
        numbers: The number of each one's text.
        texts: The texts.
    """

    def __init__(self, ids: list[str], numbers: Iterable[int], texts: Texts) -> None:
        self._ids, self._numbers, self._texts = ids, array("Q", numbers), texts

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | list[Document]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        text = self._texts.read(self._numbers[index])
        return Document(id=self._ids[index], text=text, title=_title(text))


def _title(text: str) -> str:
    """Return the first ATX heading outside code fences, at most 200 characters of it."""
    fenced = False
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and re.match(r" {0,3}#{1,6}[ \t]+[^#\s]", line):
            return re.sub(r"\s#+$", "", stripped.lstrip("#")).strip()[:200]
    return ""
