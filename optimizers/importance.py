"""What told good trials from others: parameters of any search, and rules of a joint one."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from .measurement import score
from .space import Space
from .trial import Trial

FEWEST = 15
"""Trials below which an importance says more about chance than about a parameter."""
BETTER = 0.5
"""Share of the trials that counts as good. Optuna's own 0.1 leaves one or two of a few dozen."""
SEEN = 3
"""Trials that each choice of a parameter must have had on average to be told from chance."""


def importances(trials: Sequence[Trial]) -> dict[str, float]:
    """Say how much each parameter decided whether a trial was among the better half.

    By Optuna's PED-ANOVA (Watanabe et al., 2023), on a study that is rebuilt from the trials.
    Stopped trials count with their estimates. A parameter that never changed is left out, and so is
    one that has another value in nearly every trial, such as the name of its own text.

    Args:
        trials: Of a search by any method.

    Returns:
        Shares by parameter that add up to 1, the largest first; empty with fewer than `FEWEST`
        trials of a value, or if nothing differs.
    """
    valued = [trial for trial in trials if trial.value is not None]
    ranges = {
        name: found
        for name in dict.fromkeys(name for trial in valued for name in trial.params)
        if (found := _range([t.params[name] for t in valued if name in t.params])) is not None
    }
    if len(valued) < FEWEST or not ranges or len({trial.value for trial in valued}) == 1:
        return {}
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(),
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    for trial in valued:
        point = {name: value for name, value in trial.params.items() if name in ranges}
        study.add_trial(
            optuna.trial.create_trial(
                value=trial.value,
                params=point,
                distributions={name: ranges[name] for name in point},
            )
        )
    with warnings.catch_warnings():
        # It asks what leads to low values, and warns even those who know: hence the sign below. It
        # warns as well of a parameter that a single trial lacks, often the baseline.
        warnings.filterwarnings("ignore", message="PedAnova|Some regimes", category=UserWarning)
        found = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(target_quantile=BETTER),
            target=lambda trial: -(trial.value or 0.0),
        )
    return found if any(found.values()) else {}


def _range(values: Sequence[str | int | float]) -> Any:
    """Return what Optuna may take a parameter for; `None` if it tells nothing."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    distinct = list(dict.fromkeys(values))
    if len(distinct) < 2:
        return None
    if all(isinstance(value, float) for value in values):
        numbers = [float(value) for value in values]
        return FloatDistribution(min(numbers), max(numbers))
    return CategoricalDistribution(distinct) if len(values) >= SEEN * len(distinct) else None


class RuleEffect(NamedTuple):
    """What a rule is worth."""

    switch: str
    """The parameter that switches it on."""
    predictor: str
    """Whose instruction it is added to."""
    text: str
    """As the proposer wrote it."""
    effect: float
    """What it is expected to add to the gap, given all trials."""
    error: float
    """Standard deviation of what that may be."""
    trials: int
    """Trials that had it on."""


def rule_effects(trials: Sequence[Trial], space: Space) -> list[RuleEffect]:
    """Estimate what each rule of a joint search adds to the gap, by the model of its sampler.

    Args:
        trials: Of the search; those of other methods, which fed it, count as points without rules.
        space: That of its last generation, which has all choices of those before.

    Returns:
        The rules that were tried, the most helpful first.
    """
    if not space.switches:
        return []
    from .joint.effects import Effects, Scored
    from .joint.slots import distributions

    ranges, switches = distributions(space), space.switches
    measured: list[Scored] = []
    for trial in trials:
        own = ranges.keys() - switches.keys() <= trial.params.keys()
        params = trial.params if own else space.point(trial.candidate)
        if trial.number == 0:  # The program as it was given, which has no rule.
            params = {**params, **switches}
        values = {one.document_id: score(one) for one in trial.episodes}
        scores = {name: value for name, value in values.items() if value is not None}
        if trial.value is not None:
            measured.append(Scored(params, scores))
    effects = Effects(measured, ranges)
    means, errors = effects.means(), effects.errors()
    found = [
        RuleEffect(
            switch,
            name,
            text,
            means[switch, 1],
            errors[switch, 1],
            sum(one.params.get(switch) == 1 for one in measured),
        )
        for name, rules in space.rules.items()
        for switch, text in rules.items()
        if (switch, 1) in means
    ]
    return sorted(found, key=lambda one: (-one.effect, one.switch))
