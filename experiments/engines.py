"""Where episodes are run: in this process, or over a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..optimizers import Engine
from .config import ExperimentConfig
from .errors import InputError
from .progress import Reporter

ENGINES = ("local", "ray")

MakeEngine = Callable[[ExperimentConfig], Engine]
"""Makes an engine for a configuration, with the numbers of its gate."""


@contextmanager
def open_engine(
    name: str, config: ExperimentConfig, workers: int | None, reporter: Reporter
) -> Iterator[MakeEngine | None]:
    """Open an engine by its name; `None` stands for this process.

    Args:
        name: One of `ENGINES`.
        config: What is to be run.
        workers: Processes of a cluster; as many as it has nodes if `None`.
        reporter: Told of what is started.

    Raises:
        InputError: If there is no such engine, or it cannot be used.
    """
    if name == "local":
        if workers is not None:
            raise InputError(f"--workers {workers}: only counts with --engine ray; add it")
        yield None
    elif name == "ray":
        from .ray_engine import ray_engine

        with ray_engine(config, workers, reporter) as made:
            yield made
    else:
        raise InputError(f"--engine {name}: expected {' or '.join(ENGINES)}")
