"""A generation's study: its sampler, its pruner, its parameters, and what it inherits."""

import warnings
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from ...programs import Episode
from ..measurement import score
from ..options import SearchOptions
from ..space import Space
from ..trial import Trial
from .objectives import PARTS, parts, values
from .slots import SLOT, STATE, distributions
from .thompson import EffectsPruner, EffectsSampler

_PRUNED = 0.15
"""Chance that Optuna's pruner stops a candidate, at one look, that is as good as the best."""


def make_study(
    storage: BaseStorage,
    name: str,
    options: SearchOptions,
    seed: int,
    *,
    before: Sequence[Trial] = (),
    space: Space | None = None,
    documents: Sequence[str] = (),
) -> optuna.Study:
    """Open a generation's study, or make it.

    Optuna freezes the choices of a study, so that new instructions need a new one. It inherits the
    trials of the generations before it.

    Args:
        storage: Where it is kept.
        name: Its name there.
        options: Name the sampler and say when to prune.
        seed: Root of the sampler's seeds.
        before: The trials of earlier generations; those that it has already are not added again.
        space: The choices; needed if there are trials to inherit.
        documents: Ids of the validation documents, in order; needed for the same.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=name,
        directions=["maximize", "minimize"] if options.several else ["maximize"],
        storage=storage,
        load_if_exists=True,
        pruner=_pruner(options),
        sampler=SlotSampler(options, seed),
    )
    known = {one.user_attrs.get("inherited") for one in study.get_trials(deepcopy=False)}
    for trial in before:
        if space is not None and trial.value is not None and trial.number not in known:
            study.add_trial(_inherited(trial, space, documents, options))
    return study


class SlotSampler(BaseSampler):
    """A sampler that is seeded by each trial's slot, whichever process draws it.

    A search that goes on after a crash draws the same points as an undisturbed one, and no two
    processes draw the same.
    """

    def __init__(self, options: SearchOptions, seed: int) -> None:
        self._options, self._seed = options, seed
        self._own: BaseSampler = optuna.samplers.RandomSampler(seed=seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin afresh with the slot's seed; a trial without a slot is not going to be measured."""
        slot = trial.user_attrs.get(SLOT)
        if slot is None:
            self._own = optuna.samplers.RandomSampler(seed=self._seed)
        else:
            self._own = _sampler(self._options, self._seed, slot)
        self._own.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Ask the slot's sampler."""
        return self._own.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask the slot's sampler."""
        return self._own.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Ask the slot's sampler."""
        return self._own.sample_independent(study, trial, param_name, param_distribution)


def estimate(best: FrozenTrial, episodes: Mapping[int, Episode]) -> float:
    """Estimate a stopped trial's value by its difference from the best on the same documents.

    Telling the sampler an estimate keeps what was learned; telling it "pruned" would not. It stays
    below the best, which no stopped trial may become.
    """
    differences = [
        value - best.intermediate_values[index]
        for index, episode in episodes.items()
        if (value := score(episode)) is not None and index in best.intermediate_values
    ]
    value = best.value or 0.0
    return min(value + fmean(differences), value - 1e-6)


def _inherited(
    trial: Trial, space: Space, documents: Sequence[str], options: SearchOptions
) -> FrozenTrial:
    """Write a trial of an earlier generation down for a study with more choices."""
    found = parts(trial.episodes, documents)
    attributes = {"inherited": trial.number, STATE: trial.state}
    return optuna.trial.create_trial(
        values=values(trial, options),
        params={**space.switches, **trial.params},
        distributions=distributions(space),
        user_attrs=attributes | ({PARTS: found} if options.several else {}),
        intermediate_values={} if options.several else {one.document: one.score for one in found},
    )


def _sampler(options: SearchOptions, seed: int, slot: int) -> BaseSampler:
    # Neighbouring seeds must not give neighbouring slots' draws.
    own = int(np.random.SeedSequence([seed, slot]).generate_state(1)[0])
    if options.sampler == "random":
        return optuna.samplers.RandomSampler(seed=own)
    if options.sampler == "gp":
        return optuna.samplers.GPSampler(seed=own, n_startup_trials=8)
    if options.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=own, n_startup_trials=8)
    return EffectsSampler(own, greedy=(slot + 1) % options.generation == 0)


def _pruner(options: SearchOptions) -> optuna.pruners.BasePruner:
    if not options.prune:
        return optuna.pruners.NopPruner()
    if options.sampler == "linear":
        return EffectsPruner(options)
    with warnings.catch_warnings():
        # Optuna calls it experimental: its interface may change, and the version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.WilcoxonPruner(
            p_threshold=_PRUNED, n_startup_steps=options.prune_after
        )
