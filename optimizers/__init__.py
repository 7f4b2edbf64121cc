"""The outer loop: candidates, the objective, and the methods that search."""

from .candidate import Candidate, Knobs
from .importance import importances
from .measurement import Measurement, measured, score
from .methods import METHODS, OPEN_ENDED, Method, Setup, find_method
from .objective import EpisodeStore, Objective
from .options import SearchOptions
from .trial import Trial
from .winner import Choice, Finalist, choose, fresh_episodes

__all__ = [
    "METHODS",
    "OPEN_ENDED",
    "Candidate",
    "Choice",
    "EpisodeStore",
    "Finalist",
    "Knobs",
    "Measurement",
    "Method",
    "Objective",
    "SearchOptions",
    "Setup",
    "Trial",
    "choose",
    "find_method",
    "fresh_episodes",
    "importances",
    "measured",
    "score",
]
