"""Confidence intervals: of a mean, of a paired difference, and of a share."""

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

# Numbers drawn at a time: bounds the memory at about 16 MB without changing the method.
_BATCH = 1_000_000


class Interval(NamedTuple):
    """An estimate with its confidence interval, in the unit of the values."""

    estimate: float
    low: float
    high: float


def bootstrap_mean(
    values: Sequence[float], *, seed: int, confidence: float = 0.95, resamples: int = 9999
) -> Interval:
    """Estimate a mean with a bootstrap interval over independent documents.

    BCa (bias-corrected and accelerated) where it is defined, percentile where it is not. Values
    that are all equal, a single one too, give an interval of width zero: with few documents read
    it beside their number.

    Args:
        values: At least one finite number.
        seed: Root of the resampling, 0 or more. The same seed gives the same interval.
        confidence: Wanted coverage, strictly between 0 and 1.
        resamples: Bootstrap samples, at least 2; below a few hundred the interval is coarse.

    Returns:
        The mean and its interval, in the unit of `values`.

    Raises:
        ValueError: If an argument is outside its range.
    """
    _check_finite("values", values)
    _check_confidence(confidence)
    if seed < 0:
        raise ValueError(f"seed={seed}: must be 0 or more; choose another seed")
    if resamples < 2:
        raise ValueError(f"resamples={resamples}: too few to show any spread; use at least 2")
    first = float(values[0])
    if all(value == first for value in values):
        return Interval(first, first, first)
    low, high = _bootstrap(values, seed, confidence, resamples)
    return Interval(math.fsum(values) / len(values), low, high)


def paired_difference(
    baseline: Sequence[float],
    winner: Sequence[float],
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 9999,
) -> Interval:
    """Estimate how much better `winner` is than `baseline` on the same documents.

    Args:
        baseline: One finite score a document.
        winner: The scores on the same documents, in the same order.
        seed: Root of the resampling, 0 or more.
        confidence: Wanted coverage, strictly between 0 and 1.
        resamples: Bootstrap samples, at least 2; below a few hundred the interval is coarse.

    Returns:
        The mean of winner minus baseline, by bootstrap of the differences; above 0 the winner
        is better.

    Raises:
        ValueError: If the lengths differ, or an argument is outside its range.
    """
    if len(baseline) != len(winner):
        raise ValueError(
            f"{len(baseline)} baseline and {len(winner)} winner scores: pairs need the same "
            f"documents in the same order; drop a document from both if one could not be scored"
        )
    _check_finite("baseline", baseline)
    _check_finite("winner", winner)
    differences = [after - before for before, after in zip(baseline, winner, strict=True)]
    return bootstrap_mean(differences, seed=seed, confidence=confidence, resamples=resamples)


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Estimate a share, such as the acceptance rate, with Wilson's score interval.

    Args:
        successes: How many trials succeeded, 0 to `trials`.
        trials: How many there were, at least 1.
        confidence: Wanted coverage, strictly between 0 and 1.

    Returns:
        The share and its interval, all in [0, 1].

    Raises:
        ValueError: If an argument is outside its range.
    """
    from scipy.stats import binomtest

    _check_confidence(confidence)
    if trials < 1:
        raise ValueError(f"trials={trials}: no share of nothing; use at least 1")
    if not 0 <= successes <= trials:
        raise ValueError(f"successes={successes}: must be 0 to trials={trials}; check the counts")
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(successes / trials, float(interval.low), float(interval.high))


def _bootstrap(
    values: Sequence[float], seed: int, confidence: float, resamples: int
) -> tuple[float, float]:
    # Imported here because they take most of a second, and most runs never ask for an interval.
    import numpy as np
    from scipy.stats import DegenerateDataWarning, bootstrap

    def interval(method: str) -> tuple[float, float]:
        found = bootstrap(
            (np.asarray(values, dtype=float),),
            np.mean,
            confidence_level=confidence,
            n_resamples=resamples,
            batch=max(1, _BATCH // len(values)),
            method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        return float(found.low), float(found.high)

    # Where BCa is not defined it warns and returns NaN, which the last line sees.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)
        low, high = interval("BCa")
    return (low, high) if math.isfinite(low) and math.isfinite(high) else interval("percentile")


def _check_finite(name: str, values: Sequence[float]) -> None:
    if len(values) == 0:
        raise ValueError(f"{name}=[]: nothing to average; score at least 1 document")
    for index, value in enumerate(values):
        if not math.isfinite(value):
            raise ValueError(
                f"{name}[{index}]={value}: must be finite; leave out what could not be scored"
            )


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence}: must lie strictly between 0 and 1; use 0.95")
