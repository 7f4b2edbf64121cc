"""COPRO: instructions by coordinate ascent (DSPy's successor of arXiv 2305.03495 and OPRO)."""

from typing import Any

import dspy

from .base import Job, Teleprompter

DEPTH = 3
"""Rounds of proposals, DSPy's own default."""


class Copro(Teleprompter):
    """Proposes instructions for one predictor after the other, from those tried and their scores.

    It evaluates on validation documents, whose texts its proposals never see. The prefix that it
    proposes besides for the last output field is left out.
    """

    name = "copro"

    def compile(self, job: Job) -> Any:
        """Run COPRO, so broad that the budget lasts for its whole depth, or nearly."""
        predictors = len(job.student.predictors())
        # A round measures again what all rounds before it have proposed.
        passes = predictors * DEPTH * (DEPTH + 1) // 2
        optimizer = dspy.COPRO(
            prompt_model=job.proposer,
            metric=job.metric,
            breadth=max(2, -(-job.setup.options.trials // passes)),
            depth=DEPTH,
        )
        return optimizer.compile(
            job.student,
            trainset=job.validation,
            eval_kwargs={"num_threads": job.setup.in_flight, "display_progress": False},
        )
