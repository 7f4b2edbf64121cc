"""What can be set on a simulated model, checked before anything runs."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .irt import JUDGE_ERROR, STRONG, WEAK

ABILITIES = {"weak": WEAK, "strong": STRONG, "weak-b": -0.45, "strong-b": 1.25}
"""Ability of each solver in logits; the pair `-b` is for held-out reports."""

NAMES = (
    "reader",
    "orchestrator",
    "challenger",
    "verifier",
    "judge",
    "referee",
    "proposer",
    *ABILITIES,
)
"""The models that there are."""


class Faults(BaseModel):
    """Chance per call, in [0, 1], of what goes wrong with real endpoints."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    malformed: float = Field(default=0.0, ge=0, le=1)
    """The answer does not have the fields that were asked for."""
    truncated: float = Field(default=0.0, ge=0, le=1)
    """The answer ends at the token limit (`finish_reason="length"`)."""
    empty: float = Field(default=0.0, ge=0, le=1)
    """The answer, or each of its fields, has no text."""
    rate_limit: float = Field(default=0.0, ge=0, le=1)
    """429 with a short `retry_after`."""
    timeout: float = Field(default=0.0, ge=0, le=1)
    """The endpoint does not answer in time."""
    server_error: float = Field(default=0.0, ge=0, le=1)
    """503."""
    wrong_markers: float = Field(default=0.0, ge=0, le=1)
    """The names of the fields are translated."""
    leak: float = Field(default=0.0, ge=0, le=1)
    """Challenger only: the context gives the answer away word for word."""
    identical: float = Field(default=0.0, ge=0, le=1)
    """Solvers only, drawn per task: every attempt gives the same answer."""


class Options(BaseModel):
    """Parameters of a simulated model."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """Root of all draws; 0 is a seed like any other."""
    ability: float = Field(default=0.0, ge=-10, le=10)
    """Of a solver, in logits; by default that of its name."""
    latency: float = Field(default=0.0, ge=0)
    """Mean time to an answer, in seconds."""
    latency_spread: float = Field(default=0.0, ge=0, le=3)
    """Standard deviation of the logarithm of the latency; 0 makes it fixed."""
    judge_error: float = Field(default=JUDGE_ERROR, ge=0, le=1)
    """Chance that the judge misreads one criterion."""
    faults: Faults = Faults()
    """What goes wrong, by name."""


def parse(name: str, options: Mapping[str, Any]) -> Options:
    """Check a model's name and options.

    Raises:
        ValueError: If the name or an option is unknown, or a value is out of range.
    """
    if name not in NAMES:
        raise ValueError(f"model={name!r:.60}: {_known(name, NAMES)}")
    _check_names("option", options, Options.model_fields)
    faults = options.get("faults", {})
    if isinstance(faults, Mapping):
        _check_names("fault", faults, Faults.model_fields)
    try:
        return Options.model_validate({"ability": ABILITIES.get(name, 0.0), **options})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}={first['input']!r:.60}: {first['msg']}") from error


def _check_names(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = [name for name in given if name not in set(known)]
    if unknown:
        raise ValueError(f"{kind} {unknown[0]!r:.60}: {_known(unknown[0], known)}")


def _known(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; choose one of these"
    return f"known are {', '.join(names)}{hint}"
