"""What episodes cost, and how many trials the rest of a budget pays for."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

from ..programs import Episode, ModelConfig
from ..programs.budget import Amount, Budget, BudgetError

FEWEST, MOST = 2, 500
"""Trials that a search has if only the budget limits them."""


def episode_cost(
    models: Mapping[str, ModelConfig], episodes: Sequence[Episode], *, together: int
) -> Amount:
    """Estimate what one more episode costs if none of its answers is kept.

    Args:
        models: The model of each role, with its prices.
        episodes: Finished ones; those that an outage ended say nothing.
        together: Documents under way at a time, which share the time.
    """
    counted = [
        episode
        for episode in episodes
        if episode.failure is None or episode.failure.kind != "infrastructure"
    ]
    if not counted:
        return Amount()
    share = Decimal(1) / len(counted)
    usd = sum(
        models[role].cost(usage.input_tokens, usage.output_tokens)
        for episode in counted
        for role, usage in episode.roles.items()
    )
    seconds = Decimal(str(sum(episode.seconds for episode in counted)))
    return Amount(
        calls=sum(episode.usage.calls for episode in counted) * share,
        tokens=sum(episode.usage.tokens for episode in counted) * share,
        usd=usd * share,
        seconds=seconds * share / min(together, len(counted)),
    )


def affordable_trials(per_trial: Amount, left: Mapping[str, Decimal]) -> int:
    """Return how many trials the rest of a budget pays for, the baseline's included.

    Args:
        per_trial: What the baseline's trial cost.
        left: What may still be spent, by unit.

    Returns:
        At least 2 and at most 500.
    """
    more = [
        int(max(rest, Decimal(0)) / getattr(per_trial, unit))
        for unit, rest in left.items()
        if getattr(per_trial, unit) > 0
    ]
    return max(FEWEST, min(MOST, 1 + min(more, default=MOST)))


def remaining(budget: Budget, taken: Amount) -> dict[str, Decimal]:
    """Return what a budget leaves by unit; negative where more is taken."""
    return {unit: limit - getattr(taken, unit) for unit, limit in budget.limits.items()}


def check_affordable(budget: Budget, per_trial: Amount, learning: Amount, reserve: Amount) -> None:
    """Refuse a budget that leaves nothing to search with.

    Raises:
        BudgetError: With the estimate, and the smallest budget that pays for one more trial.
    """
    needed = per_trial.plus(reserve)
    if all(rest > 0 for rest in remaining(budget, needed).values()):
        return
    smallest = needed.plus(per_trial).plus(learning)
    least = Budget({unit: _rounded(unit, getattr(smallest, unit)) for unit in budget.limits})
    raise BudgetError(
        f"budget {budget}: too small; the baseline, the finalists and the test take about "
        f"{shown(budget, needed)}; give at least --budget {least} and run the same command again, "
        "nothing paid for is lost"
    )


def shown(budget: Budget, amount: Amount) -> str:
    """Say for people what an amount is in a budget's units, rounded up."""
    return str(Budget({unit: _rounded(unit, getattr(amount, unit)) for unit in budget.limits}))


def _rounded(unit: str, amount: Decimal) -> Decimal:
    """Round up to two digits that count, and to what the unit can say."""
    finest = Decimal("0.01") if unit == "usd" else Decimal(1)
    digits = Decimal(1).scaleb(max(amount, finest).adjusted() - 1)
    step = max(digits, finest)
    return max((amount / step).to_integral_value(ROUND_CEILING) * step, finest)
