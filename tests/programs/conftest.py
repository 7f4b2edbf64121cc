from collections.abc import Iterator

import pytest
from server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A chat server of the test's own, in another process."""
    with Server() as running:
        yield running
