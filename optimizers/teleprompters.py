"""DSPy's own optimizers, as they are, on the same objective and documents."""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

import dspy

from ..programs import PROPOSER, Autodata, Document, Usage
from ..programs.domains.base import Describe
from ..programs.orchestrator import describe_failures
from ..programs.usage import Ledger, observing
from .candidate import Candidate
from .feedback import feedback
from .measurement import score
from .methods import Setup
from .objective import Objective
from .trial import Trial


class GepaSearch:
    """Reflective prompt evolution (GEPA, arXiv 2507.19457) of the optimizable instructions.

    GEPA runs the program itself. It asks for the same samples as the objective, so that measuring
    its candidates afterwards finds every answer in the cache.

    Args:
        setup: `options.trials` times the number of validation documents is GEPA's budget of
            episodes. The proposer reads feedback and rewrites instructions.
    """

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
        """Let GEPA work, then measure every candidate that it kept."""
        own = Candidate.of(objective.program)
        first = self._trial(0, own, objective, validation)
        if first.state == "failed":
            raise RuntimeError("the baseline cannot be scored; run `autodata check` on the config")
        watch(first)
        optimized = self._compile(objective, train, validation, first.value or 0.0)
        trials = [first]
        for program in optimized.detailed_results.candidates:
            candidate = _moved(own, program)
            if all(candidate.id != trial.candidate.id for trial in trials):
                trials.append(self._trial(len(trials), candidate, objective, validation))
                watch(trials[-1])
        return trials

    def _compile(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        neutral: float,
    ) -> Any:
        metric = Metric(neutral, objective.program.domain.describe)
        gepa = dspy.GEPA(
            metric=metric,
            max_metric_calls=self.setup.options.trials * len(validation),
            reflection_lm=self.setup.proposer,
            num_threads=self.setup.in_flight,
            track_stats=True,
            seed=self.setup.seed,
            gepa_kwargs={"stop_callbacks": [metric.stop]},
        )
        ledger = Ledger()
        with (
            _patient(),
            redirect_stdout(sys.stderr),  # DSPy draws bars on standard output.
            observing(lambda call: ledger.add(call) if call.role == PROPOSER else None),
            dspy.context(lm=self.setup.proposer, disable_history=True),
        ):
            optimized = gepa.compile(
                objective.program.deepcopy(),
                trainset=_examples(train, objective.rollout("train")),
                valset=_examples(validation, objective.rollout("validation")),
            )
        self.usage = metric.usage + ledger.total
        if metric.outage:
            raise RuntimeError(
                f"{metric.outage}; mend the endpoint and run again, finished calls are kept"
            )
        return optimized

    def _trial(
        self,
        number: int,
        candidate: Candidate,
        objective: Objective,
        validation: Sequence[Document],
    ) -> Trial:
        episodes = objective.episodes(candidate, validation, "validation")
        params = {"instructions": candidate.id}
        return Trial.ended(number, "gepa", candidate, params, episodes)


def _moved(own: Candidate, program: Autodata) -> Candidate:
    """Take the instructions of GEPA's program; it changes nothing else."""
    return own.model_copy(update={"instructions": Candidate.of(program).instructions})


def _examples(documents: Sequence[Document], rollout: str) -> list[dspy.Example]:
    return [
        dspy.Example(document=document, rollout=rollout).with_inputs("document", "rollout")
        for document in documents
    ]


class Metric:
    """DSPy's five-argument metric: the episode's score, and its rounds in words.

    An episode that could not be scored would be a zero to GEPA, and an exception in a metric is one
    too. An outage is remembered here and stops the search; any other gets a neutral score.

    Args:
        neutral: The baseline's gap, which neither rewards nor punishes.
        describe: How the domain tells of failed rounds.
    """

    def __init__(self, neutral: float, describe: Describe = describe_failures) -> None:
        self.outage = ""
        self._neutral, self._describe = neutral, describe
        self._usage: dict[str, Usage] = {}

    @property
    def usage(self) -> Usage:
        """What the episodes asked of models; an episode that GEPA repeats counts once."""
        return sum(self._usage.values(), Usage())

    def __call__(
        self,
        gold: dspy.Example,
        pred: Any,
        trace: Any = None,
        pred_name: str | None = None,
        pred_trace: Any = None,
    ) -> dspy.Prediction:
        """Score an episode, with feedback for the predictor whose turn it is."""
        value = score(pred.episode)
        failure = pred.episode.failure
        if failure is not None and failure.kind == "infrastructure":
            self.outage = f"{pred.episode.document_id}: {pred.episode.failure}"
        name = pred.episode.model_dump_json(exclude={"seconds", "usage", "roles"})
        self._usage[name] = pred.episode.usage
        value = self._neutral if value is None else value
        told = feedback(pred.episode, pred_name, self._describe)
        return dspy.Prediction(score=value, feedback=told)

    def stop(self, state: Any) -> bool:
        """Tell GEPA to stop after an outage."""
        return bool(self.outage)


@contextmanager
def _patient() -> Iterator[None]:
    """Keep DSPy's evaluation from starting slow episodes a second time.

    Its executor repeats whatever takes longer than two minutes, and Evaluate has no option for it.
    """
    module: Any = importlib.import_module("dspy.evaluate.evaluate")
    impatient = module.ParallelExecutor
    module.ParallelExecutor = functools.partial(impatient, timeout=0)
    try:
        yield
    finally:
        module.ParallelExecutor = impatient
