"""What the methods that are DSPy's optimizers have in common."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import dspy

from ...programs import PROPOSER, Document, Usage
from ...programs.budget import BudgetError
from ...programs.meter import Meter
from ...programs.records import Record
from ...programs.usage import Ledger, observing
from ..candidate import Candidate
from ..files import write_whole
from ..methods import Setup
from ..objective import Objective
from ..trial import Trial
from .asking import Asking, asking
from .bench import Bench, Stopped
from .crew import compiling
from .metric import Metric
from .student import Student

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What an optimizer of DSPy needs to do its work."""

    setup: Setup
    bench: Bench
    student: Student
    metric: Metric
    proposer: dspy.LM
    train: list[dspy.Example]
    validation: list[dspy.Example]


class Learned(Record):
    """What an optimizer had learned when the run's budget ended that; in `learned.json`."""

    candidates: tuple[Candidate, ...]
    """What is to be measured, the most promising first."""
    left: int
    """Episodes to measure it with, at most."""
    usage: Usage
    """What learning has asked of all models."""


class Teleprompter:
    """Lets an optimizer of DSPy work, and reports every candidate that it measures as a trial.

    The optimizer sees a `Student`: nothing but the predictors that may change. Each time that it
    runs the student, the objective runs the candidate that the student has become, as it would for
    any other method. So every role keeps its own model, no episode is run twice, and a candidate
    that the optimizer measures on a validation document becomes a trial at once.

    Args:
        setup: `options.trials` times the number of validation documents is the budget of episodes;
            those on training documents count as well.
    """

    name: ClassVar[str]
    """The method's name, and the origin of its trials."""
    learning: ClassVar[float] = 1.0
    """Share of the budget that training documents may use; below 1 nothing else is run while the
    optimizer works."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.usage = Usage()

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure the baseline, let the optimizer work, then measure what it left unmeasured."""
        bench = Bench(
            self.name,
            objective,
            train,
            validation,
            watch,
            trials=self.setup.options.trials,
            learning=self.learning,
        )
        baseline = bench.measured(bench.own)
        proposer, engine = asking(self.setup.proposer, bench, self.setup.seed)
        job = Job(
            setup=self.setup,
            bench=bench,
            student=Student(bench),
            metric=Metric(baseline.value or 0.0, objective.program.domain.describe),
            proposer=proposer,
            train=[_example(document, "train") for document in train],
            validation=[_example(document, "validation") for document in validation],
        )
        file = self.setup.folder / "learned.json" if self.setup.folder is not None else None
        if file is not None and file.exists():
            learned = Learned.model_validate_json(file.read_text())
            self.usage, bench.left = learned.usage, learned.left
            _measure(bench, learned.candidates)
        else:
            self._learn(job, engine, file)
            _measure(bench, list(bench.leftovers()))
        if len(bench.trials) == 1:
            logger.warning("%s found nothing to measure besides the baseline", self.name)
        return bench.trials

    def _learn(self, job: Job, engine: Asking, file: Path | None) -> None:
        """Let the optimizer work, with its part of the budget: in episodes, and in what is paid.

        If the run's budget ends it, what was learned is kept for the restarts: a larger budget
        would otherwise go on learning from there.

        Raises:
            BudgetError: If the optimizer learns and measures at the same time, so that nothing is
                left to measure with.
        """
        bench, ledger = job.bench, Ledger()
        meter: Meter = getattr(self.setup.proposer, "meter", None) or Meter()
        try:
            with (
                observing(lambda call: ledger.add(call) if call.role == PROPOSER else None),
                meter.keeping(1 - self.learning),
                compiling(job.proposer),
            ):
                self._compiled(job, engine)
        except Stopped:
            if self.learning < 1 and isinstance(bench.fault, BudgetError):
                logger.info("%s: its part of the budget for learning is used up", self.name)
                kept = Learned(
                    candidates=tuple(bench.leftovers()),
                    left=bench.left,
                    usage=ledger.total + bench.learning_usage,
                )
                if file is not None:
                    write_whole(file, kept.model_dump_json(indent=1))
            elif bench.fault is not None:
                raise bench.fault from None
        finally:
            self.usage = ledger.total

    def _compiled(self, job: Job, engine: Asking) -> None:
        """Run the optimizer, and see whether it ended as it should."""
        try:
            self.compile(job)
        except dspy.AdapterParseError as error:
            said = " ".join(str(error).split())[:200]
            logger.warning("%s ends early, an answer could not be read: %s", self.name, said)
        except Exception:
            engine.raise_outage()
            raise
        engine.raise_outage()

    def compile(self, job: Job) -> Any:
        """Run the optimizer on `job.student`; what it returns has been seen by the bench."""
        raise NotImplementedError(f"{type(self).__name__} must define compile")


def _measure(bench: Bench, candidates: Sequence[Candidate]) -> None:
    """Measure what was only seen on training documents, while the budget lasts."""
    try:
        for candidate in candidates:
            if not bench.refused(candidate):
                bench.measured(candidate)
    except Stopped:
        logger.debug("%s: the budget of episodes is used up", bench.origin)


def _example(document: Document, sample: str) -> dspy.Example:
    example = dspy.Example(document=document.text, sample=sample)
    return example.with_inputs("document", "sample")
