"""How much one untrusted program may use."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

MEBIBYTE = 1024 * 1024


class Limits(BaseModel):
    """What each of the two programs of a check may use.

    The number of processes and threads is no setting: a program has one of each and starts none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cpu_seconds: PositiveInt = 2
    """Seconds of processor time. The systems count whole ones."""
    wall_seconds: PositiveFloat = 15.0
    """Seconds by the clock for the whole check, waiting and sleeping included."""
    memory_bytes: int = Field(default=256 * MEBIBYTE, ge=64 * MEBIBYTE)
    """Address space. The interpreter itself needs about 30 MiB of it."""
    file_bytes: int = Field(default=MEBIBYTE, ge=4096)
    """Size of one file. All of a program's files together get eight times as much where the
    working folder is in memory (see `isolation`)."""
    message_bytes: int = Field(default=MEBIBYTE, ge=1024)
    """Size of the arguments of one call, and of its result, as they are sent."""
