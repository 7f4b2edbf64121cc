"""The inner loop: roles, models, and the program that they make."""

from .autodata import ROLES, Autodata, Models
from .domains import DOMAINS, Domain
from .endpoint import ModelConfig
from .lms import PROPOSER, LanguageModels
from .records import Attempt, Document, Episode, Failure, Outcome, Round, Task, Usage
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
    "Round",
    "Settings",
    "Task",
    "Usage",
]
