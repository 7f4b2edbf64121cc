"""MIPROv2: instructions and demonstrations, chosen together (arXiv 2406.11695)."""

from typing import Any

import dspy

from .base import Job, Teleprompter
from .metric import ACCEPTED


class MiproV2(Teleprompter):
    """Lets Optuna's TPE combine proposed instructions and bootstrapped demonstrations.

    Instructions are proposed once, from a summary of the documents. Every combination is measured
    on all validation documents.
    """

    name = "miprov2"

    def compile(self, job: Job) -> Any:
        """Run MIPROv2 until the budget is used up; a combination seen before costs nothing."""
        options = job.setup.options
        # Below three sets DSPy bootstraps no demonstration at all.
        choices = max(options.instructions, 3)
        optimizer = dspy.MIPROv2(
            metric=job.metric,
            metric_threshold=ACCEPTED,
            prompt_model=job.proposer,
            task_model=job.proposer,
            max_bootstrapped_demos=max(options.demos, default=0),
            max_labeled_demos=0,
            auto=None,
            num_candidates=choices,
            num_threads=job.setup.in_flight,
            seed=job.setup.seed,
            track_stats=False,
        )
        return optimizer.compile(
            job.student,
            trainset=job.train,
            valset=job.validation,
            num_trials=2 * options.trials,
            minibatch=False,
            view_data_batch_size=5,
            program_aware_proposer=False,
        )
