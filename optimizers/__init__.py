"""The outer loop: candidates, the objective, and the methods that search."""

from .candidate import Candidate, Knobs
from .measurement import Measurement, measured, score
from .objective import EpisodeStore, Objective
from .trial import Method, SearchOptions, Trial, choose

__all__ = [
    "Candidate",
    "EpisodeStore",
    "Knobs",
    "Measurement",
    "Method",
    "Objective",
    "SearchOptions",
    "Trial",
    "choose",
    "measured",
    "score",
]
