"""The inner loop: tries tasks on a document until one separates the weak from the strong solver.

The controller is code that no prompt can reach; roles only fill in the content (paper, section 2).
"""

import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import dspy

from ..metrics import Gate, faults
from . import background
from .challenger import Challenger
from .contest import Contest
from .domains import RESEARCH, Domain
from .judge import Judge
from .orchestrator import Orchestrator, describe_failures
from .records import Document, Episode, Failure, Outcome, Round, Task
from .role import ask
from .settings import Settings
from .solver import Solver
from .usage import Ledger, observing, sample
from .verifier import QualityVerifier

ROLES = ("orchestrator", "challenger", "verifier", "weak", "strong", "judge")
"""Names of the roles, in the order in which they speak."""


class Models(NamedTuple):
    """A language model for each role; `None` leaves the role to `dspy.settings.lm`."""

    orchestrator: dspy.LM | None = None
    challenger: dspy.LM | None = None
    verifier: dspy.LM | None = None
    weak: dspy.LM | None = None
    strong: dspy.LM | None = None
    judge: dspy.LM | None = None


DEFAULT_MODELS = Models()


class Autodata(dspy.Module):
    """Turn a document into a task that the strong solver solves and the weak one does not.

    `named_predictors()` shows what may be optimized: `orchestrator.plan`, `orchestrator.analyze`
    and `challenger.write`. The verifier, the solvers and the judge are frozen.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        self.domain = domain
        self.gate = gate or domain.gate
        self.settings = settings or Settings(
            rounds=domain.rounds,
            weak_attempts=domain.weak_attempts,
            strong_attempts=domain.strong_attempts,
        )
        self.orchestrator = Orchestrator(models.orchestrator, domain.plan, domain.analyze)
        self.challenger = Challenger(models.challenger, domain.write)
        self.verifier = _frozen(QualityVerifier(models.verifier, domain.check))
        self.weak = _frozen(Solver("weak", models.weak, domain.solve))
        self.strong = _frozen(Solver("strong", models.strong, domain.solve))
        self.judge = _frozen(Judge(models.judge, domain.grade))

    def optimizable(self) -> dict[str, Any]:
        """Return the predictors that may be changed, by name."""
        return dict(self.named_predictors())

    def forward(self, document: Document | str, rollout: str = "") -> dspy.Prediction:
        """Call the program from synchronous code; see `aforward`."""
        return background.run(self.aforward(document, rollout))

    async def aforward(self, document: Document | str, rollout: str = "") -> dspy.Prediction:
        """Run an episode on one document.

        Args:
            document: The text, or a `Document` with a name of its own.
            rollout: Name of the sample. The same name repeats the same calls (from the cache),
                another one asks every model afresh.

        Returns:
            A prediction with `episode`; `task`, the accepted task or `None`; and `score`: the gap
            of the accepted task in [-1, 1], 0 if there is none, `None` if it could not be scored.
        """
        if isinstance(document, str):
            document = Document(id="document", text=document)
        ledger, started = Ledger(), time.monotonic()
        with observing(ledger.add), sample(rollout or "0"):
            rounds, stopped, failure = await self._rounds(document, ledger)
        episode = Episode(
            document_id=document.id,
            rounds=tuple(rounds),
            stopped=stopped,
            usage=ledger.total,
            roles=ledger.roles,
            seconds=round(time.monotonic() - started, 3),
            failure=failure,
        )
        accepted = episode.accepted
        return dspy.Prediction(
            episode=episode, task=accepted.task if accepted else None, score=episode.score
        )

    async def _rounds(
        self, document: Document, ledger: Ledger
    ) -> tuple[list[Round], Literal["accepted", "rounds", "tokens", "failure"], Failure | None]:
        """Try tasks until one is accepted, a cap is reached or infrastructure fails."""
        rounds: list[Round] = []
        for number in range(1, self.settings.rounds + 1):
            if self.settings.tokens is not None and ledger.total.tokens >= self.settings.tokens:
                return rounds, "tokens", _unscored(rounds)
            with sample(f"round-{number}"):
                rounds.append(await self._round(document, number, rounds))
            last = rounds[-1]
            if last.outcome is Outcome.ACCEPTED:
                return rounds, "accepted", None
            if last.failure is not None and last.failure.kind == "infrastructure":
                return rounds, "failure", last.failure
        return rounds, "rounds", _unscored(rounds)

    async def _round(self, document: Document, number: int, before: Sequence[Round]) -> Round:
        """Try one task."""
        failures = describe_failures(before, memory=self.settings.memory)
        plan = await ask(self.orchestrator, document=document.text, failures=failures)
        if plan.failure is not None:
            return _no_task(number, "", plan.failure)
        brief = plan.prediction.brief
        written = await ask(
            self.challenger,
            document=document.text,
            rubric_rules=self.domain.rubric_rules.describe(),
            brief=brief,
            failures=failures,
        )
        if written.failure is not None:
            return _no_task(number, brief, written.failure)
        tried = Round(
            number=number,
            lesson=plan.prediction.lesson if failures else "",
            brief=brief,
            notes=written.prediction.notes,
            task=written.prediction.task,
            outcome=Outcome.UNSCORED,
        )
        return await self._checked(document, tried, written.prediction.task)

    async def _checked(self, document: Document, tried: Round, task: Task) -> Round:
        """Check the rubric in code, the task by the verifier, and only then let solvers at it."""
        wrong = faults(task.rubric, self.domain.rubric_rules)
        if not wrong:
            report = await ask(self.verifier, document=document.text, task=task)
            if report.failure is not None:
                return tried.model_copy(update={"failure": report.failure})
            verdicts = report.prediction.report
            wrong = verdicts.faults()
            if wrong and verdicts.feedback:
                wrong = [*wrong, verdicts.feedback]
        if wrong:
            return tried.model_copy(
                update={"outcome": Outcome.FAILED_QUALITY_CHECK, "reason": "; ".join(wrong)}
            )
        contest = Contest(self.weak, self.strong, self.judge, self.gate, self.settings)
        return await contest.decide(tried, task)


def _frozen(role: Any) -> Any:
    """Hide a role's predictors from optimizers (`named_predictors` skips compiled modules)."""
    role._compiled = True
    return role


def _no_task(number: int, brief: str, failure: Failure) -> Round:
    """Close a round without a task. Unreadable output is the writer's fault, an outage is not."""
    blamed = failure.kind != "infrastructure"
    return Round(
        number=number,
        brief=brief,
        outcome=Outcome.FAILED_QUALITY_CHECK if blamed else Outcome.UNSCORED,
        reason=str(failure) if blamed else "",
        failure=failure,
    )


def _unscored(rounds: Sequence[Round]) -> Failure | None:
    """Return a failure if not one round of the episode says anything about its task."""
    if rounds and all(one.outcome is Outcome.UNSCORED for one in rounds):
        return rounds[-1].failure
    return None
