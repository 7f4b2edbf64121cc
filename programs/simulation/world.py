"""The simulated world in numbers alone: what a set of principles achieves, and the best there is.

The same model as the one behind the text (`irt.py`), drawn with numpy for thousands of documents at
once. It says what an optimizer could at most reach, so that its regret can be measured.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..records import Outcome
from . import irt
from .principles import HARMFUL, PRINCIPLES
from .shipped import SHIPPED, beyond_shipped

BEST = frozenset({"specific", "setup_only", "reasoning", "positive_rubric", "focused", "mistakes"})
"""The best subset of the principles (`optimum`), kept here because the search takes a while."""
BEST_OBJECTIVE = 0.375
"""What it achieves with a fully skilled orchestrator."""

_MOST = 16
_LIMITS = {"weak": 0.65, "best": 0.75, "low": 0.60, "high": 0.95, "gap": 0.20}
_TINY = 1e-9


class Setting(NamedTuple):
    """What is held fixed while prompts are compared."""

    weak: float = irt.WEAK
    """Ability of the weak solver in logits."""
    strong: float = irt.STRONG
    """Ability of the strong solver in logits."""
    skill: float = 0.5
    """How well the orchestrator steers, in [0, 1]; 0.5 with the shipped prompts."""
    temperature: float = 1.0
    """The challenger's, in [0, 2]."""
    rounds: int = 12
    """Tasks tried per document, at most."""
    documents: int = 4000
    """Documents drawn."""
    seed: int = 0
    """Equal seeds give equal draws as far as possible."""


PLAIN = Setting()
"""The shipped orchestrator."""
SKILLED = Setting(skill=1.0)
"""An orchestrator that could not steer better."""


class Expectation(NamedTuple):
    """What a program achieves on average, in the unit of the grades."""

    weak: float
    """Mean grade of the weak solver on accepted tasks."""
    strong: float
    """The same for the strong solver."""
    gap: float
    """Mean gap of accepted tasks."""
    again_weak: float
    """Mean grade of the weak solver on accepted tasks with fresh answers, which chance has not
    chosen along with the task."""
    again_strong: float
    """The same for the strong solver."""
    acceptance: float
    """Share of documents with an accepted task."""
    rounds: float
    """Rounds per document."""
    objective: float
    """Mean over all documents: the gap of the accepted task, 0 if there is none."""
    failures: Mapping[str, float]
    """Share of the failed rounds by outcome."""


def in_force(principles: Collection[str] | Mapping[str, float]) -> Mapping[str, float]:
    """Return weights of principles; those given without weights count in full."""
    return principles if isinstance(principles, Mapping) else dict.fromkeys(principles, 1.0)


def single(
    principles: Collection[str] | Mapping[str, float] = SHIPPED, setting: Setting = PLAIN
) -> tuple[float, float]:
    """Return the mean grades, weak and strong, of the first tasks, without any gate."""
    draws, weights = np.random.default_rng(setting.seed), in_force(principles)
    depth, hard = _documents(draws, setting.documents)
    tasks, sound = _tasks(draws, weights, depth, hard, np.zeros_like(depth), setting.temperature)
    weak, strong = (_grades(draws, tasks, a) for a in (setting.weak, setting.strong))
    return float(weak[sound].mean()), float(strong[sound].mean())


