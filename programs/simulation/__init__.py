"""Offline language models: real text through the real adapters, from a known world."""

from .model import SimulatedModel
from .options import NAMES, Faults, Options
from .truth import truth
from .world import (
    BEST,
    BEST_OBJECTIVE,
    Expectation,
    Setting,
    achievable,
    expected,
    optimum,
    single,
)

__all__ = [
    "BEST",
    "BEST_OBJECTIVE",
    "NAMES",
    "Expectation",
    "Faults",
    "Options",
    "Setting",
    "SimulatedModel",
    "achievable",
    "expected",
    "optimum",
    "single",
    "truth",
]
