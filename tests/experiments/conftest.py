"""What tests of the front door share: the command line in this process, and a finished run."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from autodata.cli import main
from autodata.experiments.config import load_config
from autodata.experiments.progress import Reporter
from autodata.experiments.result import Result
from autodata.experiments.runner import optimize

SMALL = (
    "seed=7",
    "train=0.3",
    "validation=0.35",
    "documents.limit=9",
    "search.trials=3",
    "search.instructions=2",
    "loop.rounds=2",
    "test_repeats=1",
)
OPEN_GATE = 'gate={name="open"}'
"""Accepts every task that passes the quality check."""
PLANTED = "sk-planted-in-the-environment"


class Answer(NamedTuple):
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str


class Finished(NamedTuple):
    """A run of `optimize` that has ended."""

    folder: Path
    result: Result


Command = Callable[..., Answer]


def sets(*overrides: str) -> list[str]:
    """Return overrides as words of a command line."""
    return [word for override in overrides for word in ("--set", override)]


@pytest.fixture(autouse=True)
def _own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no address of the developer's reach a test."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process."""

    def run(*words: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["autodata", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Optimize once, with a planted key that every model is given."""
    runs = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        patched.setenv("PLANTED", PLANTED)
        planted = 'models.default={api_key_env="PLANTED"}'
        config = load_config("demo", [*SMALL, OPEN_GATE, planted, f"runs={runs}"])
        result = optimize(config, Reporter(quiet=True))
    return Finished(config.folder, result)
