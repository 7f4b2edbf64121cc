"""The sequential test: end a task's attempts once their grades settle what all would say.

After each grade the chance that all planned attempts would pass the gate is forecast from those
seen: stochastic curtailment (Lan, Simon and Halperin 1982, Sequential Analysis 1:207-219). As in
Wald's test (1945, Annals of Mathematical Statistics 16:117-186) the limits are set by the errors of
the whole test and not of a single look: of the tasks that all attempts would accept, at most a
share of `error` is rejected early, and of those accepted early all attempts would reject at most
the same share.

No rule can promise that for every distribution of grades and save anything. Attempts at a task are
exchangeable: if n different grades pass, any k of them come first with probability 1 over "n choose
k", which is 1/3 for three attempts. So the promise rests on the model in `forecast.py`: for each
of its spreads, on average over the pairs of means at which one task in fifty is accepted, each
counting the same. `tests/metrics/test_sequential.py` and `benchmarks/gate.py` try it on grades that
do not follow the model.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .acceptance import Group, Miss, Verdict, decide
from .exact import exact
from .forecast import SPREADS, Forecast
from .gates import Gate

FLOOR = 3
"""Strong grades that an early acceptance rests on at least, beside every weak one."""
RULE = "chance that all attempts would pass"
"""What a miss of an early rejection calls its value."""


class Early(NamedTuple):
    """A verdict that did not wait for all attempts."""

    verdict: Verdict
    chance: float
    """Forecast chance that all attempts would pass, in [0, 1]."""
    limit: float
    """What it was below, or at least if the verdict accepts."""


def decide_early(
    gate: Gate,
    weak: Sequence[Fraction],
    strong: Sequence[Fraction],
    *,
    weak_left: int,
    strong_left: int,
    error: float,
) -> Early | None:
    """Accept, reject, or return `None` to sample more.

    A rejection that is certain is `decide`'s to find. An acceptance needs all weak grades and at
    least three strong ones.

    Args:
        gate: The rules; one without rules is never decided early.
        weak: The grades so far of the weak solver, each in [0, 1].
        strong: The same for the strong solver; none before the last weak one.
        weak_left: Weak attempts still to come, 0 or more.
        strong_left: The same for the strong solver.
        error: Share of wrong rejections among the tasks that all attempts would accept, and of
            wrong acceptances among those accepted early, in (0, 0.5).

    Raises:
        ValueError: If `error` is out of range, or as `decide`.
    """
    if not 0 < error < 0.5:
        raise ValueError(f"error={error}: must lie strictly between 0 and 0.5; use 0.05")
    known = decide(gate, weak, strong, weak_left=weak_left, strong_left=strong_left)
    if gate.open or not weak or known.misses or weak_left + strong_left == 0:
        return None
    planned = (len(weak) + weak_left, len(strong) + strong_left)
    seen = tuple(sorted(weak)), tuple(sorted(strong))
    chance = _chance(gate.model_dump_json(), *planned, *seen)
    low = lowest(gate, *planned, error)
    if chance < low:
        return Early(_rejected(gate, weak, strong, strong_left, chance, low), chance, low)
    if weak_left == 0 and len(strong) >= FLOOR and chance >= 1 - error:
        return Early(Verdict(), chance, 1 - error)
    return None


def lowest(gate: Gate, weak_attempts: int, strong_attempts: int, error: float) -> float:
    """Return the chance below which a task is rejected; takes a second at first, then is kept.

    It is the largest one below which at most a share of `error` of the tasks that all attempts
    accept ever falls, whatever the spread of their grades, by drawing such tasks from the model.
    Equal arguments give equal limits.
    """
    return _lowest(gate.model_dump_json(), weak_attempts, strong_attempts, error)


@lru_cache(maxsize=32)
def _lowest(rules: str, weak_attempts: int, strong_attempts: int, error: float) -> float:
    forecast = Forecast(Gate.model_validate_json(rules), weak_attempts, strong_attempts)
    looks = [(n, 0) for n in range(1, weak_attempts + 1)]
    looks += [(weak_attempts, n) for n in range(1, strong_attempts)]
    found: list[float] = []
    for spread in range(len(SPREADS)):
        weak, strong = forecast.accepted(spread)
        if len(weak):
            chances = [forecast.chance(weak[:, :i], strong[:, :j]) for i, j in looks]
            worst = np.sort(np.min(chances, axis=0))
            found.append(float(worst[int(error * len(worst))]))
    return min(found, default=0.0)


def _rejected(
    gate: Gate,
    weak: Sequence[Fraction],
    strong: Sequence[Fraction],
    strong_left: int,
    chance: float,
    low: float,
) -> Verdict:
    """Say what was missed, in the group that the grades so far would have if they were all."""
    group = decide(gate, weak, strong, strong_left=0 if strong else strong_left).group
    value, limit = exact(round(chance, 6)), exact(round(low, 6))
    miss = Miss(
        rule=RULE,
        value=value,
        limit=limit,
        by=limit - value,
        group=group or (Group.FAILED_ON_STRONG if strong else Group.TOO_EASY),
        demand="at least",
    )
    return Verdict(misses=(miss,))


@lru_cache(maxsize=4096)
def _chance(
    rules: str,
    weak_attempts: int,
    strong_attempts: int,
    weak: tuple[Fraction, ...],
    strong: tuple[Fraction, ...],
) -> float:
    forecast = Forecast(Gate.model_validate_json(rules), weak_attempts, strong_attempts)
    rows = (np.array([[float(grade) for grade in grades]]) for grades in (weak, strong))
    return float(forecast.chance(*rows)[0])
