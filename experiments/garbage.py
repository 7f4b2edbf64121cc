"""Python's search for cyclic garbage, told how a run uses memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLD = 20_000
"""New objects between two searches; Python's own number is 700."""


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Search less often inside of the block, and not through what was there before it.

    The libraries leave some hundred thousand objects, which live as long as the process; a run
    makes many that are soon gone without any search. To go through all of them every few requests
    took a tenth of the CPU time of a run (`benchmarks/loop.py`).
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
