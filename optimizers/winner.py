"""Which of the trials wins: the leaders are measured once more before one is chosen."""

from collections.abc import Sequence

from ..metrics import average
from ..programs import Document
from .measurement import Measurement, measured, score
from .objective import Objective
from .trial import Trial


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
