"""Documents and an offline world for the outer loop."""

import pytest
from worlds import World

from autodata.experiments.documents import load
from autodata.experiments.source import DocumentSource
from autodata.programs import Document


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    return list(load(DocumentSource(), seed=0).accepted)


@pytest.fixture
def world(documents: list[Document]) -> World:
    return World(documents)
