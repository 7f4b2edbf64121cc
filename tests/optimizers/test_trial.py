"""Closing trials and choosing a winner: few documents, outages, and fresh answers."""

from fractions import Fraction
from typing import Any

import pytest

from autodata.optimizers import Candidate, Trial, choose
from autodata.programs import Attempt, Document, Episode, Failure, Outcome, Round

OUTAGE = Failure(role="judge", kind="infrastructure", message="down")
DOCUMENTS = [Document(id=f"d{i}", text="x") for i in range(12)]


def episode(number: int, gap: float | None) -> Episode:
    """Return an episode with an accepted task of that gap, or one that an outage ended."""
    if gap is None:
        return Episode(document_id=f"d{number}", rounds=(), stopped="failure", failure=OUTAGE)
    won = Round(
        number=1,
        brief="",
        weak=(Attempt(answer="a", grade=Fraction(0)),),
        strong=(Attempt(answer="b", grade=Fraction(gap).limit_denominator(100)),),
        outcome=Outcome.ACCEPTED,
    )
    return Episode(document_id=f"d{number}", rounds=(won,), stopped="accepted")


def trial(number: int, gaps: list[float | None]) -> Trial:
    candidate = Candidate(instructions={"challenger.write": f"text {number}"})
    episodes = [episode(i, gap) for i, gap in enumerate(gaps)]
    return Trial.ended(number, "sampler", candidate, {}, episodes)


class Again:
    """Measures every candidate once more, with the gaps that a test decides."""

    def __init__(self, gaps: dict[int, list[float | None]]) -> None:
        self.gaps = {trial(number, []).candidate.id: found for number, found in gaps.items()}

    def episodes(self, candidate: Candidate, documents: Any, sample: str) -> list[Episode]:
        return [episode(i, gap) for i, gap in enumerate(self.gaps[candidate.id])]


def test_a_trial_that_lost_most_of_its_documents_to_an_outage_has_failed() -> None:
    lucky = trial(1, [0.9, *[None] * 11])
    assert (lucky.state, lucky.value) == ("failed", None)
    assert trial(1, [0.5, 0.5, None]).state == "complete"


def test_the_winner_is_the_best_over_all_documents_of_both_measurements() -> None:
    steady, lucky = trial(0, [0.35] * 12), trial(1, [*[0.9] * 6, *[None] * 6])
    objective: Any = Again({0: [0.35] * 12, 1: [0.0] * 12})
    winner, again = choose([steady, lucky], objective, DOCUMENTS, finalists=2)
    # 0.9 on half of the documents and 0 on all of them is 0.3 over all 18 measurements.
    assert winner.number == 0
    assert again.gap == pytest.approx(0.35)


def test_the_baseline_stands_among_the_finalists_and_can_win() -> None:
    trials = [trial(0, [0.2] * 12), trial(1, [0.4] * 12), trial(2, [0.5] * 12)]
    objective: Any = Again({0: [0.6] * 12, 1: [0.1] * 12, 2: [0.1] * 12})
    assert choose(trials, objective, DOCUMENTS, finalists=2)[0].number == 0
