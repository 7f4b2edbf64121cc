"""What each choice adds to the objective, estimated from all trials of a study together.

A trial says little about any one of its choices: measured on few documents, its value errs by as
much as a choice is worth. But every choice is part of many trials, and all of them are evidence
about it. So the scores are taken for sums: a document's own level, plus an effect for every choice
that is not the baseline's, plus noise. This is the analysis of a factorial experiment (R. A.
Fisher, The Design of Experiments, 1935), with a normal prior that keeps effects small until the
scores say otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

SPREAD = 0.06
"""Standard deviation of effects that is expected before anything is measured, in the unit of the
objective."""
NOISE = 0.1
"""Least standard deviation of a score around its expectation that is believed."""

Key = tuple[str, Any]
"""A choice: a parameter and its value; of a number also which of its two terms."""


class Scored(NamedTuple):
    """A point, and what it scored."""

    params: Mapping[str, Any]
    scores: Mapping[Any, float]
    """By document."""


def features(params: Mapping[str, Any], space: Mapping[str, BaseDistribution]) -> dict[Key, float]:
    """Return what sets a point off from the baseline: 1 for each choice that is not the first one.

    A number has a linear and a quadratic term, zero in the middle of its range.
    """
    found: dict[Key, float] = {}
    for name, value in params.items():
        distribution = space[name]
        if isinstance(distribution, FloatDistribution):
            middle = (distribution.low + distribution.high) / 2
            half = (distribution.high - distribution.low) / 2
            place = (value - middle) / half if half else 0.0
            found |= {(name, "linear"): place, (name, "quadratic"): place * place}
        elif isinstance(distribution, CategoricalDistribution) and value != distribution.choices[0]:
            found[name, value] = 1.0
    return found


class Effects:
    """Effects of choices: what to expect of each, and how far that may err.

    Args:
        trials: What was measured.
        space: The parameters as they are now; the first choice of each is the baseline's.
    """

    def __init__(self, trials: Sequence[Scored], space: Mapping[str, BaseDistribution]) -> None:
        points = [features(trial.params, space) for trial in trials]
        # In an order of their own: a storage may give parameters back in any.
        keys = sorted({key for point in points for key in point}, key=str)
        self._names = {key: i for i, key in enumerate(keys)}
        rows = [
            (document, score, point)
            for trial, point in zip(trials, points, strict=True)
            for document, score in trial.scores.items()
        ]
        design = np.zeros((len(rows), len(self._names)))
        for i, (_, _, point) in enumerate(rows):
            design[i] = self._row(point)
        scores = np.array([score for _, score, _ in rows])
        documents = np.array([document for document, _, _ in rows])
        # A document's own level is taken out of scores and choices alike.
        for document in np.unique(documents):
            own = documents == document
            scores[own] -= scores[own].mean()
            design[own] -= design[own].mean(axis=0)
        noise = max(NOISE, float(scores.std())) if len(scores) else NOISE
        precision = design.T @ design / noise**2 + np.eye(len(self._names)) / SPREAD**2
        self._covariance = np.linalg.inv(precision)
        self._means = self._covariance @ (design.T @ scores) / noise**2

    def expected(self, point: Mapping[Key, float]) -> float:
        """Return how much better than the baseline a point is expected to be."""
        return float(sum(self._row(point) * self._means))

    def means(self) -> dict[Key, float]:
        """Return what is expected of every choice that was measured."""
        return self._named(self._means)

    def errors(self) -> dict[Key, float]:
        """Return by how much that may err: standard deviations, in the unit of the objective."""
        return self._named(np.sqrt(np.diag(self._covariance)))

    def drawn(self, draws: np.random.Generator) -> dict[Key, float]:
        """Return effects as they may well be: one draw from what the scores leave possible."""
        if not self._names:
            return {}
        drawn = draws.multivariate_normal(self._means, self._covariance, method="cholesky")
        return self._named(drawn)

    def _row(self, point: Mapping[Key, float]) -> np.ndarray:
        row = np.zeros(len(self._names))
        for key, value in point.items():
            if key in self._names:
                row[self._names[key]] = value
        return row

    def _named(self, effects: np.ndarray) -> dict[Key, float]:
        return {key: float(effects[i]) for key, i in self._names.items()}
