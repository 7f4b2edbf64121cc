"""The domains by name."""

from . import find as _find
from .base import ROLES, Domain
from .research import RESEARCH

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (RESEARCH,)}


def find_domain(name: str) -> Domain:
    """Return a shipped domain, or one of your own as `module:NAME`; see `find.find`."""
    return _find.find(name, DOMAINS)


__all__ = ["DOMAINS", "RESEARCH", "ROLES", "Domain", "find_domain"]
