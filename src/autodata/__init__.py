"""Turn documents into tasks that a strong model solves and a weak one does not.

The public names are loaded on first use, so that `autodata --help` answers at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .experiments.compiled import load
    from .experiments.config import ExperimentConfig, load_config
    from .programs import Autodata, Document, LanguageModels, ModelConfig, Models, Settings

__all__ = [
    "Autodata",
    "Document",
    "ExperimentConfig",
    "LanguageModels",
    "ModelConfig",
    "Models",
    "Settings",
    "load",
    "load_config",
]

_HOMES = {
    "load": "experiments.compiled",
    "load_config": "experiments.config",
    "ExperimentConfig": "experiments.config",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES.get(name, 'programs')}", __name__), name)
