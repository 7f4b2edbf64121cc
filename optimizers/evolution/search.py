"""The evolution: parents by Boltzmann, analysis, edit, and a duel on validation documents."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ...programs import Document, Episode, Usage
from ..candidate import Candidate
from ..guard import Guard
from ..methods import Setup
from ..objective import Objective
from ..trial import Trial, refuse_outage
from .edits import EditError, applied, bounds, changes, described
from .exchanges import exchanges
from .history import Entry, Outcome, told
from .mutations import Mutations, Proposal, Question
from .population import Dynamics, Individual, drawn, duel

logger = logging.getLogger(__name__)

DYNAMICS = Dynamics()


class EvolutionSearch:
    """Meta-optimization as in the paper (arXiv 2606.25996, section 4; docs/evolution.md).

    Everything follows from the seed and from answers that are kept: the episodes in the objective's
    store, the proposer's in `evolution.json`. A search that was killed runs through what it has
    done without asking any model, and goes on.

    Args:
        setup: `options.trials` times the number of validation documents is the budget of validation
            episodes, those of re-evaluated parents included. `options.temperature` and
            `options.memory` bound the settings.
        dynamics: The numbers of the evolution.
    """

    def __init__(self, setup: Setup, dynamics: Dynamics = DYNAMICS) -> None:
        self.setup, self.dynamics = setup, dynamics
        self.usage = Usage()

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Evolve until the budget is spent, batch by batch."""
        folder = self.setup.folder
        file = folder / "evolution.json" if folder is not None else None
        mutations = Mutations(self.setup.proposer, self.setup.seed, file)
        run = _Run(self.setup, self.dynamics, objective, train, validation, watch, mutations)
        try:
            run.begin()
            while size := run.room():
                run.batch(size)
        finally:
            self.usage = mutations.usage
        return run.trials


