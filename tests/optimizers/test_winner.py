"""Choosing a winner: leaders are measured again, halved, and meet the baseline."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.optimizers import Candidate, Choice, Trial, choose, fresh_episodes
from autodata.programs import Attempt, Document, Episode, Failure, Outcome, Round

DOCUMENTS = [Document(id=f"d{i}", text="x") for i in range(4)]
Gap = float | None | str
"""Of every document; `None` for an outage, or the kind of another failure."""


def episode(number: int, gap: Gap) -> Episode:
    """Return an episode with an accepted task of that gap, or one that could not be scored."""
    if not isinstance(gap, float):
        kind = gap or "infrastructure"
        failure = Failure.model_validate({"role": "judge", "kind": kind, "message": "down"})
        return Episode(document_id=f"d{number}", rounds=(), stopped="failure", failure=failure)
    exact = Fraction(gap).limit_denominator(1000)
    won = Round(
        number=1,
        brief="",
        weak=(Attempt(answer="a", grade=max(-exact, Fraction(0))),),
        strong=(Attempt(answer="b", grade=max(exact, Fraction(0))),),
        outcome=Outcome.ACCEPTED,
    )
    return Episode(document_id=f"d{number}", rounds=(won,), stopped="accepted")


def candidate(number: int) -> Candidate:
    return Candidate(instructions={"challenger.write": f"text {number}"})


def trial(number: int, gap: float) -> Trial:
    """Return a trial whose documents all have that gap."""
    episodes = [episode(i, gap) for i in range(len(DOCUMENTS))]
    return Trial.ended(number, "sampler", candidate(number), {}, episodes)


class Again:
    """Measures candidates afresh, with the gap that a test decides for each trial and round."""

    def __init__(self, gaps: Mapping[int, Sequence[Gap]]) -> None:
        self.gaps = {candidate(number).id: found for number, found in gaps.items()}
        self.numbers = {candidate(number).id: number for number in gaps}
        self.asked: list[tuple[int, str]] = []

    def episodes(
        self, candidate: Candidate, documents: Sequence[Document], sample: str
    ) -> list[Episode]:
        self.asked.append((self.numbers[candidate.id], sample))
        gaps = self.gaps[candidate.id]
        before = sum(number == self.numbers[candidate.id] for number, _ in self.asked) - 1
        return [episode(i, gaps[min(before, len(gaps) - 1)]) for i in range(len(documents))]


def chosen(first: Sequence[float], gaps: Mapping[int, Sequence[Gap]], finalists: int) -> Choice:
    trials = [trial(number, gap) for number, gap in enumerate(first)]
    objective: Any = Again(gaps)
    return choose(trials, objective, DOCUMENTS, finalists=finalists)


def test_the_better_half_is_measured_again_until_one_meets_the_baseline() -> None:
    trials = [trial(number, gap) for number, gap in enumerate([0.2, 0.5, 0.4, 0.6, 0.3])]
    objective: Any = Again({0: [0.2], 1: [0.5], 2: [0.6], 3: [0.1], 4: [0.9]})
    choice = choose(trials, objective, DOCUMENTS, finalists=3)
    first, second = "validation-again", "validation-again-2"
    assert objective.asked == [
        *((number, first) for number in (0, 3, 1, 2)),
        # Over both measurements 2 and 1 have 0.5, and 3 has 0.35.
        *((number, second) for number in (0, 1, 2)),
    ]
    assert [one.trial.number for one in choice.races] == [0, 3, 1, 2]
    assert [len(one.rounds) for one in choice.races] == [2, 1, 2, 2]
    assert choice.winner.number == 2
    assert choice.again.gap == pytest.approx(0.6)
    assert choice.again.episodes == 2 * len(DOCUMENTS)


def test_the_baseline_stands_to_the_end_and_can_win() -> None:
    choice = chosen([0.2, 0.4, 0.5], {0: [0.6], 1: [0.1], 2: [0.1]}, finalists=2)
    assert choice.winner.number == 0
    assert choice.again.gap == pytest.approx(0.6)
    assert len(choice.races[0].rounds) == 1


def test_a_lucky_first_measurement_does_not_beat_the_baseline() -> None:
    # Averaged over both measurements trial 1 would have 0.5.
    assert chosen([0.3, 0.8], {0: [0.3], 1: [0.2]}, finalists=1).winner.number == 0


def test_leaders_are_compared_with_each_other_by_all_their_measurements() -> None:
    gaps: dict[int, Sequence[Gap]] = {0: [0.0], 1: [0.5], 2: [0.6]}
    # 1 has 0.7 over both measurements and 2 has 0.65.
    assert chosen([0.0, 0.9, 0.7], gaps, finalists=2).winner.number == 1


def test_ties_go_to_the_earlier_trial() -> None:
    level: dict[int, Sequence[Gap]] = {number: [0.4] for number in range(3)}
    assert chosen([0.2, 0.5, 0.5], level, finalists=2).winner.number == 0
    better: dict[int, Sequence[Gap]] = {**level, 0: [0.1]}
    assert chosen([0.2, 0.5, 0.5], better, finalists=2).winner.number == 1


def test_a_candidate_is_a_finalist_once_and_the_baseline_is_no_challenger() -> None:
    trials = [trial(0, 0.5), trial(1, 0.4), trial(2, 0.3)]
    trials += [trials[1].model_copy(update={"number": 3}), trials[0].model_copy()]
    objective: Any = Again({0: [0.1], 1: [0.4], 2: [0.3]})
    choice = choose(trials, objective, DOCUMENTS, finalists=4)
    assert [one.trial.number for one in choice.races] == [0, 1, 2]


def test_stopped_and_failed_trials_are_no_finalists() -> None:
    trials = [trial(0, 0.2), trial(1, 0.9), trial(2, 0.8), trial(3, 0.3)]
    trials[1] = trials[1].model_copy(update={"state": "pruned"})
    trials[2] = trials[2].model_copy(update={"state": "failed", "value": None})
    objective: Any = Again({0: [0.2], 3: [0.3]})
    assert choose(trials, objective, DOCUMENTS, finalists=3).winner.number == 3


def test_without_any_other_candidate_the_baseline_wins_and_is_measured_again() -> None:
    choice = chosen([0.3], {0: [0.2]}, finalists=3)
    assert (choice.winner.number, choice.again.gap) == (0, pytest.approx(0.2))


def test_no_winner_is_chosen_by_an_outage() -> None:
    gaps: dict[int, Sequence[Gap]] = {0: [0.2], 1: [0.5], 2: [None]}
    with pytest.raises(RuntimeError, match=r"down.*autodata check"):
        chosen([0.2, 0.5, 0.6], gaps, finalists=2)


def test_what_cannot_be_scored_is_no_zero() -> None:
    gaps: dict[int, Sequence[Gap]] = {0: [-0.2], 1: ["malformed"]}
    assert chosen([0.2, 0.5], gaps, finalists=1).winner.number == 0
    gaps = {0: ["malformed"], 1: [-0.2]}
    assert chosen([0.2, 0.5], gaps, finalists=1).winner.number == 1


@given(st.integers(1, 12), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_cost_is_known_in_advance(finalists: int, others: int, draw: Any) -> None:
    trials = [trial(number, round(draw.random(), 2)) for number in range(others + 1)]
    objective: Any = Again({n: [round(draw.random(), 2)] for n in range(others + 1)})
    choose(trials, objective, DOCUMENTS, finalists=finalists)
    made = len(objective.asked) * len(DOCUMENTS)
    assert made <= fresh_episodes(finalists, len(DOCUMENTS))
    if others >= finalists:
        assert made == fresh_episodes(finalists, len(DOCUMENTS))


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=2, max_size=9), st.integers(1, 5))
def test_the_winner_is_never_worse_afresh_than_the_baseline(
    first: list[float], finalists: int
) -> None:
    gaps = {number: [0.3 - gap / 2, gap] for number, gap in enumerate(first)}
    choice = chosen(first, gaps, finalists)
    assert choice.winner.number in {one.trial.number for one in choice.races}
    assert choice.again.gap is not None
    assert choice.races[0].fresh.gap is not None
    assert choice.again.gap >= choice.races[0].fresh.gap


class Noisy:
    """Measures candidates of a known true gap with the noise of a validation set."""

    def __init__(self, true: Sequence[float], draw: np.random.Generator) -> None:
        self.true = {candidate(number).id: gap for number, gap in enumerate(true)}
        self.draw = draw

    def episodes(
        self, candidate: Candidate, documents: Sequence[Document], sample: str
    ) -> list[Episode]:
        gap = float(self.true[candidate.id] + self.draw.normal(0, 0.035))
        return [episode(i, min(max(gap, -1.0), 1.0)) for i in range(len(documents))]


def test_repeated_measurement_picks_a_better_winner_and_promises_less() -> None:
    draw = np.random.default_rng(0)
    searches, plain, raced = 60, 0.0, 0.0
    promised, again = 0.0, 0.0
    for _ in range(searches):
        # As in docs/winners.md: a search that finds nothing better on average.
        true = [0.2, *draw.normal(0.2, 0.03, 12)]
        objective: Any = Noisy(true, draw)
        trials = [
            Trial.ended(
                n, "x", candidate(n), {}, objective.episodes(candidate(n), DOCUMENTS[:1], "")
            )
            for n in range(13)
        ]
        best = max(trials, key=lambda one: one.value or 0.0)
        choice = choose(trials, objective, DOCUMENTS[:1], finalists=3)
        plain += true[best.number] / searches
        raced += true[choice.winner.number] / searches
        promised += ((best.value or 0.0) - true[best.number]) / searches
        again += ((choice.again.gap or 0.0) - true[choice.winner.number]) / searches
    assert raced > plain
    assert abs(again) < promised / 2
