"""The domains by name."""

from .base import ROLES, Domain
from .research import RESEARCH

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (RESEARCH,)}

__all__ = ["DOMAINS", "RESEARCH", "ROLES", "Domain"]
