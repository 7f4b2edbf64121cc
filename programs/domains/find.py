"""Domains by name: the shipped ones, and those of a user's own."""

import difflib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from .base import Domain


def find(name: str, shipped: Mapping[str, Domain]) -> Domain:
    """Return a domain.

    Args:
        name: One of `shipped`, or `module:NAME` for a `Domain` of your own in a module that can be
            imported from the working folder.
        shipped: The domains by name.

    Raises:
        ValueError: In one line: what is wrong, and the remedy.
    """
    if name in shipped:
        return shipped[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        near = difflib.get_close_matches(name, shipped, 1)
        hint = f"did you mean {near[0]!r}?" if near else "or module:NAME for one of your own"
        raise ValueError(f"domain={name!r:.60}: known are {', '.join(shipped)}; {hint}")
    if not all(part.isidentifier() for part in (*module.split("."), attribute)):
        raise ValueError(f"domain={name!r:.80}: write module:NAME, such as house_rules:HOUSE_RULES")
    here = str(Path.cwd())
    if here not in sys.path:
        # Last, so that no file of the user's takes the place of a library's module.
        sys.path.append(here)
    try:
        home = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ValueError(
            f"domain={name!r:.80}: no module {module!r}; run where {module}.py is, or install it"
        ) from None
    if not hasattr(home, attribute):
        raise ValueError(
            f"domain={name!r:.80}: module {module!r} has no {attribute!r}; check the name"
        )
    found = getattr(home, attribute)
    if not isinstance(found, Domain):
        raise ValueError(
            f"domain={name!r:.80}: {attribute} is a {type(found).__name__}; make it a Domain"
        )
    return found
