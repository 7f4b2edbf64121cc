"""The outer loop: candidates, the objective, and the methods that search."""

from .candidate import Candidate, Knobs
from .measurement import Measurement, measured, score
from .methods import METHODS, Method, Setup, find_method
from .objective import EpisodeStore, Objective
from .options import SearchOptions
from .trial import Trial
from .winner import choose

__all__ = [
    "METHODS",
    "Candidate",
    "EpisodeStore",
    "Knobs",
    "Measurement",
    "Method",
    "Objective",
    "SearchOptions",
    "Setup",
    "Trial",
    "choose",
    "find_method",
    "measured",
    "score",
]
