"""InferRules: rules in words, induced from accepted tasks and appended to the instructions."""

import random
from typing import Any

import dspy

from ...programs import Document, Episode
from ..proposers.bootstrap import shown
from .base import Job, Teleprompter
from .bench import Bench
from .metric import ACCEPTED


class InferRules(Teleprompter):
    """Bootstraps demonstrations, and appends rules that a model infers from accepted tasks.

    DSPy's optimizer expects labelled examples. The labels here are what the baseline's predictors
    said in rounds that were accepted.
    """

    name = "infer-rules"

    def compile(self, job: Job) -> Any:
        """Infer rules again and again until the budget is used up."""
        found = [
            labelled(job.bench, document, episode)
            for document, episode in job.bench.baseline_lessons()
            if episode.accepted is not None
        ]
        if not found:
            return None  # Nothing to infer rules from.
        optimizer = dspy.InferRules(
            num_candidates=job.setup.options.trials,
            num_threads=job.setup.in_flight,
            metric=job.metric,
            metric_threshold=ACCEPTED,
            max_bootstrapped_demos=max(job.setup.options.demos, default=1),
            max_labeled_demos=0,
        )
        draws = random.Random(f"{job.setup.seed}/infer-rules")
        optimizer.rules_induction_program.rng = draws
        train = draws.sample(found, len(found))
        try:
            return optimizer.compile(job.student, trainset=train, valset=job.validation)
        except AssertionError as error:  # DSPy's word for any error that it does not expect.
            raise error.__context__ or error from None


def labelled(bench: Bench, document: Document, episode: Episode) -> dspy.Example:
    """Return an example with what the predictors were given and said in the accepted round."""
    fields: dict[str, Any] = {}
    for values in reversed(
        shown(bench.objective.program, document, episode, episode.rounds[-1]).values()
    ):
        fields |= values
    fields |= {"document": document.text, "sample": "train"}
    return dspy.Example(**fields).with_inputs("document", "sample")
