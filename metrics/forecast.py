"""What the grades still to come will do to a gate: beta-binomial forecasts.

A solver's grades at one task have a mean and a spread that nobody knows. All combinations of the
two are taken to be equally likely at first, and reweighted by the grades seen. The two solvers are
forecast apart.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from .gates import Bound, Gate

LEVELS = 20
"""Steps that a grade to come is counted in."""
MEANS = 20
"""Means of a solver that are considered, evenly spread over (0, 1)."""
SPREADS = (0.05, 2.0, 8.0, 40.0)
"""Precisions of the beta distribution: right or wrong, uniform, rubrics, and nearly equal."""
RARE = 0.02
"""Pairs of means that are accepted more rarely than this are not drawn."""
DRAWS, PATHS = 50_000, 4000
"""Tasks of a spread that are drawn, and how many of the accepted among them are used at most."""
_TINY = 1e-9


@lru_cache(maxsize=1)
def _levels() -> Any:
    """Return the chance of each level, for each spread and mean: one row for each of these."""
    rows = []
    for spread in SPREADS:
        for place in range(MEANS):
            a = spread * (place + 0.5) / MEANS
            rows.append([_beta_binomial(k, a, spread - a) for k in range(LEVELS + 1)])
    return np.array(rows)


def _beta_binomial(k: int, a: float, b: float) -> float:
    choices = _log_beta(k + 1, LEVELS - k + 1) + math.log(LEVELS + 1)
    return math.exp(_log_beta(k + a, LEVELS - k + b) - _log_beta(a, b) - choices)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _sums(chances: Any, count: int) -> list[Any]:
    """Return for 0 to `count` further grades how likely each sum of their levels is, by row."""
    found = [np.ones((len(chances), 1))]
    for _ in range(count):
        before = found[-1]
        after = np.zeros((len(chances), before.shape[1] + LEVELS))
        for level in range(LEVELS + 1):
            after[:, level : level + before.shape[1]] += chances[:, [level]] * before
        found.append(after)
    return found


def _under(values: Any, bound: Bound | None) -> Any:
    if bound is None:
        return np.ones(values.shape, dtype=bool)
    return values <= float(bound.limit) + (_TINY if bound.inclusive else -_TINY)


def _over(values: Any, bound: Bound | None) -> Any:
    if bound is None:
        return np.ones(values.shape, dtype=bool)
    return values >= float(bound.limit) - (_TINY if bound.inclusive else -_TINY)


class Forecast:
    """Forecasts for one gate and one number of attempts. Arrays have one task a row."""

    def __init__(self, gate: Gate, weak_attempts: int, strong_attempts: int) -> None:
        self.gate, self.weak, self.strong = gate, weak_attempts, strong_attempts
        self._to_come = _to_come(gate.model_dump_json(), weak_attempts, strong_attempts)

    def chance(self, weak: Any, strong: Any) -> Any:
        """Forecast the chance that all attempts pass, rounded so that equal grades are equal."""
        gate = self.gate
        weak_sums, strong_sums = self._to_come
        low = _seen(weak) @ weak_sums[self.weak - weak.shape[1]]
        high = _seen(strong) @ strong_sums[self.strong - strong.shape[1]]
        low_means = _means(weak, low.shape[1], self.weak)
        high_means = _means(strong, high.shape[1], self.strong)
        low = low * _under(low_means, gate.weak_mean_max)
        high = high * _over(high_means, gate.strong_mean_min)
        high = high * _under(high_means, gate.strong_mean_max)
        if weak.shape[1]:
            alive = _under(weak.max(1), gate.weak_best_max) & (gate.weak_zeros | (weak.min(1) > 0))
            low = low * alive[:, None]
        if strong.shape[1]:
            high = high * (gate.strong_zeros | (strong.min(1) > 0))[:, None]
        found = np.zeros(len(weak))
        for place in range(low.shape[1]):
            apart = _over(high_means - low_means[:, [place]], gate.gap_min)
            found += low[:, place] * (high * apart).sum(1)
        return found.round(9)

    def accepted(self, spread: int) -> tuple[Any, Any]:
        """Draw tasks of one of the spreads that all attempts accept; pairs of means count alike."""
        rows, mine = _levels(), np.repeat(np.arange(len(SPREADS)), MEANS) == spread
        shares = self._shares()
        pairs = np.argwhere(mine[:, None] & mine & (shares >= RARE))
        if not len(pairs):
            return np.zeros((0, self.weak)), np.zeros((0, self.strong))
        draws = np.random.default_rng(0)
        # A pair that is accepted rarely is drawn as much more often.
        often = 1 / shares[pairs[:, 0], pairs[:, 1]]
        chosen = pairs[draws.choice(len(pairs), size=DRAWS, p=often / often.sum())]
        steps = rows.cumsum(1)
        weak, strong = (
            np.stack([_drawn(draws, steps[who]) for _ in range(count)], axis=1)
            for who, count in ((chosen[:, 0], self.weak), (chosen[:, 1], self.strong))
        )
        kept = self.chance(weak, strong) > 0.5
        return weak[kept][:PATHS], strong[kept][:PATHS]

    def _shares(self) -> Any:
        """Return how often all attempts accept, for each pair of weak and strong rows."""
        gate, low, high = self.gate, self._to_come[0][-1], self._to_come[1][-1]
        low_means = np.arange(low.shape[1]) / LEVELS / self.weak
        high_means = np.arange(high.shape[1]) / LEVELS / self.strong
        fits = _under(low_means, gate.weak_mean_max)[:, None] & (
            _over(high_means, gate.strong_mean_min) & _under(high_means, gate.strong_mean_max)
        )
        fits = fits & _over(high_means - low_means[:, None], gate.gap_min)
        return low @ fits @ high.T


@lru_cache(maxsize=32)
def _to_come(rules: str, weak: int, strong: int) -> tuple[list[Any], list[Any]]:
    """Return the chances of sums of grades to come that break no rule about single attempts."""
    gate, low, high = Gate.model_validate_json(rules), _levels().copy(), _levels().copy()
    low[:, ~_under(np.arange(LEVELS + 1) / LEVELS, gate.weak_best_max)] = 0
    if not gate.weak_zeros:
        low[:, 0] = 0
    if not gate.strong_zeros:
        high[:, 0] = 0
    return _sums(low, weak), _sums(high, strong)


def _seen(grades: Any) -> Any:
    """Return how likely each row of the model is after the grades seen."""
    found = np.ones((len(grades), len(_levels())))
    for column in np.rint(grades * LEVELS).astype(int).T:
        found *= _levels()[:, column].T
    return found / found.sum(1, keepdims=True)


def _means(grades: Any, sums: int, planned: int) -> Any:
    return (grades.sum(1)[:, None] + np.arange(sums) / LEVELS) / planned


def _drawn(draws: np.random.Generator, steps: Any) -> Any:
    below = draws.random(len(steps))[:, None] > steps
    return below.sum(1).clip(0, LEVELS) / LEVELS
