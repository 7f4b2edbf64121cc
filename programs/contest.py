"""Weak against strong on one task: attempts, grades, racing, and the gate's decision."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..metrics import Gate, Verdict, decide, decide_without
from .records import AnyTask, Attempt, Failure, Outcome, Round
from .role import Reply, Role, ask
from .settings import Settings
from .solver import Solver
from .usage import sample

if TYPE_CHECKING:
    from ..metrics.sequential import Early


@dataclass(frozen=True)
class Contest:
    """The solvers, the judge between them, and the rule that decides."""

    weak: Solver
    strong: Solver
    judge: Role
    gate: Gate
    settings: Settings
    probe: bool = False
    """An empty answer of a solver whose model is alive counts as wrong."""
    repeats: bool = False
    """Attempts may be the same word for word."""

    async def decide(self, tried: Round, task: AnyTask) -> Round:
        """Let both solvers try, weak first unless nothing can be decided early; close the round."""
        plan = self.settings
        if self.gate.open:
            return self._decided(tried, *await self._both(task))
        weak = await self._attempts(
            self.weak, plan.weak_attempts, task, lambda done: self._settled(done, ())
        )
        strong: list[Attempt] = []
        open_still = all(a.failure is None for a in weak) and not self._settled(weak, ())
        if open_still or not plan.race:
            strong = await self._attempts(
                self.strong, plan.strong_attempts, task, lambda done: self._settled(weak, done)
            )
        return self._decided(tried, weak, strong)

    async def _both(self, task: AnyTask) -> tuple[list[Attempt], list[Attempt]]:
        """Make every attempt of both solvers at once, as no grade can decide alone."""
        eager = replace(self, settings=self.settings.model_copy(update={"race": False}))
        plan = self.settings
        weak, strong = await asyncio.gather(
            eager._attempts(self.weak, plan.weak_attempts, task, lambda done: False),
            eager._attempts(self.strong, plan.strong_attempts, task, lambda done: False),
        )
        return weak, strong

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

    def _early(self, weak: Sequence[Attempt], strong: Sequence[Attempt]) -> "Early | None":
        """Return what a sequential test makes of the grades so far, where one is wanted."""
        plan = self.settings
        failed = any(a.failure is not None for a in (*weak, *strong))
        if plan.error is None or not plan.race or failed:
            return None
        # Imported here because numpy takes a while, and most runs never ask.
        from ..metrics.sequential import decide_early

        early = decide_early(
            self.gate,
            _grades(weak),
            _grades(strong),
            weak_left=plan.weak_attempts - len(weak),
            strong_left=plan.strong_attempts - len(strong),
            error=plan.error,
        )
        # A truncated answer is a zero that could make a gap: such a task gets all its attempts.
        hollow = any(a.hollow for a in (*weak, *strong))
        return None if early and early.verdict.accepted and hollow else early

    def _settled(self, weak: Sequence[Attempt], strong: Sequence[Attempt]) -> bool:
        """Tell whether no further attempt is needed."""
        return bool(self._certain(weak, strong) or self._early(weak, strong))

    def _decided(self, tried: Round, weak: list[Attempt], strong: list[Attempt]) -> Round:
        """Close a round: rejected for certain, unscored, or judged on all attempts."""
        found: dict[str, Any] = {"weak": tuple(weak), "strong": tuple(strong)}
        verdict = self._certain(weak, strong)
        failure = next((a.failure for a in (*weak, *strong) if a.failure is not None), None)
        if verdict is None and failure is not None:
            return tried.model_copy(update={**found, "failure": failure})
        early = None if verdict else self._early(weak, strong)
        if early is not None:
            verdict, found["sequential"] = early.verdict, self._told(early, weak, strong)
        if verdict is None:
            verdict = decide_without(
                self.gate,
                _grades(weak),
                _grades(strong),
                [a.hollow for a in weak],
                [a.hollow for a in strong],
            )
        outcome = Outcome.ACCEPTED if verdict.group is None else Outcome(verdict.group.value)
        reason = f"stopped by sequential test: {verdict.reason}" if early else verdict.reason
        found |= {"outcome": outcome, "misses": verdict.misses}
        return tried.model_copy(update={**found, "reason": "" if verdict.accepted else reason})

    def _told(self, early: "Early", weak: Sequence[Attempt], strong: Sequence[Attempt]) -> str:
        """Say how the attempts ended, and what was not asked."""
        plan, side = self.settings, "at least" if early.verdict.accepted else "below"
        return (
            f"stopped by sequential test (error {plan.error:g}): the chance that all attempts "
            f"would pass, {early.chance:.4f}, is {side} {early.limit:.4f}; not asked: "
            f"{plan.weak_attempts - len(weak)} weak, {plan.strong_attempts - len(strong)} strong"
        )

    async def _attempts(
        self,
        solver: Solver,
        planned: int,
        task: AnyTask,
        settled: Callable[[Sequence[Attempt]], bool],
    ) -> list[Attempt]:
        """Make a solver's attempts, in order, until no further one is needed.

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
                attempt = await waiting[0]
                done.append(attempt if self.repeats else _unlike(solver, attempt, done))
                waiting.popleft()
                if self.settings.race and (done[-1].failure is not None or settled(done)):
                    break
            return done
        finally:
            for task_ in waiting:
                task_.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _attempt(self, solver: Solver, number: int, task: AnyTask) -> Attempt:
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
                return await self._without_answer(solver)
            if reply.failure is not None:
                return Attempt(answer="", failure=reply.failure)
            return await self._graded(task, reply.prediction.answer)

    async def _without_answer(self, solver: Solver) -> Attempt:
        """Say what an answer is worth that was empty twice (paper, Fig. 15: the "2+2" probe)."""
        if not self.probe:
            message = "the answer was empty twice; raise max_tokens or look at the endpoint"
            return Attempt(
                answer="", failure=Failure(role=solver.name, kind="empty", message=message)
            )
        if await solver.alive():
            return Attempt(answer="", grade=Fraction(0), note="no answer, though the model is up")
        message = "no answer, not even to what 2+2 is; look at the endpoint and run again"
        return Attempt(
            answer="", failure=Failure(role=solver.name, kind="infrastructure", message=message)
        )

    async def _graded(self, task: AnyTask, answer: str) -> Attempt:
        """Have the answer graded."""
        reply = await ask(self.judge, task=task, answer=answer)
        if reply.failure is not None:
            return Attempt(answer=answer, failure=reply.failure)
        found = reply.prediction
        return Attempt(answer=answer, grade=found.grade, satisfied=found.satisfied, note=found.note)


def _grades(attempts: Iterable[Attempt]) -> list[Fraction]:
    return [attempt.grade for attempt in attempts if attempt.grade is not None]


def _empty(reply: Reply) -> bool:
    if reply.failure is not None:
        return reply.failure.kind == "empty"
    return not reply.truncated and not str(reply.prediction.answer).strip()


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
