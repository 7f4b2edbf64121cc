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
        # Without its form nobody knows where in it a password is: it is not quoted.
        raise ValueError(f"expected {FORMS}")
    return address


def shown(address: str) -> str:
    """Return an address without user, password and query, fit to be printed and logged."""
    return re.sub(r"(?<=://).*@", "", address, flags=re.DOTALL).partition("?")[0]
