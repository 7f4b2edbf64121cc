"""Calibrating a gate: single shots on a few documents, every attempt of both solvers."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from ..metrics import Gate
from ..metrics.calibration import FEWEST, Calibration, calibrate
from ..optimizers import Candidate, Objective
from ..programs import Autodata, Document, Episode, LanguageModels, Outcome
from ..programs.program import Ended, open_round, unscored
from ..programs.records import Attempt, Round
from ..programs.usage import Ledger, sample
from .config import ExperimentConfig, Part
from .documents import split
from .errors import InputError
from .gate_file import gate_file, keep_gate, kept_gate, told
from .progress import Reporter

DOCUMENTS = 8
"""Documents that are probed unless somebody says otherwise."""
TRIES = 3
"""Tasks written for a document until one is sound."""
_ELSE = 'name a gate of the paper, such as gate = "deployed"'


class NotCalibratedError(RuntimeError):
    """Too few tasks could be graded. The message is one line, with the remedy."""


class Calibrated(Part):
    """A calibration, and what it took."""

    calibration: Calibration
    documents: int
    """Documents probed."""
    calls: int
    """Model calls that it took."""
    file: str
    """Where the gate is kept for runs with `gate = "calibrated"`."""


class SingleShots(Autodata):
    """Plan, write and check without learning from what failed; solvers try the first sound task."""

    async def _rounds(self, document: Document, material: str, ledger: Ledger) -> Ended:
        """Write up to `TRIES` tasks, each as if it were the first, and have both solvers try one.

        A task whose attempts could not all be graded is not the one: the next is written.
        """
        rounds: list[Round] = []
        for number in range(1, TRIES + 1):
            with sample(f"single-{number}"):
                one = (await self._drafts(material, ()))[0]
                if one.task is not None:
                    one = await self._checked(material, one, one.task)
                if one.task is not None and open_round(one):
                    one = await self.attempted(one.task)
            rounds.append(one.model_copy(update={"number": number}))
            if one.outcome is Outcome.ACCEPTED:
                return Ended(rounds, "accepted")
            if one.failure is not None and one.failure.kind == "infrastructure":
                return Ended(rounds, "failure", one.failure)
        return Ended(rounds, "rounds", unscored(rounds))


def probe(
    config: ExperimentConfig,
    models: LanguageModels,
    documents: Sequence[Document],
    reporter: Reporter,
    *,
    wanted: int = DOCUMENTS,
) -> Calibrated:
    """Let both solvers try single-shot tasks, propose a gate, and keep it for runs.

    Training documents come first and test documents last. One that gives no task, because it is
    unsuitable or its tasks were unsound, is made up for by another, until twice as many have been
    probed as were wanted.

    Args:
        config: Domain, attempts and models. Its gate plays no part.
        models: The models, connected.
        documents: All documents of the run.
        reporter: Shows the progress.
        wanted: Tasks to make the gate from, at least 4; one a document.

    Raises:
        InputError: If fewer are wanted than a gate needs, or there are too few documents.
        NotCalibratedError: If too few tasks could be graded.
    """
    if wanted < FEWEST:
        raise InputError(
            f"--documents {wanted}: a gate is made of {FEWEST} tasks or more; ask for more"
        )
    if len(documents) < FEWEST:
        raise InputError(
            f"{len(documents)} documents: a calibrated gate needs {FEWEST} tasks, one a document; "
            f"add documents, or {_ELSE}"
        )
    waiting = _in_order(config, documents)[: 2 * wanted]
    settings = config.settings.model_copy(update={"candidates": 1})
    program = SingleShots(models.roles, config.task_domain, config.task_domain.gate, settings)
    objective = Objective(
        program,
        seed=config.seed,
        in_flight=config.at_once,
        watch=lambda episode: reporter.advance(episode.document_id),
    )
    reporter.stage("calibrating the gate", min(wanted, len(waiting)))
    episodes = _tried(objective, waiting, wanted)
    tasks = _graded(episodes)
    if len(tasks) < FEWEST:
        raise NotCalibratedError(_too_few(episodes, len(tasks)))
    calibration = calibrate(
        [_whole(one.weak) for one in tasks], [_whole(one.strong) for one in tasks]
    )
    return Calibrated(
        calibration=calibration,
        documents=len(episodes),
        calls=objective.usage.calls,
        file=str(keep_gate(config, calibration)),
    )


def numbers_for(
    config: ExperimentConfig,
    models: LanguageModels,
    documents: Sequence[Document],
    reporter: Reporter,
) -> Gate:
    """Return the gate of an earlier calibration, or calibrate; a line says which.

    Raises:
        InputError: If the earlier one is damaged, or there are too few documents.
        NotCalibratedError: If too few tasks could be graded.
    """
    gate = kept_gate(config)
    if gate is not None:
        reporter.line(f"gate: {told(gate)}, as calibrated in {gate_file(config)}")
        return gate
    found = probe(config, models, documents, reporter)
    reporter.line(
        f"gate: {told(found.calibration.gate)}, calibrated with {found.calls:,} calls on "
        f"{found.documents} documents and kept in {found.file}"
    )
    return found.calibration.gate


def _in_order(config: ExperimentConfig, documents: Sequence[Document]) -> list[Document]:
    parts = split(documents, train=config.train, validation=config.validation, seed=config.seed)
    return [document for part in parts for document in part]


def _tried(objective: Objective, waiting: Sequence[Document], wanted: int) -> list[Episode]:
    """Try documents in order until there are tasks enough, or an outage leaves none at all."""
    candidate = Candidate.of(objective.program)
    episodes: list[Episode] = []
    while (missing := wanted - len(_graded(episodes))) > 0 and len(episodes) < len(waiting):
        batch = waiting[len(episodes) : len(episodes) + missing]
        episodes += objective.episodes(candidate, batch, "calibrate")
        if not _graded(episodes) and any(_outage(episode) for episode in episodes):
            break
    return episodes


def _graded(episodes: Sequence[Episode]) -> list[Round]:
    """Return the tasks whose every attempt was graded, some of each solver on a whole answer."""
    found = [episode.accepted for episode in episodes]
    return [one for one in found if one is not None and _whole(one.weak) and _whole(one.strong)]


def _whole(attempts: Sequence[Attempt]) -> list[Fraction]:
    """Return the grades of answers that were not cut off: those say what a solver can do."""
    return [one.grade for one in attempts if one.grade is not None and not one.hollow]


def _outage(episode: Episode) -> bool:
    return episode.failure is not None and episode.failure.kind == "infrastructure"


def _too_few(episodes: Sequence[Episode], graded: int) -> str:
    """Say why no gate could be made, by the most frequent reason."""
    why, _ = Counter(_reason(one) for one in episodes if one.accepted is None).most_common(1)[0]
    return (
        f"{graded} of {len(episodes)} probed documents gave a task with graded answers, and a gate "
        f"is made of {FEWEST} or more (mostly: {why}); mend that, probe more documents with "
        f"`autodata check CONFIG --calibrate --documents N`, or {_ELSE}"
    )


def _reason(episode: Episode) -> str:
    if episode.stopped == "unsuitable":
        return f"the document is unsuitable, {episode.reason:.120}"
    last = episode.rounds[-1] if episode.rounds else None
    if episode.failure is not None or last is None:
        return f"{episode.failure}"[:160]
    return f"{last.outcome.value.lower()}, {last.failure or last.reason}"[:160]
