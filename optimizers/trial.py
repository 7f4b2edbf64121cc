"""A trial: a candidate measured on the validation documents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from pydantic import Field, NonNegativeInt, PositiveInt

from ..metrics import average
from ..programs import Document, Episode, Usage
from ..programs.records import Record
from .candidate import Candidate
from .measurement import Measurement, measured, score
from .objective import Objective


class Trial(Record):
    """One candidate and what came of it."""

    number: int
    """Counted from 0; 0 is always the baseline."""
    origin: Literal["baseline", "sampler", "gepa"]
    """Who proposed the candidate."""
    state: Literal["complete", "pruned", "failed"]
    """`pruned` stopped early because it was clearly worse; `failed` could not be scored
    on at least half of its documents."""
    candidate: Candidate
    params: dict[str, str | int | float]
    """The point of the search space, with short names for texts."""
    value: float | None
    """The objective that the search was told, in [-1, 1]; an estimate if pruned."""
    measurement: Measurement
    episodes: tuple[Episode, ...]

    @classmethod
    def ended(
        cls,
        number: int,
        origin: Literal["sampler", "gepa"],
        candidate: Candidate,
        params: Mapping[str, str | int | float],
        episodes: Sequence[Episode],
        *,
        estimate: float | None = None,
    ) -> "Trial":
        """Close a trial.

        Args:
            number: Counted from 0.
            origin: Who proposed the candidate; trial 0 is the baseline whoever did.
            candidate: What was measured.
            params: The point of the search space.
            episodes: What came of it.
            estimate: The value of a trial that was stopped early.
        """
        found = measured(episodes)
        # An average over the few documents that an outage has left says little, and favours luck.
        tried = found.episodes - found.unsuitable
        failed = found.gap is None or 2 * found.failures > tried
        told = found.gap if estimate is None else estimate
        return cls(
            number=number,
            origin="baseline" if number == 0 else origin,
            state="failed" if failed else "complete" if estimate is None else "pruned",
            candidate=candidate,
            params=dict(params),
            value=None if failed else told,
            measurement=found,
            episodes=tuple(episodes),
        )


class SearchOptions(Record):
    """How long and how widely to search."""

    trials: PositiveInt = 20
    """Candidates to measure, the baseline included. GEPA gets the same number of episodes."""
    generations: PositiveInt = 3
    """How often instructions are proposed: first from the baseline's, then from the best so far."""
    instructions: NonNegativeInt = 6
    """Instructions to propose for each predictor in each generation: half of them, rounded down,
    by reflection on failed rounds, the others by DSPy's grounded proposer."""
    demos: tuple[PositiveInt, ...] = (1, 2)
    """Sizes of the sets of demonstrations to try."""
    temperature: tuple[float, float] = Field(default=(0.5, 1.2))
    """Lowest and highest sampling temperature of the challenger to try."""
    memory: tuple[NonNegativeInt, ...] = (0, 1, 3)
    """How many failed rounds to show; 0 shows all."""
    sampler: Literal["auto", "tpe", "gp", "random"] = "auto"
    """Optuna's sampler; `auto` is a Gaussian process if torch is installed and TPE otherwise."""
    prune: bool = True
    """Stop a candidate early that is clearly worse on the same documents."""
    prune_after: PositiveInt = 6
    """Documents measured between two looks at whether to stop."""
    finalists: PositiveInt = 3
    """Best candidates that are measured once more, with fresh answers, before one is chosen."""


class Method(Protocol):
    """A way to search. Everything else about an experiment is the same for all of them."""

    usage: Usage
    """What the search asked of models besides the objective's episodes; known once it has ended."""

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure candidates on the validation documents, the baseline first.

        Args:
            objective: What to optimize. Its program is the baseline.
            train: Documents to learn from.
            validation: Documents to compare candidates on.
            watch: Told of every trial as it ends. A resumed search tells again of earlier ones.

        Raises:
            RuntimeError: If the baseline cannot be scored.
        """
        ...


def choose(
    trials: Sequence[Trial],
    objective: Objective,
    validation: Sequence[Document],
    *,
    finalists: int,
) -> tuple[Trial, Measurement]:
    """Choose a winner by measuring the leaders once more with fresh answers.

    The best of many noisy values is too good to be true; a second measurement that played no part
    in picking the leaders tells them apart. The baseline always stands among the finalists.

    Returns:
        The winner, and its second measurement.
    """
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    ranked = sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
    distinct = list({trial.candidate.id: trial for trial in reversed(ranked)}.values())[::-1]
    leaders = distinct[:finalists]
    if all(trial.number != 0 for trial in leaders):
        leaders.append(next(trial for trial in complete if trial.number == 0))
    again = [
        objective.episodes(trial.candidate, validation, "validation-again") for trial in leaders
    ]

    def pooled(index: int) -> tuple[float, int]:
        both = average([score(one) for one in (*leaders[index].episodes, *again[index])])
        return both.value or 0.0, -leaders[index].number

    best = max(range(len(leaders)), key=pooled)
    return leaders[best], measured(again[best])


def refuse_outage(trials: Sequence[Trial]) -> None:
    """Stop instead of spending a study on models that do not answer."""
    last = trials[-3:]
    hopeless = trials[0].state == "failed" or (
        len(last) == 3 and all(trial.state == "failed" for trial in last)
    )
    if hopeless:
        failures = [e.failure for e in trials[-1].episodes if e.failure is not None]
        reason = str(failures[0]) if failures else "no document was scored"
        raise RuntimeError(
            f"no episode can be scored ({reason}); run `autodata check` on the config"
        )