def expected(
    principles: Collection[str] | Mapping[str, float] = SHIPPED,
    setting: Setting = PLAIN,
    first: Mapping[str, float] | None = None,
) -> Expectation:
    """Run the loop on drawn documents under the deployed gate.

    Args:
        principles: All that instructions and briefs give as advice, the shipped ones included if
            they are kept; a mapping gives weights, such as 0.5 for a demonstration.
        setting: Solvers, skill and size.
        first: The weights in the first round, if its brief gives other advice.
    """
    draws, weights = np.random.default_rng(setting.seed), in_force(principles)
    fresh = np.random.default_rng((setting.seed, 1))
    depth, hard = _documents(draws, setting.documents)
    steer = np.zeros_like(depth)
    active = np.arange(setting.documents)
    kept: list[Any] = []
    failed, rounds = np.zeros(3), 0
    for number in range(setting.rounds):
        rounds += active.size
        advice = first if first is not None and number == 0 else weights
        tasks, sound = _tasks(
            draws, advice, depth[active], hard[active], steer[active], setting.temperature
        )
        weak, strong = (_grades(draws, tasks, a) for a in (setting.weak, setting.strong))
        easy, hard_, quality = _verdicts(weak, strong, sound)
        accepted = ~(easy | hard_ | quality)
        again = [_grades(fresh, tasks, a)[accepted] for a in (setting.weak, setting.strong)]
        kept.append(np.stack([one.mean(1) for one in (weak[accepted], strong[accepted], *again)]))
        failed += [easy.sum(), hard_.sum(), quality.sum()]
        pushed = steer[active] + setting.skill * (
            easy * draws.uniform(0, irt.EASIER, active.size)
            - hard_ * draws.uniform(0, irt.HARDER, active.size)
        )
        steer[active] = irt.clip(pushed, *irt.STEER_LIMITS)
        active = active[~accepted]
    return _summary(np.concatenate(kept, axis=1), failed, rounds, setting.documents)


def _summary(kept: Any, failed: Any, rounds: int, documents: int) -> Expectation:
    weak, strong, again_weak, again_strong = kept.mean(axis=1) if kept.size else [np.nan] * 4
    outcomes = (Outcome.TOO_EASY, Outcome.FAILED_ON_STRONG, Outcome.FAILED_QUALITY_CHECK)
    shares = failed / max(1.0, failed.sum())
    return Expectation(
        weak=float(weak),
        strong=float(strong),
        gap=float(strong - weak),
        again_weak=float(again_weak),
        again_strong=float(again_strong),
        acceptance=kept.shape[1] / documents,
        rounds=rounds / documents,
        objective=float((kept[1] - kept[0]).sum() / documents),
        failures={one.value: float(share) for one, share in zip(outcomes, shares, strict=True)},
    )


def _documents(draws: np.random.Generator, count: int) -> tuple[Any, Any]:
    return draws.normal(0, irt.DEPTH_SPREAD, count), draws.normal(0, irt.HARD_SPREAD, count)


class _Tasks(NamedTuple):
    """Drawn tasks, one a row; criteria beyond a task's own have weight 0."""

    weights: Any
    insight: Any
    offsets: Any
    difficulty: Any
    log_a: Any
    leak: Any
    clarity: Any


def _tasks(
    draws: np.random.Generator,
    weights: Mapping[str, float],
    depth: Any,
    hard: Any,
    steer: Any,
    temperature: float,
) -> tuple[_Tasks, Any]:
    """Draw one task per document, and whether each is sound."""
    means = irt.law(beyond_shipped(weights), depth, hard, steer, temperature)
    size, noise = depth.size, means.noise
    grid = (size, _MOST)
    chance = irt.sigmoid(means.insight + draws.normal(0, irt.INSIGHT_SPREAD * noise, size))
    leak = irt.sigmoid(means.leak + draws.normal(0, irt.LEAK_SPREAD * noise, size))
    positive = draws.random(size) < weights.get("positive_rubric", 0.0)
    tasks = _Tasks(
        weights=_weights(draws, positive),
        insight=(draws.random(grid) < chance[:, None]) * 1.0,
        offsets=draws.normal(0, irt.CRITERION_SPREAD, grid),
        difficulty=means.difficulty + draws.normal(0, irt.DIFFICULTY_SPREAD * noise, size),
        log_a=means.log_a + draws.normal(0, irt.LOG_A_SPREAD * noise, size),
        leak=leak,
        clarity=np.full(size, means.clarity),
    )
    broken = draws.random(size) > irt.sigmoid(means.valid)
    unread = irt.UNREADABLE * (1 - irt.REPAIRED) + (1 - irt.UNREADABLE)
    lost = broken & (draws.random(size) < unread)
    rejected = draws.random(size) < irt.REJECT_LEAK * leak + irt.REJECT_OTHER
    return tasks, ~(lost | rejected)