@dataclass
class _Run:
    """One search under way."""

    setup: Setup
    dynamics: Dynamics
    objective: Objective
    train: Sequence[Document]
    validation: Sequence[Document]
    watch: Callable[[Trial], None]
    mutations: Mutations
    trials: list[Trial] = field(default_factory=list[Trial])
    population: list[Individual] = field(default_factory=list[Individual])
    history: list[Entry] = field(default_factory=list[Entry])
    evaluations: int = 0
    """Times that the validation documents were run."""

    def __post_init__(self) -> None:
        self.guard = Guard(self.train, Candidate.of(self.objective.program))

    def begin(self) -> None:
        """Measure the baseline, the first of the population."""
        own = Candidate.of(self.objective.program)
        self._trial(own, self._evaluated(own, "validation"), parent=None)
        self.population.append(Individual(0, own, [self.trials[0].value or 0.0]))

    def room(self) -> int:
        """Return how many iterations the next batch may have.

        Each evaluates parent and child. Edits that could not be applied evaluate nobody, so the
        iterations are bounded as well.
        """
        trials = self.setup.options.trials
        evaluations, iterations = trials - self.evaluations, trials - len(self.history)
        return min(self.dynamics.concurrency, evaluations // 2, iterations)

    def batch(self, size: int) -> None:
        """Draw parents, have edits written at the same time, and try them in order."""
        first = len(self.history) + 1
        drawn_ones = [self._drawn(number) for number in range(first, first + size)]
        asked = [self._question(number, *one) for number, one in enumerate(drawn_ones, first)]
        proposals = self.mutations.proposed(asked)
        for (parent, _), proposal in zip(drawn_ones, proposals, strict=True):
            self._try(len(self.history) + 1, parent, proposal)

    def _drawn(self, number: int) -> tuple[Individual, list[Document]]:
        """Draw an iteration's parent and its minibatch, from a stream of its own."""
        chance = random.Random(f"{self.setup.seed}/evolution/{number}")
        parent = drawn(self.population, self.dynamics.temperature, chance)
        size = min(self.dynamics.minibatch, len(self.train))
        return parent, chance.sample(list(self.train), size)

    def _question(self, number: int, parent: Individual, minibatch: Sequence[Document]) -> Question:
        """Run the parent on its minibatch and write down what happened.

        Raises:
            RuntimeError: If an outage has left nothing to learn from.
        """
        episodes = self.objective.episodes(parent.candidate, minibatch, "train")
        heard = [one for one in episodes if not _outage(one)]
        if not heard:
            reason = episodes[0].failure if episodes else "there are no training documents"
            raise RuntimeError(
                f"no episode can be analyzed ({reason}); run `autodata check` on the config"
            )
        return Question(
            iteration=number,
            exchanges=exchanges({one.id: one for one in minibatch}, heard),
            program=described(parent.candidate),
            bounds=bounds(self.setup.options),
            history=told(self.history),
        )

    def _try(self, number: int, parent: Individual, proposal: Proposal) -> None:
        """Apply an edit and measure the child, or note why it cannot be applied."""
        summary = " ".join(proposal.edit.summary.split())[:300] if proposal.edit else ""
        try:
            child = self._child(parent, proposal)
        except EditError as fault:
            logger.warning("iteration %d: no child of trial %d: %s", number, parent.number, fault)
            self.history.append(
                Entry(
                    iteration=number,
                    parent=parent.number,
                    summary=summary,
                    outcome="failed",
                    why=f"Not applied: {fault}.",
                )
            )
            self.mutations.note(self.history)
            return
        self._measured(number, parent, child, summary)

    def _child(self, parent: Individual, proposal: Proposal) -> Candidate:
        """Return the child of a proposal.

        Raises:
            EditError: If there is none, or it was tried before.
        """
        if proposal.edit is None:
            raise EditError(f"the edit could not be read ({proposal.failure})")
        child = applied(proposal.edit, parent.candidate, self.setup.options, self.guard)
        for trial in self.trials:
            if trial.candidate.id == child.id:
                raise EditError(f"the edit leads back to trial {trial.number}")
        return child

    def _measured(self, number: int, parent: Individual, child: Candidate, summary: str) -> None:
        """Evaluate parent and child on the same fresh sample; keep a child that is better."""
        sample = f"validation-{number}"
        ours = self._evaluated(parent.candidate, sample)
        theirs = self._evaluated(child, sample)
        scores = duel(ours, theirs)
        outcome: Outcome = "not scored"
        if scores is not None:
            outcome = "accepted" if scores[1] > scores[0] else "rejected"
            parent.scores.append(float(scores[0]))
        new = len(self.trials)
        if scores is not None and outcome == "accepted":
            self.population.append(Individual(new, child, [float(scores[1])]))
        entry = Entry(
            iteration=number,
            parent=parent.number,
            child=new,
            summary=summary,
            changed=changes(parent.candidate, child),
            outcome=outcome,
            parent_score=float(scores[0]) if scores else None,
            child_score=float(scores[1]) if scores else None,
            why="" if scores else "Too few documents could be scored.",
        )
        self.history.append(entry)
        self.mutations.note(self.history)
        self._trial(child, theirs, parent=parent.number, verdict=_gate(entry))

    def _evaluated(self, candidate: Candidate, sample: str) -> list[Episode]:
        self.evaluations += 1
        return self.objective.episodes(candidate, self.validation, sample)

    def _trial(
        self,
        candidate: Candidate,
        episodes: Sequence[Episode],
        *,
        parent: int | None,
        verdict: Mapping[str, str | float] = MappingProxyType({}),
    ) -> None:
        """Close a trial and tell of it.

        Raises:
            RuntimeError: If the models do not answer.
        """
        set_ones = candidate.knobs.model_dump(exclude_none=True)
        trial = Trial.ended(
            len(self.trials),
            "evolution",
            candidate,
            {"instructions": candidate.id, **set_ones},
            episodes,
            parent=parent,
            verdict=verdict,
        )
        self.trials.append(trial)
        self.watch(trial)
        refuse_outage(self.trials)


def _gate(entry: Entry) -> dict[str, str | float]:
    """Return what the gate said of a child, short enough for a table of trials."""
    found: dict[str, str | float] = {"accepted": "yes" if entry.outcome == "accepted" else "no"}
    if entry.parent_score is not None:
        found["parent_score"] = round(entry.parent_score, 4)
    return found


def _outage(episode: Episode) -> bool:
    return episode.failure is not None and episode.failure.kind == "infrastructure"
