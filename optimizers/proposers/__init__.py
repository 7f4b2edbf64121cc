"""Where candidates' instructions and demonstrations come from."""

from .bootstrap import demo_sets
from .grounded import grounded_instructions
from .reflective import reflective_instructions
from .rules import proposed_rules

__all__ = ["demo_sets", "grounded_instructions", "proposed_rules", "reflective_instructions"]
