"""GEPA: reflective prompt evolution (arXiv 2507.19457)."""

from typing import Any

import dspy

from ..candidate import Candidate
from .base import Job, Teleprompter
from .bench import Bench


class Gepa(Teleprompter):
    """Rewrites one instruction at a time in the light of feedback, from a Pareto front of parents.

    A rewrite has to beat its parent on three training documents before it is measured.
    """

    name = "gepa"

    def compile(self, job: Job) -> Any:
        """Run GEPA; it counts as many episodes as the bench lets it have."""
        family = Family(job.bench)
        job.bench.parent = family.parent
        return dspy.GEPA(
            metric=job.metric,
            max_metric_calls=job.setup.options.trials * len(job.validation),
            reflection_lm=job.proposer,
            num_threads=job.setup.in_flight,
            seed=job.setup.seed,
            gepa_kwargs={"callbacks": [family]},
        ).compile(job.student, trainset=job.train, valset=job.validation)


class Family:
    """Listens to GEPA for whom it makes a proposal from.

    A merger has two parents; the one it has most in common with is taken.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._reflected_on: dict[str, str] = {}

    def on_proposal_start(self, event: Any) -> None:
        """Remember the instructions that GEPA reflects on."""
        self._reflected_on = dict(event["parent_candidate"])

    def parent(self, candidate: Candidate) -> int:
        """Return the number of the trial that a candidate was made from."""

        def likeness(number: int) -> tuple[int, bool, int]:
            texts = self._bench.trials[number].candidate.instructions
            shared = sum(candidate.instructions[name] == text for name, text in texts.items())
            return shared, texts == self._reflected_on, -number

        return max(range(len(self._bench.trials)), key=likeness, default=0)
