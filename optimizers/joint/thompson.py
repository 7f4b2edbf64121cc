"""Sampler and pruner on the effects of choices: many switches, few trials, much noise."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from ..options import SearchOptions
from .effects import SPREAD, Effects, Key, Scored, features
from .objectives import PARTS, Part, weighted
from .slots import SLOT, STATE, wave

WORTH = 0.01
"""A choice that adds less than this is not made: prompts stay short."""
_TRIED = 15
"""Values of a number that are compared, drawn by chance."""


class EffectsSampler(BaseSampler):
    """Draws effects from what the trials leave possible, and makes the choices that these favor.

    Thompson sampling with a linear model (Agrawal and Goyal, Thompson Sampling for Contextual
    Bandits with Linear Payoffs, ICML 2013): a choice is made as often as it is likely to be right.
    Two objectives become one by a weight that is drawn first, so that trials spread along the front
    (Knowles, ParEGO, IEEE Transactions on Evolutionary Computation 10, 2006).

    Args:
        seed: Of the draws.
        greedy: Make the choices whose gap is expected to be the best instead.
    """

    def __init__(self, seed: int, *, greedy: bool = False) -> None:
        self._draws = np.random.default_rng(seed)
        self._greedy = greedy
        self._effects: dict[Key, float] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Leave every parameter to `sample_independent`: the effects add up."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample nothing."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the best choice under one draw of the effects."""
        if self._effects is None:
            several = len(study.directions) > 1
            weight = self._draws.uniform() if several and not self._greedy else 1.0
            fitted = Effects(*evidence(measured(study), weight))
            self._effects = fitted.means() if self._greedy else fitted.drawn(self._draws)
        if isinstance(param_distribution, FloatDistribution):
            low, high = param_distribution.low, param_distribution.high
            choices: list[Any] = [float(one) for one in self._draws.uniform(low, high, _TRIED)]
        elif isinstance(param_distribution, CategoricalDistribution):
            choices = list(param_distribution.choices)
        else:
            raise TypeError(f"{param_name} is a {type(param_distribution).__name__}")
        space = {param_name: param_distribution}
        # Of equal ones the first is taken: the baseline's, or any number.
        return max(choices, key=lambda one: self._worth(features({param_name: one}, space)))

    def _worth(self, point: Mapping[Key, float]) -> float:
        """Return the effect of a choice under the draw, less what it must be worth."""
        assert self._effects is not None
        total = 0.0
        for key, value in point.items():
            if key not in self._effects:  # It was never made: nothing is known but the prior.
                self._effects[key] = 0.0 if self._greedy else self._draws.normal(0, SPREAD)
            total += value * self._effects[key]
            total -= WORTH if value == 1.0 else 0.0
        return total


class EffectsPruner(BasePruner):
    """Stops a trial of which less is expected than of the best one, given all trials so far.

    Those that are measured side by side do not count for each other: whichever of them ends first,
    and whenever one is killed, the same trials are stopped.

    Args:
        options: Say after how many documents, and what is measured side by side.
    """

    def __init__(self, options: SearchOptions) -> None:
        self._options = options

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to stop a trial after the documents that it has reported."""
        if len(trial.intermediate_values) < self._options.prune_after:
            return False
        first = wave(trial.user_attrs[SLOT], self._options)
        before = [one for one in measured(study) if one.user_attrs.get(SLOT, -1) < first]
        whole = [one for one in before if one.user_attrs.get(STATE) == "complete"]
        if not whole:
            return False
        ended, space = evidence(before)
        effects = Effects([*ended, Scored(trial.params, trial.intermediate_values)], space)
        best = max((features(one.params, space) for one in whole), key=effects.expected)
        return effects.expected(features(trial.params, space)) < effects.expected(best)


def evidence(
    trials: Sequence[FrozenTrial], weight: float = 1.0
) -> tuple[list[Scored], dict[str, BaseDistribution]]:
    """Return what trials have measured, and their parameters.

    Args:
        trials: Of a study with one objective, or with two.
        weight: Of the gap among two, in [0, 1].
    """
    space: dict[str, BaseDistribution] = {}
    for trial in trials:
        space |= trial.distributions
    found: list[dict[int, float]] = [trial.intermediate_values for trial in trials]
    if any(PARTS in trial.user_attrs for trial in trials):
        kept = [[Part(*one) for one in trial.user_attrs[PARTS]] for trial in trials]
        found = weighted(kept, weight)
    points = zip(trials, found, strict=True)
    return [Scored(trial.params, scores) for trial, scores in points if scores], space


def measured(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were measured."""
    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [one for one in found if one.intermediate_values or PARTS in one.user_attrs]
