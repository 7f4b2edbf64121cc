"""The inner loop: roles, models, and the program that they make."""

from .autodata import Autodata
from .domains import DOMAINS, ROLES, Domain
from .endpoint import ModelConfig
from .lms import PROPOSER, LanguageModels
from .program import Models, Program
from .records import Attempt, Document, Episode, Failure, Outcome, Review, Round, Task, Usage
from .settings import Settings

__all__ = [
    "DOMAINS",
    "PROPOSER",
    "ROLES",
    "Attempt",
    "Autodata",
    "Document",
    "Domain",
    "Episode",
    "Failure",
    "LanguageModels",
    "ModelConfig",
    "Models",
    "Outcome",
    "Program",
    "Review",
    "Round",
    "Settings",
    "Task",
    "Usage",
]
