"""What the readers of documents share: the source that a user describes, and what was found."""

import re
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

__all__ = ["DATASET_ID", "SHIPPED", "TABLES", "TEXTS", "DocumentSource", "Found", "one_line"]

SHIPPED = "corpus"
TEXTS = (".md", ".txt")
TABLES = (".jsonl", ".parquet", ".csv")
DATASET_ID = re.compile(r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(:(?P<config>[\w.-]+))?", re.ASCII)


class DocumentSource(BaseModel):
    """Where documents come from and which of them are usable."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = Field(default=SHIPPED, min_length=1)
    """`corpus` (the shipped documents of the domain); a folder of .md and .txt files (subfolders
    too, hidden ones not) or one saved by `datasets`; a .md, .txt, .jsonl, .parquet or .csv file; or
    else a dataset id, `org/name` or `org/name:config`."""
    column: str = "text"
    """Column of a table that holds the text."""
    id_column: str | None = None
    """Column of a table that names its documents. Without one they are named by row, counted from
    1: `row-000012`."""
    split: str = "train"
    """Split of a dataset id or a saved dataset. Files have none."""
    limit: PositiveInt | None = None
    """At most this many documents, drawn with the run's seed. All if not set."""
    min_characters: NonNegativeInt = 200
    """Shorter documents are rejected; surrounding white space does not count."""
    max_characters: PositiveInt = 200_000
    """Longer documents are rejected."""


class Found(NamedTuple):
    """The text as it was found, of whatever type, or the reason why there is none."""

    id: str
    text: Any = None
    reason: str = ""


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, at most 300 characters of it."""
    return " ".join(str(error).split())[:300] or type(error).__name__
