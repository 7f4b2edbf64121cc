"""What the loop is measured against: other programs that turn documents into tasks, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from ..autodata import Autodata
from ..program import Program
from .best_of_n import BestOfN
from .cot import CoT
from .grounded import Grounded
from .seeds import Seed
from .self_challenging import SelfChallenging
from .self_instruct import SelfInstruct

METHODS: Mapping[str, type[Program]] = MappingProxyType(
    {
        "self-instruct": SelfInstruct,
        "grounded": Grounded,
        "cot": CoT,
        "self-challenging": SelfChallenging,
        "best-of-n": BestOfN,
        "agentic": Autodata,
    }
)
"""Every program by the name that the command line knows it by; `agentic` is the loop."""

__all__ = [
    "METHODS",
    "BestOfN",
    "CoT",
    "Grounded",
    "Seed",
    "SelfChallenging",
    "SelfInstruct",
]
