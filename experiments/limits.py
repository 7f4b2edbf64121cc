"""What the leader of a run may spend on the search, told to its workers on the same host."""

import time
from pathlib import Path

from ..optimizers.files import write_whole
from ..programs.budget import Amount, Budget
from ..programs.meter import Meter
from .config import Part
from .errors import InputError
from .source import one_line


class Limits(Part):
    """What `limits.json` keeps. Whoever reads it shares `spent.log` beside it, and so the count."""

    budget: str | None
    """The leader's; `None` if nothing limits it."""
    kept: Amount
    """What is not for the search."""
    began: float
    """When the leader's time began, in seconds since 1970: the processes share a clock."""


def announce(folder: Path, meter: Meter, kept: Amount) -> None:
    """Limit the workers of a run like its leader, in place of what an earlier leader allowed.

    Args:
        folder: The run's.
        meter: The leader's.
        kept: What is not for the search; workers keep it back even when the leader spends it.
    """
    file = folder / "limits.json"
    if meter.budget is None and not file.exists():
        return
    budget = None if meter.budget is None else str(meter.budget)
    found = Limits(budget=budget, kept=kept, began=time.time() - float(meter.spent.seconds))
    write_whole(file, found.model_dump_json(indent=1) + "\n")


def follow(folder: Path, meter: Meter) -> None:
    """Limit a worker's meter like the leader's. A worker of another host has its own limits.

    Raises:
        InputError: If the file cannot be read.
    """
    file = folder / "limits.json"
    if not file.exists():
        return
    try:
        found = Limits.model_validate_json(file.read_text())
        budget = None if found.budget is None else Budget.parse(found.budget)
    except ValueError as error:
        raise InputError(
            f"{file}: damaged ({one_line(error)}); remove it and start the leader again"
        ) from None
    meter.follow(budget, found.kept, time.time() - found.began)
