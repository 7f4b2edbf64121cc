"""Files that a crash leaves whole: written at once, or appended line by line."""

from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(text)
    part.replace(file)


def cut_torn_tail(file: Path) -> bool:
    """Cut off a last line without an end, which a crash in the middle of a write has left.

    Returns:
        Whether there was one.
    """
    if not file.exists():
        return False
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return False
    with file.open("r+b") as opened:
        opened.truncate(whole)
    return True