def _weights(draws: np.random.Generator, positive: Any) -> Any:
    """Draw the rubrics' weights; negative ones mark errors."""
    size = positive.size
    place, grid = np.arange(_MOST), (size, _MOST)
    count = _either(draws, positive, irt.CRITERIA_POSITIVE, irt.CRITERIA_MIXED, size)
    errors = np.where(positive, 0, _between(draws, irt.ERRORS, size))
    rewards = _either(draws, positive[:, None], irt.REWARD_POSITIVE, irt.REWARD_MIXED, grid)
    # Which criteria name errors does not matter to the grade; they come first here.
    signed = np.where(place < errors[:, None], -_between(draws, irt.COST, grid), rewards)
    return np.where(place < count[:, None], signed, 0.0)


def _between(draws: np.random.Generator, limits: tuple[int, int], size: Any) -> Any:
    return draws.integers(limits[0], limits[1] + 1, size)


def _either(
    draws: np.random.Generator,
    which: Any,
    if_so: tuple[int, int],
    else_: tuple[int, int],
    size: Any,
) -> Any:
    return np.where(which, _between(draws, if_so, size), _between(draws, else_, size))


def _grades(draws: np.random.Generator, tasks: _Tasks, ability: float, attempts: int = 3) -> Any:
    """Return the judged grades of a solver's attempts, one task a row."""
    column = [field[:, None] for field in (tasks.difficulty, tasks.log_a, tasks.leak)]
    hardness, log_a, leak = column
    chance = irt.solved(
        tasks.insight,
        hardness + tasks.offsets,
        log_a,
        leak,
        tasks.clarity[:, None],
        hardness,
        ability,
    )
    chance = np.where(tasks.weights < 0, irt.blunders(ability), chance)
    read = chance * (1 - irt.JUDGE_ERROR) + (1 - chance) * irt.JUDGE_ERROR
    met = draws.random((attempts, *read.shape)) < read
    earned = (met * tasks.weights).sum(axis=2) / tasks.weights.clip(min=0).sum(axis=1)
    return earned.clip(0, 1).T


def _verdicts(weak: Any, strong: Any, sound: Any) -> tuple[Any, Any, Any]:
    """Return who is too easy, fails on strong or fails the quality check, as `decide` has it.

    The race changes no verdict: if the weak attempts decide, the strong ones are not looked at.
    """
    low, high = weak.mean(1), strong.mean(1)
    too_good = (low > _LIMITS["weak"] + _TINY) | (weak.max(1) > _LIMITS["best"] + _TINY)
    suspect = ~too_good & (weak.min(1) <= 0)
    going = ~(too_good | suspect)
    top = going & (high >= _LIMITS["high"] - _TINY)
    poor = (high < _LIMITS["low"] - _TINY) | (strong.min(1) <= 0)
    poor |= high - low < _LIMITS["gap"] - _TINY
    return sound & (too_good | top), sound & going & ~top & poor, ~sound | suspect


def achievable(principles: Collection[str], setting: Setting = SKILLED) -> float:
    """Return the objective that a set of principles reaches with a fully skilled orchestrator."""
    return expected(principles, setting).objective


@lru_cache(maxsize=4)
def optimum(setting: Setting = SKILLED, finalists: int = 12) -> tuple[frozenset[str], float]:
    """Search all sets of good principles for the one with the highest objective; takes seconds.

    Every set is tried on a quarter of the documents, the best of them on all. Harmful principles
    are left out; a test shows that none of them improves the result.
    """
    good = sorted(PRINCIPLES.keys() - HARMFUL)
    sets = [frozenset(one) for size in range(len(good) + 1) for one in combinations(good, size)]
    quick = setting._replace(documents=setting.documents // 4)
    ranked = sorted(sets, key=lambda one: -achievable(one, quick))
    values = {one: achievable(one, setting) for one in ranked[:finalists]}
    best = max(values, key=lambda one: values[one])
    return best, values[best]
