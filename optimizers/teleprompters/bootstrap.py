"""Bootstrapped demonstrations with random search (arXiv 2310.03714)."""

import random
from typing import Any

import dspy

from .base import Job, Teleprompter
from .metric import ACCEPTED


class Bootstrap(Teleprompter):
    """Shows the predictors what they said themselves when a task was accepted.

    Which tasks are shown, and how many, is drawn by chance. Instructions stay what they are.
    """

    name = "bootstrap"

    def compile(self, job: Job) -> Any:
        """Draw sets until the budget is used up; a set seen before costs nothing."""
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=job.metric,
            metric_threshold=ACCEPTED,
            max_bootstrapped_demos=max(job.setup.options.demos, default=1),
            max_labeled_demos=0,
            num_candidate_programs=4 * job.setup.options.trials,
            num_threads=job.setup.in_flight,
        )
        # DSPy's draws are the same for any seed; so the seed decides the order that they start at.
        train = random.Random(f"{job.setup.seed}/bootstrap").sample(job.train, len(job.train))
        return optimizer.compile(job.student, trainset=train, valset=job.validation)
