"""Two objectives: the gap, and what an accepted task costs in tokens."""

from collections.abc import Sequence
from statistics import pstdev
from typing import NamedTuple

from ...programs import Episode
from ..measurement import Measurement, score
from ..options import SearchOptions
from ..trial import Trial

PARTS = "parts"
"""Attribute of a trial of a search for two objectives: its parts, which Optuna has no place for."""


class Part(NamedTuple):
    """What a document adds to the objectives of a trial."""

    document: int
    """Its place among the validation documents."""
    score: float
    tokens: float
    accepted: float
    """1 if a task was accepted, else 0."""


def values(trial: Trial, options: SearchOptions) -> list[float] | None:
    """Return what a study is told of a trial; `None` if it could not be scored."""
    if trial.value is None:
        return None
    return [trial.value, price(trial.measurement)] if options.several else [trial.value]


def price(found: Measurement) -> float:
    """Return the tokens of an accepted task.

    Where none was accepted it is all tokens, as if the last round had given one: a number that can
    be compared, and the most that anyone can pay who has used so many.
    """
    return float(found.tokens) if found.tokens_per_accepted is None else found.tokens_per_accepted


def parts(episodes: Sequence[Episode], documents: Sequence[str]) -> list[Part]:
    """Return what each document that was scored adds, given the documents' ids in order."""
    return [
        Part(
            document=documents.index(episode.document_id),
            score=value,
            tokens=episode.usage.tokens,
            accepted=float(episode.accepted is not None),
        )
        for episode in episodes
        if (value := score(episode)) is not None
    ]


def weighted(trials: Sequence[Sequence[Part]], weight: float) -> list[dict[int, float]]:
    """Return both objectives of trials as one score by document.

    Tokens per accepted task are a ratio. To it a document adds the tokens that it took beyond what
    its task, if any, usually costs (Cochran, Sampling Techniques, 1977, chapter 6). These are
    brought to the spread of the gaps.

    Args:
        trials: The parts of each.
        weight: Of the gap, in [0, 1]; the rest is that of the tokens.
    """
    everything = [part for one in trials for part in one]
    usual = sum(one.tokens for one in everything) / max(1.0, sum(p.accepted for p in everything))
    scores = [one.score for one in everything]
    beyond = [one.tokens - usual * one.accepted for one in everything]
    spread = pstdev(beyond) if beyond else 0.0
    unit = pstdev(scores) / spread if spread else 0.0
    return [
        {
            part.document: weight * part.score
            - (1 - weight) * unit * (part.tokens - usual * part.accepted)
            for part in one
        }
        for one in trials
    ]
