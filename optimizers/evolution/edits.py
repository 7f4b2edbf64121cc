"""From an edit to a child: what may be changed is checked here, in code."""

import json
from typing import Any

from ..candidate import Candidate
from ..guard import Guard
from ..options import SearchOptions
from .roles import Edit


class EditError(ValueError):
    """An edit that may not be applied."""


def described(candidate: Candidate) -> str:
    """Write down as JSON what of a candidate may be edited."""
    shown = {"instructions": candidate.instructions, "settings": candidate.knobs.model_dump()}
    return json.dumps(shown, ensure_ascii=False, indent=1)


def bounds(options: SearchOptions) -> str:
    """Write down as JSON what values settings may take."""
    lowest, highest = options.temperature
    temperature = {"lowest": lowest, "highest": highest}
    return json.dumps({"temperature": temperature, "memory": {"one of": list(options.memory)}})


def changes(parent: Candidate, child: Candidate) -> tuple[str, ...]:
    """Return the names of what differs, instructions first."""
    before, after = parent.knobs.model_dump(), child.knobs.model_dump()
    instructions = [
        name for name, text in child.instructions.items() if text != parent.instructions[name]
    ]
    return (*instructions, *(name for name in after if after[name] != before[name]))


def applied(edit: Edit, parent: Candidate, options: SearchOptions, guard: Guard) -> Candidate:
    """Return the child that an edit makes of its parent.

    Raises:
        EditError: If any part of the edit is not allowed, or nothing changes. Nothing is applied
            then.
    """
    instructions = _rewritten(edit, parent)
    settings = _settings(edit, options)
    knobs = parent.knobs.model_copy(update=settings)
    child = parent.model_copy(update={"instructions": instructions, "knobs": knobs})
    if child.id == parent.id:
        raise EditError("the edit changes nothing")
    if fault := guard.fault(child):
        raise EditError(fault)
    return child


def _rewritten(edit: Edit, parent: Candidate) -> dict[str, str]:
    """Return all instructions, with those of the edit in their places."""
    named = [one.predictor for one in edit.instructions]
    found = dict(parent.instructions)
    for one in edit.instructions:
        if one.predictor not in parent.instructions:
            known = ", ".join(parent.instructions)
            raise EditError(f"predictor {one.predictor[:60]!r}: only {known} may be edited")
        if named.count(one.predictor) > 1:
            raise EditError(f"{one.predictor}: edited twice; write one instruction")
        if not one.instruction.strip():
            raise EditError(f"{one.predictor}: the new instruction is empty")
        found[one.predictor] = one.instruction.strip()
    return found


def _settings(edit: Edit, options: SearchOptions) -> dict[str, Any]:
    """Return the settings that the edit names."""
    lowest, highest = options.temperature
    settings: dict[str, Any] = {}
    if edit.temperature is not None:
        if not lowest <= edit.temperature <= highest:
            raise EditError(f"temperature={edit.temperature}: stay within [{lowest}, {highest}]")
        settings["temperature"] = edit.temperature
    if edit.memory is not None:
        if edit.memory not in options.memory:
            allowed = ", ".join(map(str, options.memory))
            raise EditError(f"memory={edit.memory}: choose one of {allowed}")
        settings["memory"] = edit.memory
    return settings
