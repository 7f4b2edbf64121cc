"""Files that a crash leaves whole: written at once, or appended line by line."""

import os
from collections.abc import Iterable
from pathlib import Path

BLOCK = 1 << 16


def write_whole(file: Path, text: str | Iterable[str]) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it.

    Args:
        file: What to write.
        text: Its content, or the parts of it, which are written as they come.
    """
    part = file.with_name(f"{file.name}.part")
    with part.open("w") as opened:
        opened.writelines([text] if isinstance(text, str) else text)
    part.replace(file)


def cut_torn_tail(file: Path) -> bool:
    """Cut off a last line without an end, which a crash in the middle of a write has left.

    Returns:
        Whether there was one.
    """
    if not file.exists():
        return False
    with file.open("r+b") as opened:
        size = whole = opened.seek(0, os.SEEK_END)
        found = -1
        while whole and found < 0:
            start = max(0, whole - BLOCK)
            opened.seek(start)
            found = opened.read(whole - start).rfind(b"\n")
            whole = start + found + 1
        if whole == size:
            return False
        opened.truncate(whole)
    return True
