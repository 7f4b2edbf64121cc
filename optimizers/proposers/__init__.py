"""Where candidates' instructions and demonstrations come from."""

from .bootstrap import demo_sets
from .grounded import grounded_instructions
from .reflective import reflective_instructions

__all__ = ["demo_sets", "grounded_instructions", "reflective_instructions"]
