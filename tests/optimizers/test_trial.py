"""Closing trials: few documents and outages."""

from fractions import Fraction

from autodata.optimizers import Candidate, Trial
from autodata.programs import Attempt, Episode, Failure, Outcome, Round

OUTAGE = Failure(role="judge", kind="infrastructure", message="down")


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


def test_a_trial_that_lost_most_of_its_documents_to_an_outage_has_failed() -> None:
    lucky = trial(1, [0.9, *[None] * 11])
    assert (lucky.state, lucky.value) == ("failed", None)
    assert trial(1, [0.5, 0.5, None]).state == "complete"
