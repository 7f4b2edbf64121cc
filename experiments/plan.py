"""What a search may spend, so that enough is left to choose a winner and to test it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path

from ..optimizers import OPEN_ENDED, Candidate, SearchOptions, Trial, fresh_episodes
from ..optimizers.files import write_whole
from ..optimizers.trial import refuse_outage
from ..programs import Episode
from ..programs.budget import Amount, Budget, BudgetError
from ..programs.meter import Meter
from .afford import MOST, affordable_trials, check_affordable, episode_cost, remaining, shown
from .config import Part
from .errors import InputError
from .limits import announce
from .session import Session
from .source import one_line

MARGIN = Decimal("1.15")
"""How much more than the estimate is kept for the finalists and the test."""
WAVES = 4
"""How often a budget pays for all trials that are measured side by side, at least."""
ENDED = "the budget has ended this search before"

Watch = Callable[[Trial], None]
After = Callable[[Sequence[Episode]], Amount]


class Written(Part):
    """What `plan.json` keeps, so that an interrupted run does what an undisturbed one would."""

    budget: str | None
    """The budget that the plan was made for; `None` if the search ended without one."""
    trials: int
    """Candidates to measure."""
    parallel: int
    """Of them side by side, in each process."""
    ended: tuple[int, ...] | None = None
    """The trials that the search had when it ended, by number; `None` while it is under way."""
    struck: bool = False
    """Whether the budget ended it; then a trial may be missing that another process was at."""


@dataclass
class Plan:
    """How long the search may go on."""

    search: SearchOptions
    """The options in force: the configured ones, with as many trials, and as many of them side by
    side, as the budget pays for."""
    meter: Meter
    file: Path
    line: Callable[[str], None]
    """Says something to people."""
    written: Written | None = None
    """Absent until a start of the run has a budget, or the search ends."""

    @property
    def ended(self) -> bool:
        """Whether an earlier start has ended the search."""
        return self.written is not None and self.written.ended is not None

    def searched(self, search: Callable[[Watch], list[Trial]], watch: Watch) -> list[Trial]:
        """Let a method search until it ends or its share of the budget is used up.

        A search that has once ended, ends again after the same trials: what a larger budget, or
        the first one, pays for is what follows.

        Args:
            search: The method, waiting for the function that it tells of every trial.
            watch: What that function does.

        Returns:
            The trials that have ended.

        Raises:
            BudgetError: If not even the baseline's trial has ended, or not all trials that an
                earlier start ended in time can be gone through again.
        """
        told: list[Trial] = []
        before = self._struck_after()

        def watching(trial: Trial) -> None:
            if before is None or trial.number in before:
                told.append(trial)
                watch(trial)
            if before is not None:
                self._end_as_before({trial.number for trial in told}, before)

        try:
            trials, struck = search(watching), False
        except BudgetError:
            trials, struck = sorted(told, key=lambda trial: trial.number), True
            # An earlier start may have had all trials: what an outage hit there is measured again.
            whole = self.ended and before is None
            if not trials or trials[0].number or whole:
                raise
            spent = self.meter.shown if before is None else "as it did before"
            self.line(
                f"the budget ends the search after {len(told)} trial{'s' if len(told) > 1 else ''} "
                f"({spent}); the rest is for the finalists and the test"
            )
        self._keep(trials, struck=struck)
        self.meter.release()
        return trials

    def _struck_after(self) -> frozenset[int] | None:
        """Return the trials after which the budget has ended the search before, if it has."""
        if self.written is None or not self.written.struck:
            return None
        return frozenset(self.written.ended or ())

    def _end_as_before(self, told: set[int], before: frozenset[int]) -> None:
        """Send nothing for a trial that was missing then, and end with the last one that was not.

        Raises:
            BudgetError: If all are told.
        """
        gap = next(number for number in count() if number not in before)
        if told >= set(range(gap)):
            # For methods on which an error from here is lost as well.
            self.meter.end(ENDED)
        if told == before:
            raise BudgetError(ENDED)

    def _keep(self, trials: Sequence[Trial], *, struck: bool) -> None:
        """Write how the search ended, the first time."""
        if not self.ended:
            made = self.written or Written(
                budget=None, trials=self.search.trials, parallel=self.search.parallel
            )
            update = {"ended": tuple(trial.number for trial in trials), "struck": struck}
            self.write(made.model_copy(update=update))

    def write(self, written: Written) -> None:
        """Keep what the plan is from here on."""
        self.written = written
        write_whole(self.file, written.model_dump_json(indent=1) + "\n")


def make_plan(session: Session, *, after: After = lambda baseline: Amount()) -> Plan:
    """Measure the baseline on validation, and divide the budget by what that took.

    The search gets what is left when enough is kept for the finalists' fresh measurements and the
    test. Without a budget nothing is measured and nothing is limited; but what an earlier start
    planned is kept to, and a search that it has ended stays ended.

    Args:
        session: The run.
        after: Estimates from the baseline's episodes what follows the test, such as the held-out
            solvers' attempts.

    Raises:
        BudgetError: If the budget cannot pay for the baseline and what is kept; names the smallest
            one that makes sense.
        InputError: If an earlier start's plan cannot be read.
        RuntimeError: If the baseline cannot be scored.
    """
    config, meter = session.config, session.models.meter
    plan = Plan(config.search, meter, config.folder / "plan.json", session.reporter.line)
    plan.written = _read(plan.file)
    if not plan.ended:
        _divide(session, plan, after)
    if plan.written is not None:
        update = {"trials": plan.written.trials, "parallel": plan.written.parallel}
        plan.search = config.search.model_copy(update=update)
    return plan


def _divide(session: Session, plan: Plan, after: After) -> None:
    """Keep a reserve, plan trials for the rest, and tell the workers of it."""
    meter, reserve = session.models.meter, Amount()
    if meter.budget is not None:
        reserve = _divided(session, plan, meter.budget, after)
    elif plan.written is not None:
        plan.line(
            f"no budget: at most the episodes of {plan.written.trials} whole trials, as planned "
            f"with budget {plan.written.budget}"
        )
    meter.hold(reserve)
    announce(session.config.folder, meter, reserve)


def _divided(session: Session, plan: Plan, budget: Budget, after: After) -> Amount:
    """Plan the trials, unless an earlier start has with this budget; return what to keep back."""
    config, meter, splits = session.config, session.models.meter, session.split()
    baseline = _baseline(session)
    cost = episode_cost(config.models, baseline, together=config.at_once)
    follows = fresh_episodes(config.search.finalists, len(splits.validation))
    follows += 2 * config.test_repeats * len(splits.test)
    reserve = cost.times(follows).plus(after(baseline)).times(MARGIN)
    per_trial = cost.times(len(splits.validation))
    learning = cost.times(len(splits.train))
    check_affordable(budget, per_trial, learning, reserve)
    written = plan.written
    if written is None or written.budget != str(budget):
        left = remaining(budget, meter.spent.plus(reserve).plus(learning))
        explicit = "trials" in config.search.model_fields_set
        paid = affordable_trials(per_trial, left)
        planned = MOST if config.method in OPEN_ENDED else paid
        written = Written(
            budget=str(budget),
            trials=config.search.trials if explicit else planned,
            # What the budget cuts off is a small part of what it pays for.
            parallel=max(1, min(config.search.parallel, paid // WAVES)),
        )
        plan.write(written)
    plan.line(
        f"budget {budget}: at most the episodes of {written.trials} whole trials; about "
        f"{shown(budget, reserve)} are kept for the finalists and the test"
    )
    return reserve


def _baseline(session: Session) -> list[Episode]:
    """Measure the baseline on validation.

    Raises:
        RuntimeError: If it cannot be scored.
    """
    own, validation = Candidate.of(session.program), session.split().validation
    session.reporter.stage("baseline", len(validation))
    episodes = session.objective.episodes(own, validation, "validation")
    refuse_outage([Trial.ended(0, "baseline", own, {}, episodes)])
    return episodes


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
