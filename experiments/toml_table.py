"""A configuration as it is written: a TOML file or a preset, and single keys set over it."""

import difflib
import importlib.resources
import tomllib
from pathlib import Path
from typing import Any

from .errors import InputError


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = importlib.resources.files("autodata.experiments") / "presets"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


def read_table(name: str) -> dict[str, Any]:
    """Read the table of a file or a preset.

    Raises:
        InputError: If there is none of that name, or it is not TOML.
    """
    path = Path(name)
    if path.is_file():
        source = path.read_bytes()
    elif path.suffix != ".toml" and name in presets():
        folder = importlib.resources.files("autodata.experiments") / "presets"
        source = (folder / f"{name}.toml").read_bytes()
    else:
        near = difflib.get_close_matches(name, presets(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"presets: {', '.join(presets())}"
        raise InputError(f"{name}: no such file and no preset of that name; {hint}")
    try:
        return tomllib.loads(source.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: not valid TOML ({error}); mend that line") from None


def set_key(table: dict[str, Any], override: str) -> None:
    """Set the key that a text such as `search.trials=40` names, in place.

    Raises:
        InputError: If the text is not `key=value`, or the key is inside a value.
    """
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set {override}: expected key=value, such as search.trials=40")
    try:
        value, *more = tomllib.loads(f"value = {text}").values()
    except tomllib.TOMLDecodeError:
        value, more = text, []
    if more:
        raise InputError(f"--set {override!r}: expected one value; use --set once for each key")
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise InputError(f"--set {override}: {parent!r} is a value and has no key {last!r}")
    table[last] = value
