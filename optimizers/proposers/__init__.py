"""Where candidates' instructions and demonstrations come from."""

from .bootstrap import demo_sets
from .grounded import grounded_instructions

__all__ = ["demo_sets", "grounded_instructions"]
