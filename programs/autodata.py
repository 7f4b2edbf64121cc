"""The inner loop: tries tasks on a document until one separates the weak from the strong solver.

The controller is code that no prompt can reach; roles only fill in the content (paper, section 2).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import dspy
from pydantic import NonNegativeInt, PositiveInt

from ..metrics import Gate, Verdict, decide, decide_without, faults, grade
from . import background
from .challenger import Challenger
from .domains import RESEARCH, Domain
from .judge import Judge
from .orchestrator import Orchestrator, describe_failures
from .records import Attempt, Document, Episode, Failure, Outcome, Record, Round, Task
from .role import Reply, Role, ask
from .solver import Solver
from .usage import Ledger, observing, sample
from .verifier import QualityVerifier

ROLES = ("orchestrator", "challenger", "verifier", "weak", "strong", "judge")
"""Names of the roles, in the order in which they speak."""


class Settings(Record):
    """Numbers that steer the loop. They decide what is paid for, never what counts as good."""

    rounds: PositiveInt = 12
    """Tasks tried per document, at most."""
    tokens: PositiveInt | None = None
    """Start no further round once an episode has used this many tokens; no limit if absent."""
    weak_attempts: PositiveInt = 3
    """Answers of the weak solver per task."""
    strong_attempts: PositiveInt = 3
    """Answers of the strong solver per task."""
    race: bool = True
    """Skip attempts that cannot change the verdict. Without it every attempt is made."""
    in_flight: PositiveInt = 1
    """Attempts of one solver under way at a time. 1 pays least; more ends a document sooner."""
    memory: NonNegativeInt = 0
    """Failed rounds that the orchestrator and the challenger are shown; 0 shows all."""


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
        return await self._contest(tried, task)

    async def _contest(self, tried: Round, task: Task) -> Round:
        """Let both solvers try, weak first, and decide."""
        plan = self.settings
        weak = await self._attempts(
            self.weak, plan.weak_attempts, task, lambda done: self._certain(done, ())
        )
        strong: list[Attempt] = []
        open_still = all(a.failure is None for a in weak) and self._certain(weak, ()) is None
        if open_still or not plan.race:
            strong = await self._attempts(
                self.strong, plan.strong_attempts, task, lambda done: self._certain(weak, done)
            )
        return self._decided(tried, weak, strong)

    def _certain(self, weak: Sequence[Attempt], strong: Sequence[Attempt]) -> Verdict | None:
        """Return the verdict if no attempt that is missing or unscored could change it."""
        weak_grades, strong_grades = _grades(weak), _grades(strong)
        verdict = decide(
            self.gate,
            weak_grades,
            strong_grades,
            weak_left=self.settings.weak_attempts - len(weak_grades),
            strong_left=self.settings.strong_attempts - len(strong_grades),
        )
        return verdict if verdict.misses else None

    def _decided(self, tried: Round, weak: list[Attempt], strong: list[Attempt]) -> Round:
        """Close a round: rejected for certain, unscored, or judged on all attempts."""
        found: dict[str, Any] = {"weak": tuple(weak), "strong": tuple(strong)}
        verdict = self._certain(weak, strong)
        failure = next((a.failure for a in (*weak, *strong) if a.failure is not None), None)
        if verdict is None and failure is not None:
            return tried.model_copy(update={**found, "failure": failure})
        if verdict is None:
            verdict = decide_without(
                self.gate,
                _grades(weak),
                _grades(strong),
                [a.truncated for a in weak],
                [a.truncated for a in strong],
            )
        outcome = Outcome.ACCEPTED if verdict.group is None else Outcome(verdict.group.value)
        return tried.model_copy(
            update={**found, "outcome": outcome, "reason": verdict.reason, "misses": verdict.misses}
        )

    async def _attempts(
        self,
        solver: Solver,
        planned: int,
        task: Task,
        certain: Callable[[Sequence[Attempt]], Verdict | None],
    ) -> list[Attempt]:
        """Make a solver's attempts, in order, until the verdict is certain.

        Only attempts up to the one that decided are kept, whatever else had already finished, so
        that the result does not depend on timing; what is still under way is cancelled.
        """
        ahead = self.settings.in_flight if self.settings.race else planned
        waiting: deque[asyncio.Task[Attempt]] = deque()
        done: list[Attempt] = []
        numbers = iter(range(1, planned + 1))
        try:
            while len(done) < planned:
                while len(waiting) < ahead and (number := next(numbers, None)) is not None:
                    waiting.append(asyncio.create_task(self._attempt(solver, number, task)))
                done.append(_unlike(solver, await waiting[0], done))
                waiting.popleft()
                if self.settings.race and (done[-1].failure is not None or certain(done)):
                    break
            return done
        finally:
            for task_ in waiting:
                task_.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _attempt(self, solver: Solver, number: int, task: Task) -> Attempt:
        """Answer and judge once. An empty answer is asked for once more before it is a failure."""
        with sample(f"{solver.name}-{number}"):
            reply = await ask(solver, task=task)
            if _empty(reply):
                with sample("again"):
                    reply = await ask(solver, task=task)
            if reply.truncated:
                answer = reply.prediction.answer if reply.prediction is not None else ""
                return Attempt(answer=answer, grade=Fraction(0), truncated=True)
            if _empty(reply):
                message = "the answer was empty twice; raise max_tokens or look at the endpoint"
                reply = Reply(None, Failure(role=solver.name, kind="empty", message=message), False)
            if reply.failure is not None:
                return Attempt(answer="", failure=reply.failure)
            return await self._graded(task, reply.prediction.answer)

    async def _graded(self, task: Task, answer: str) -> Attempt:
        """Let the judge decide criterion by criterion and compute the grade from that."""
        verdicts = await ask(self.judge, task=task, answer=answer)
        if verdicts.failure is not None:
            return Attempt(answer=answer, failure=verdicts.failure)
        satisfied = verdicts.prediction.satisfied
        return Attempt(answer=answer, grade=grade(task.rubric, satisfied), satisfied=satisfied)


def _frozen(role: Any) -> Any:
    """Hide a role's predictors from optimizers (`named_predictors` skips compiled modules)."""
    role._compiled = True
    return role


def _grades(attempts: Iterable[Attempt]) -> list[Fraction]:
    return [attempt.grade for attempt in attempts if attempt.grade is not None]


def _empty(reply: Reply) -> bool:
    if reply.failure is not None:
        return reply.failure.kind == "empty"
    return not reply.truncated and not str(reply.prediction.answer).strip()


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


def _unlike(solver: Role, attempt: Attempt, before: Sequence[Attempt]) -> Attempt:
    """Refuse an attempt that repeats an earlier one word for word: it is no independent sample."""
    long = len(attempt.answer) >= 200
    if long and any(attempt.answer == other.answer for other in before):
        message = "two attempts are identical; check that the endpoint samples (temperature, seed)"
        return attempt.model_copy(
            update={
                "grade": None,
                "failure": Failure(role=solver.name, kind="duplicate", message=message),
            }
        )
    return attempt


def _unscored(rounds: Sequence[Round]) -> Failure | None:
    """Return a failure if not one round of the episode says anything about its task."""
    if rounds and all(one.outcome is Outcome.UNSCORED for one in rounds):
        return rounds[-1].failure
    return None
