"""The domains by name."""

from . import find as _find
from .base import ROLES, Domain
from .code import CODE
from .legal import LEGAL
from .research import RESEARCH
from .scientific import SCIENTIFIC

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (RESEARCH, LEGAL, SCIENTIFIC, CODE)}


def find_domain(name: str) -> Domain:
    """Return a shipped domain, or one of your own as `module:NAME`; see `find.find`."""
    return _find.find(name, DOMAINS)


__all__ = ["CODE", "DOMAINS", "LEGAL", "RESEARCH", "ROLES", "SCIENTIFIC", "Domain", "find_domain"]
