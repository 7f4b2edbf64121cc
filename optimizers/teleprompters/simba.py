"""SIMBA: rules and demonstrations from runs of one document that ended differently."""

from typing import Any

import dspy

from .base import Job, Teleprompter

BATCH = 8
"""Documents of a step, at most."""
CANDIDATES = 4
"""Runs of a document that are compared in a step, and programs that a step makes."""


class Simba(Teleprompter):
    """Compares good and bad runs of the same documents; adds advice or a demonstration.

    Half of the budget is for its steps on training documents. Its own last look at all training
    documents comes after them, and so is mostly left out: what it made is measured on the
    validation documents with the other half.
    """

    name = "simba"
    learning = 0.5

    def compile(self, job: Job) -> Any:
        """Run SIMBA's steps until its half of the budget is used up."""
        episodes = int(self.learning * job.setup.options.trials * len(job.validation))
        step = 2 * CANDIDATES + 1  # Each document of a step is run so often, at most.
        # A small budget is for two steps at least: the second builds on the first.
        batch = max(1, min(BATCH, len(job.train), episodes // (2 * step)))
        metric: Any = job.metric  # SIMBA takes a Prediction too, though it does not say so.
        optimizer = dspy.SIMBA(
            metric=metric,
            bsize=batch,
            num_candidates=CANDIDATES,
            max_steps=1 + episodes // batch,
            max_demos=max(job.setup.options.demos, default=0),
            prompt_model=job.proposer,
            num_threads=job.setup.in_flight,
        )
        return optimizer.compile(job.student, trainset=job.train, seed=job.setup.seed)
