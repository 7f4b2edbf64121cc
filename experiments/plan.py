"""What a search may spend, so that enough is left to choose a winner and to test it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from ..optimizers import OPEN_ENDED, Candidate, SearchOptions, Trial, fresh_episodes
from ..optimizers.files import write_whole
from ..optimizers.trial import refuse_outage
from ..programs import Episode, ModelConfig
from ..programs.budget import Amount, Budget, BudgetError
from ..programs.meter import Meter
from .config import Part
from .errors import InputError
from .session import Session
from .source import one_line

MARGIN = Decimal("1.15")
"""How much more than the estimate is kept for the finalists and the test."""
FEWEST, MOST = 2, 500
"""Trials that a search has if only the budget limits them."""

Watch = Callable[[Trial], None]


class Written(Part):
    """What `plan.json` keeps, so that an interrupted run does what an undisturbed one would."""

    budget: str
    """The budget that the plan was made for."""
    trials: int
    """Candidates to measure."""
    ended: int | None = None
    """Trials that the search had when it ended; `None` while it is under way."""
    struck: bool = False
    """Whether the budget ended it."""


@dataclass
class Plan:
    """How long the search may go on."""

    search: SearchOptions
    """The options in force: the configured ones, with as many trials as the budget pays for."""
    meter: Meter
    file: Path
    line: Callable[[str], None]
    """Says something to people."""
    written: Written | None = None
    """Absent without a budget."""

    def searched(self, search: Callable[[Watch], list[Trial]], watch: Watch) -> list[Trial]:
        """Let a method search until it ends or its share of the budget is used up.

        A search that the budget has once ended, ends again after the same trials: what a larger
        budget pays for is what follows.

        Args:
            search: The method, waiting for the function that it tells of every trial.
            watch: What that function does.

        Returns:
            The trials that have ended.

        Raises:
            BudgetError: If not even the baseline's trial has ended.
        """
        told: list[Trial] = []
        last = self.written.ended if self.written and self.written.struck else None

        def watching(trial: Trial) -> None:
            if last is None or len(told) < last:
                told.append(trial)
                watch(trial)
            if len(told) == last and self.meter.budget is not None:
                # For methods on which an error from here is lost: nothing further is sent either.
                self.meter.hold(Amount(**self.meter.budget.limits))
                raise BudgetError("the budget has ended this search before")

        try:
            trials, struck = search(watching), False
        except BudgetError:
            if not told:
                raise
            trials, struck = sorted(told, key=lambda trial: trial.number), True
            spent = self.meter.shown if last is None else "as it did before"
            self.line(
                f"the budget ends the search after {len(told)} of {self.search.trials} trials "
                f"({spent}); the rest is for the finalists and the test"
            )
        self._end(len(trials), struck=struck)
        self.meter.release()
        return trials

    def _end(self, trials: int, *, struck: bool) -> None:
        if self.written is not None and self.written.ended is None:
            self.written = self.written.model_copy(update={"ended": trials, "struck": struck})
            write_whole(self.file, self.written.model_dump_json(indent=1) + "\n")


def make_plan(session: Session, *, after: int = 0) -> Plan:
    """Measure the baseline on validation, and divide the budget by what that took.

    The search gets what is left when enough is kept for the finalists' fresh measurements and the
    test. Without a budget nothing is measured and nothing is limited.

    Args:
        session: The run.
        after: Episodes that follow the test, such as those of held-out solvers.

    Raises:
        BudgetError: If the budget cannot pay for the baseline and what is kept; names the smallest
            one that makes sense.
        InputError: If an earlier start's plan cannot be read.
        RuntimeError: If the baseline cannot be scored.
    """
    config, meter, splits = session.config, session.models.meter, session.split()
    plan = Plan(config.search, meter, config.folder / "plan.json", session.reporter.line)
    if meter.budget is None:
        return plan
    session.reporter.stage("baseline", len(splits.validation))
    own = Candidate.of(session.program)
    episodes = session.objective.episodes(own, splits.validation, "validation")
    refuse_outage([Trial.ended(0, "baseline", own, {}, episodes)])
    cost = episode_cost(config.models, episodes, together=config.in_flight)
    follows = fresh_episodes(config.search.finalists, len(splits.validation)) + after
    follows += 2 * config.test_repeats * len(splits.test)
    reserve = cost.times(MARGIN * follows)
    per_trial = cost.times(len(splits.validation))
    learning = cost.times(len(splits.train))
    before = _read(plan.file)
    if before is not None and before.ended is not None:
        plan.search = config.search.model_copy(update={"trials": before.trials})
        plan.written = before
        return plan
    check_affordable(meter.budget, per_trial, learning, reserve)
    if before is None or before.budget != str(meter.budget):
        left = remaining(meter.budget, meter.spent.plus(reserve).plus(learning))
        explicit = "trials" in config.search.model_fields_set
        paid = MOST if config.method in OPEN_ENDED else affordable_trials(per_trial, left)
        trials = config.search.trials if explicit else paid
        before = Written(budget=str(meter.budget), trials=trials)
        write_whole(plan.file, before.model_dump_json(indent=1) + "\n")
    plan.written = before
    plan.search = config.search.model_copy(update={"trials": before.trials})
    meter.hold(reserve)
    session.reporter.line(
        f"budget {meter.budget}: {before.trials} trials at most; about "
        f"{_kept(meter.budget, reserve)} are kept for the finalists and the test"
    )
    return plan


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
        f"{_kept(budget, needed)}; give at least --budget {least} and run the same command again, "
        "nothing paid for is lost"
    )


def _kept(budget: Budget, amount: Amount) -> str:
    return str(Budget({unit: _rounded(unit, getattr(amount, unit)) for unit in budget.limits}))


def _rounded(unit: str, amount: Decimal) -> Decimal:
    """Round up to two digits that count, and to what the unit can say."""
    finest = Decimal("0.01") if unit == "usd" else Decimal(1)
    digits = Decimal(1).scaleb(max(amount, finest).adjusted() - 1)
    step = max(digits, finest)
    return max((amount / step).to_integral_value(ROUND_CEILING) * step, finest)


def _read(file: Path) -> Written | None:
    """Return the plan of an earlier start, if there is one."""
    if not file.exists():
        return None
    try:
        return Written.model_validate_json(file.read_text())
    except ValueError as error:
        raise InputError(
            f"{file}: damaged ({one_line(error)}); remove it to have the search planned again"
        ) from None
