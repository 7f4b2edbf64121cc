"""Where a study is kept, as users write it, and what of that may be shown."""

import re

FORMS = "sqlite:///FILE, postgresql+psycopg://USER@HOST/DATABASE or grpc://HOST:PORT"

_FORM = re.compile(r"sqlite:///.+|postgresql\+psycopg://.+|grpc://[^/@]+:[0-9]{1,5}")


def checked(address: str) -> str:
    """Return an address that has one of the forms.

    Raises:
        ValueError: If it has none of them.
    """
    if _FORM.fullmatch(address) is None:
        raise ValueError(f"storage={shown(address)!r}: expected {FORMS}")
    return address


def shown(address: str) -> str:
    """Return an address without user, password and query, fit to be printed and logged."""
    return re.sub(r"(?<=://).*@", "", address).partition("?")[0]
