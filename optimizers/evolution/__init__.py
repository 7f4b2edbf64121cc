"""Evolution of a program by an analyzer and an implementer (paper, section 4)."""

from .population import Dynamics
from .search import EvolutionSearch

__all__ = ["Dynamics", "EvolutionSearch"]
