"""Everything that a run works with, opened together and closed together."""

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..metrics import Gate
from ..metrics.calibration import CALIBRATED
from ..optimizers import Objective
from ..optimizers.files import write_whole
from ..programs import Autodata, Document, Episode, LanguageModels
from ..programs.budget import Budget
from ..programs.meter import Meter
from .calibrate import numbers_for
from .config import TRANSPORT, ExperimentConfig
from .documents import Splits, load, split
from .engines import MakeEngine
from .errors import InputError
from .garbage import seldom_searched
from .journal import Journal
from .progress import Reporter
from .source import one_line

FIRST = 16
"""Documents that a run with a budget begins with, unless `in_flight` says how many."""
IRRELEVANT = ("tracking", "in_flight", "runs", "budget")
"""Keys that may change between two starts of one run: they do not touch its result."""


@dataclass(frozen=True)
class Session:
    """A run's configuration, documents, models, journal and program."""

    config: ExperimentConfig
    documents: Sequence[Document]
    models: LanguageModels
    journal: Journal
    program: Autodata
    objective: Objective
    reporter: Reporter

    def split(self) -> Splits:
        """Divide the documents into train, validation and test."""
        config = self.config
        return split(
            self.documents, train=config.train, validation=config.validation, seed=config.seed
        )


@contextmanager
def open_session(
    config: ExperimentConfig, reporter: Reporter, *, engine: MakeEngine | None = None
) -> Iterator[Session]:
    """Open a run's folder, or the one of an earlier start of the same run.

    A gate that is to be calibrated has its numbers from here on: the session's configuration is the
    one to work with.

    Args:
        config: What to open.
        reporter: Told of progress.
        engine: Makes what runs episodes elsewhere than in this process.

    Raises:
        InputError: If documents, models or the folder cannot be used.
        RuntimeError: If the gate is to be calibrated, and too few tasks could be graded.
    """
    loaded = load(
        config.documents, seed=config.seed, domain=config.domain, scratch=Path(config.runs)
    )
    for rejected in loaded.rejected:
        reporter.line(f"document {rejected.id}: left out, {rejected.reason}")
    models = connect(config)
    reporter.spent = lambda: models.meter.shown
    with seldom_searched(), Journal(config.folder) as journal, closing(models):
        config = _with_numbers(config, loaded.accepted, models, reporter)
        _same_run(config, loaded.accepted)
        program = Autodata(models.roles, config.task_domain, config.rule, config.settings)
        objective = Objective(
            program,
            seed=config.seed,
            in_flight=config.at_once,
            start=None if config.budget is None or config.in_flight else FIRST,
            store=journal,
            watch=lambda episode: reporter.advance(_note(episode)),
            engine=None if engine is None else engine(config),
        )
        if len(journal):
            reporter.line(f"{config.folder}: going on with {len(journal)} finished episodes")
        yield Session(config, loaded.accepted, models, journal, program, objective, reporter)


def connect(config: ExperimentConfig) -> LanguageModels:
    """Connect the configured models, with the cache of answers in the runs folder.

    Raises:
        InputError: If a model string is unknown, a key variable is not set, or the runs folder
            cannot be written.
    """
    runs = Path(config.runs)
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"runs={config.runs!r}: cannot be made ({one_line(error)}); choose another folder "
            "with --set runs=FOLDER"
        ) from None
    try:
        budget = Budget.parse(config.budget) if config.budget else None
        meter = Meter(budget, config.folder / "spent.log")
        return LanguageModels(config.models, runs / "cache", meter)
    except ValueError as error:
        raise InputError(f"models: {error}") from None


def _with_numbers(
    config: ExperimentConfig, found: Sequence[Document], models: LanguageModels, reporter: Reporter
) -> ExperimentConfig:
    """Give a gate that is to be calibrated its numbers: those that the run began with, if it has.

    The first start of a run freezes them in `config.toml`, so that no later one measures again.
    """
    if config.gate != CALIBRATED:
        return config
    file = config.folder / "config.toml"
    if not file.exists():
        numbers = numbers_for(config, models, found, reporter)
        return config.model_copy(update={"gate": numbers})
    frozen = _read(file).get("gate")
    if not isinstance(frozen, dict) or frozen.get("name") != CALIBRATED:
        return config  # The run has another gate, which is refused like any other difference.
    try:
        return config.model_copy(update={"gate": Gate.model_validate(frozen)})
    except ValueError as error:
        raise _damaged(file, error) from None


def _same_run(config: ExperimentConfig, found: Sequence[Document]) -> None:
    """Refuse to mix two configurations or two sets of documents in one folder."""
    file = config.folder / "config.toml"
    text = config.public.to_toml()
    listed, listing = _listed(found), config.folder / "documents.txt"
    if file.exists():
        changed = _differing(_read(file), tomllib.loads(text))
        if changed:
            raise InputError(
                f"{config.folder}: holds a run with another {changed[0]}; choose another name with "
                f"--set run=NAME, or remove the folder"
            )
        if listing.exists() and listing.read_text() != listed:
            raise InputError(
                f"{config.folder}: the documents have changed since this run began; choose another "
                "name with --set run=NAME, or remove the folder"
            )
        return
    write_whole(listing, listed)
    write_whole(file, text)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except ValueError as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: ValueError) -> InputError:
    return InputError(
        f"{file}: damaged ({one_line(error)}); remove the folder, or choose another name with "
        "--set run=NAME"
    )


def _listed(found: Sequence[Document]) -> str:
    """Name every document with a hash of its text."""
    lines = [f"{hashlib.sha256(one.text.encode()).hexdigest()[:16]}  {one.id}\n" for one in found]
    return "".join(lines)


def _differing(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the dotted names of the keys in which two tables differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            name
            for key in sorted(before.keys() | after.keys())
            if key not in (TRANSPORT if path.startswith("models.") else () if path else IRRELEVANT)
            for name in _differing(before.get(key), after.get(key), f"{path}{key}.")
        ]
    return [] if before == after else [path.rstrip(".")]


def _note(episode: Episode) -> str:
    if episode.failure is not None:
        return f"{episode.document_id}: not scored"
    if episode.stopped == "unsuitable":
        return f"{episode.document_id}: unsuitable"
    rounds = f"{len(episode.rounds)} round{'s' if len(episode.rounds) != 1 else ''}"
    if episode.accepted is not None:
        return f"{episode.document_id}: accepted after {rounds}"
    return f"{episode.document_id}: no task in {rounds}"
