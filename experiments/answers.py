"""The cache of answers for people: how large it is, whose answers it has, and less of them."""

from datetime import datetime
from pathlib import Path

from pydantic import ByteSize, TypeAdapter, ValidationError

from ..programs.cache import AnswerCache
from .config import Part
from .errors import InputError


class Answers(Part):
    """The answers of one endpoint."""

    endpoint: str
    answers: int
    bytes: int
    first: datetime
    last: datetime


class AnswersKept(Part):
    """What a folder of runs keeps."""

    folder: str
    endpoints: list[Answers]
    removed: int = 0
    """How many answers were removed just now."""


def kept_answers(runs: Path, keep: str | None = None) -> AnswersKept:
    """Return what the cache of a folder of runs holds, after removing what is too much.

    Args:
        runs: The folder.
        keep: Largest size of what is left, such as `500MB`; the oldest answers go first.

    Raises:
        InputError: If there is no cache, or the size cannot be read.
    """
    folder = runs / "cache"
    if not (folder / "answers.db").is_file():
        raise InputError(f"{folder}: no answers are kept there; name a folder of runs")
    try:
        size = None if keep is None else int(TypeAdapter(ByteSize).validate_python(keep))
    except ValidationError:
        raise InputError(f"--keep {keep}: not a size; write 500MB, 2GB or 0") from None
    try:
        cache = AnswerCache(folder, gigabytes=float("inf"))
    except ValueError as error:
        raise InputError(str(error)) from None
    try:
        removed = 0 if size is None else cache.prune(size)
        return AnswersKept(
            folder=str(folder),
            endpoints=[Answers.model_validate(one._asdict()) for one in cache.kept()],
            removed=removed,
        )
    finally:
        cache.close()
