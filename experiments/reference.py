"""The configuration's reference page, made from the configuration itself.

`python -m autodata.experiments.reference > docs/configuration.md` writes it.
"""

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ..metrics import Gate
from ..optimizers import SearchOptions
from ..programs import ModelConfig
from .config import ExperimentConfig, LoopConfig, TrackingConfig
from .source import DocumentSource

_TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", ExperimentConfig),
    ("documents", DocumentSource),
    ("models.ROLE", ModelConfig),
    ("loop", LoopConfig),
    ("search", SearchOptions),
    ("tracking", TrackingConfig),
    ("gate", Gate),
)

_HEAD = """# Configuration

One TOML file. Every key can be set on the command line: `--set search.trials=40`. Unknown keys are
refused. ROLE is `default`, `proposer`, or a role that asks a model in the domain: of `reader`,
`orchestrator`, `challenger`, `verifier`, `weak`, `strong`, `judge` and `referee`. A bound of the
gate is `{ limit = "0.65", inclusive = true }`.
"""


def reference() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(_section(name, model) for name, model in _TABLES)


def _section(name: str, model: type[BaseModel]) -> str:
    title = f"`[{name}]`" if name else "Top level"
    rows = "\n".join(_rows(model))
    return f"\n## {title}\n\n| key | default | meaning |\n|---|---|---|\n{rows}\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{key}` | {_default(field.get_default(call_default_factory=True))} | {meaning} |"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    if isinstance(value, BaseModel):
        return "below"
    return f"`{value!r}`" if not isinstance(value, bool) else f"`{str(value).lower()}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
