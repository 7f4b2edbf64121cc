"""What the baselines share: a task is written, looked at once, and kept or dropped."""

from ...metrics import Gate
from ..challenger import Challenger
from ..domains import RESEARCH, Domain
from ..program import DEFAULT_MODELS, Ended, Models, Program, open_round, unscored, without_task
from ..records import Document, Outcome, Round
from ..role import ask
from ..settings import Settings
from ..usage import Ledger, sample


class SingleShot(Program):
    """Write a task without learning from any that failed. No gate decides whether it is kept.

    A task that is kept closes its round as accepted; one that a filter drops fails the quality
    check, with a reason that names the filter.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        *,
        tries: int = 1,
    ) -> None:
        """Make a program.

        Args:
            models: A language model for each role.
            domain: Prompts, rules and roles.
            gate: Only kept, so that all programs are made alike.
            settings: Numbers of the loop, of which `tokens` counts here.
            tries: Tasks tried per document until one is kept, 1 or more.

        Raises:
            ValueError: If `tries` is less than 1.
        """
        super().__init__(models, domain, gate, settings)
        if tries < 1:
            raise ValueError(f"tries={tries}: must be 1 or more; 1 is a single shot")
        self.tries = tries
        self.challenger = Challenger(models.challenger, domain.write)

    async def _rounds(self, document: Document, material: str, ledger: Ledger) -> Ended:
        """Try until a task is kept, as often as wanted."""
        rounds: list[Round] = []
        while len(rounds) < self.tries:
            if self._spent(ledger):
                return Ended(rounds, "tokens", unscored(rounds))
            rounds.append(await self._round(len(rounds) + 1, document, material))
            last = rounds[-1]
            if last.outcome is Outcome.ACCEPTED:
                return Ended(rounds, "accepted")
            if last.failure is not None and last.failure.kind == "infrastructure":
                return Ended(rounds, "failure", last.failure)
        return Ended(rounds, "rounds", unscored(rounds))

    async def _round(self, number: int, document: Document, material: str) -> Round:
        """Try once, as a sample of its own; a task that nobody objects to is kept."""
        with sample(f"round-{number}"):
            one = await self._tried(number, document, material)
        return one.model_copy(update={"outcome": Outcome.ACCEPTED}) if open_round(one) else one

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Write a task and look at it; the round stays open if the task is to be kept."""
        raise NotImplementedError(f"{type(self).__name__} must define _tried")

    async def _written(self, number: int, material: str, brief: str = "") -> Round:
        """Have the challenger write a task."""
        rules = self.domain.rules.describe()
        written = await ask(self.challenger, document=material, rules=rules, brief=brief)
        if written.failure is not None:
            return without_task(number, brief, written.failure)
        return Round(
            number=number,
            brief=brief,
            notes=written.prediction.notes,
            task=written.prediction.task,
            outcome=Outcome.UNSCORED,
        )

    def _well_formed(self, one: Round) -> Round:
        """Drop a task that breaks a rule in code: nobody could grade an answer to it."""
        wrong = [] if one.task is None else self.domain.rules.faults(one.task)
        return dropped(one, f"rules: {'; '.join(wrong)}") if wrong else one

    async def _verified(self, one: Round, material: str) -> Round:
        """Drop a task that does not pass the check that the loop makes as well."""
        return one if one.task is None else await self._checked(material, one, one.task)

    def _spent(self, ledger: Ledger) -> bool:
        limit = self.settings.tokens
        return limit is not None and ledger.total.tokens >= limit


def dropped(one: Round, reason: str) -> Round:
    """Close a round whose task a filter does not let pass."""
    return one.model_copy(update={"outcome": Outcome.FAILED_QUALITY_CHECK, "reason": reason})
