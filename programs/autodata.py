"""The inner loop: tries tasks on a document until one separates the weak from the strong solver.

The controller is code that no prompt can reach; roles only fill in the content (paper, section 2).
"""

import asyncio
from collections.abc import Sequence

from ..metrics import Gate
from .challenger import Challenger
from .domains import RESEARCH, Domain
from .orchestrator import Orchestrator
from .program import DEFAULT_MODELS, Ended, Models, Program, open_round, unscored, without_task
from .records import Document, Outcome, Round
from .role import ask
from .settings import Settings
from .usage import Ledger, sample


class Autodata(Program):
    """Turn a document into a task that the strong solver solves and the weak one does not.

    `named_predictors()` shows what may be optimized: `orchestrator.plan`, `orchestrator.analyze`
    and `challenger.write`. The other roles are frozen.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(models, domain, gate, settings)
        self.orchestrator = Orchestrator(models.orchestrator, domain.plan, domain.analyze)
        self.challenger = Challenger(models.challenger, domain.write)

    async def _rounds(self, document: Document, material: str, ledger: Ledger) -> Ended:
        """Try tasks until one is accepted, a cap is reached or infrastructure fails."""
        rounds: list[Round] = []
        while len(rounds) < self.settings.rounds:
            if self.settings.tokens is not None and ledger.total.tokens >= self.settings.tokens:
                return Ended(rounds, "tokens", unscored(rounds))
            for draft in await self._drafts(material, rounds):
                with sample(f"round-{draft.number}"):
                    rounds.append(await self._closed(material, draft, rounds))
                last = rounds[-1]
                if last.outcome is Outcome.ACCEPTED:
                    return Ended(rounds, "accepted")
                if last.failure is not None and last.failure.kind == "infrastructure":
                    return Ended(rounds, "failure", last.failure)
        return Ended(rounds, "rounds", unscored(rounds))

    async def _drafts(self, material: str, before: Sequence[Round]) -> list[Round]:
        """Brief the challenger once, and have it write as many tasks as are wanted at once."""
        first, known = len(before) + 1, len(before)
        failures = self.domain.describe(before, memory=self.settings.memory)
        with sample(f"round-{first}"):
            plan = await ask(self.orchestrator, document=material, failures=failures)
        if plan.failure is not None:
            return [without_task(first, "", plan.failure, known)]
        lesson = plan.prediction.lesson if failures else ""
        last = min(known + self.settings.candidates, self.settings.rounds)
        angles = self.domain.angles or ("",)

        async def draft(number: int) -> Round:
            angle = angles[(number - 1) % len(angles)] if last > first else ""
            with sample(f"round-{number}"):
                written = await ask(
                    self.challenger,
                    document=material,
                    rules=self.domain.rules.describe(),
                    brief=plan.prediction.brief,
                    angle=angle,
                    failures=failures,
                )
            if written.failure is not None:
                return without_task(number, plan.prediction.brief, written.failure, known)
            return Round(
                number=number,
                known=known,
                lesson=lesson,
                brief=plan.prediction.brief,
                angle=angle,
                notes=written.prediction.notes,
                task=written.prediction.task,
                outcome=Outcome.UNSCORED,
            )

        return list(await asyncio.gather(*(draft(number) for number in range(first, last + 1))))

    async def _closed(self, material: str, draft: Round, before: Sequence[Round]) -> Round:
        """Check a draft, and only then let solvers at it, unless the verifier is to come last."""
        if draft.task is None:
            return draft
        late = self.settings.verify_last and "verifier" in self.domain.spoken
        if late and not self.domain.rules.faults(draft.task):
            closed = await self._decided(material, draft, draft.task, before)
            if closed.outcome is not Outcome.ACCEPTED:
                return closed
            checked = await self._checked(material, closed, draft.task)
            if checked.failure is None:
                return checked
            return checked.model_copy(update={"outcome": Outcome.UNSCORED})
        checked = await self._checked(material, draft, draft.task)
        if not open_round(checked):
            return checked
        return await self._decided(material, checked, draft.task, before)
