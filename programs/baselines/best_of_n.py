"""Best of N: what the loop's calls buy if nothing is learned from the tasks that failed."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ...metrics import Gate
from ..domains import RESEARCH, Domain
from ..program import DEFAULT_MODELS, Ended, Models, open_round, unscored
from ..records import Document, Outcome, Round
from ..settings import Settings
from ..usage import Ledger, sample
from .cot import Planned
from .seeds import Seed


class BestOfN(Planned):
    """Write tasks as CoT Self-Instruct does, all on their own, and keep the best of a budget.

    Not in the paper. Every task is written as if it were the first, is checked and tried as in the
    loop, under the same gate; of those that are accepted the one with the largest gap is kept. Its
    round comes last in the episode, with the number that it had, because the last round is the one
    that an episode is known by.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        *,
        seeds: Sequence[Seed] | None = None,
        calls: int | Mapping[str, int] | None = None,
    ) -> None:
        """Make a program.

        Args:
            models: A language model for each role.
            domain: Prompts, rules and roles.
            gate: Accepts a task from its grades; by default the domain's.
            settings: Numbers of the loop.
            seeds: Example tasks; by default those packaged for the domain.
            calls: Model calls per document, the reader's included: no task is begun once they are
                made. One number, or those that the loop made, by document id. Without it as many
                tasks are tried as the loop may have rounds.

        Raises:
            ValueError: If there are no seeds for the domain.
        """
        super().__init__(models, domain, gate, settings, seeds=seeds)
        self.calls = calls

    async def _rounds(self, document: Document, material: str, ledger: Ledger) -> Ended:
        """Try until the budget is spent, and keep the best."""
        budget = self._budget(document)
        rounds: list[Round] = []
        while not self._enough(budget, len(rounds), ledger):
            number = len(rounds) + 1
            with sample(f"round-{number}"):
                one = await self._tried(number, document, material)
                if one.task is not None and open_round(one):
                    # No task knows of another, so neither may whoever judges it.
                    one = await self._decided(material, one, one.task, ())
            rounds.append(one)
            if one.failure is not None and one.failure.kind == "infrastructure":
                return Ended(rounds, "failure", one.failure)
        best = max(
            (one for one in rounds if one.outcome is Outcome.ACCEPTED), key=_gap, default=None
        )
        if best is None:
            return Ended(rounds, "tokens" if self._spent(ledger) else "rounds", unscored(rounds))
        return Ended([*(one for one in rounds if one is not best), best], "accepted")

    def _budget(self, document: Document) -> int | None:
        if self.calls is None or isinstance(self.calls, int):
            return self.calls
        if document.id not in self.calls:
            raise ValueError(
                f"document {document.id!r:.60}: `calls` has no budget for it; run the loop on it "
                "first, or give one number for all"
            )
        return self.calls[document.id]

    def _enough(self, budget: int | None, tried: int, ledger: Ledger) -> bool:
        if self._spent(ledger):
            return True
        if budget is None:
            return tried >= self.settings.rounds
        return ledger.total.calls >= budget


def _gap(one: Round) -> Fraction:
    return Fraction(-1) if one.gap is None else one.gap
