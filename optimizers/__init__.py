"""The outer loop: candidates, the objective, and the methods that search."""

from .candidate import Candidate, Knobs
from .engine import Engine
from .importance import RuleEffect, importances, rule_effects
from .measurement import Measurement, Tally, measured, score
from .methods import METHODS, OPEN_ENDED, Method, Setup, check_objectives, find_method
from .objective import EpisodeStore, Objective
from .options import SearchOptions
from .space import Space, last_space
from .trial import Trial
from .winner import Choice, Finalist, choose, fresh_episodes

__all__ = [
    "METHODS",
    "OPEN_ENDED",
    "Candidate",
    "Choice",
    "Engine",
    "EpisodeStore",
    "Finalist",
    "Knobs",
    "Measurement",
    "Method",
    "Objective",
    "RuleEffect",
    "SearchOptions",
    "Setup",
    "Space",
    "Tally",
    "Trial",
    "check_objectives",
    "choose",
    "find_method",
    "fresh_episodes",
    "importances",
    "last_space",
    "measured",
    "rule_effects",
    "score",
]
