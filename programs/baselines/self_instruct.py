"""Self-Instruct: tasks from tasks, without a document."""

from collections.abc import Sequence

from ...metrics import Gate
from ...metrics.similarity import Pool
from ..domains import RESEARCH, Domain
from ..program import DEFAULT_MODELS, Models, frozen, without_task
from ..reader import Reader
from ..records import Document, Episode, Outcome, Round
from ..role import ask
from ..settings import Settings
from .filters import ALIKE, instance_fault, instruction_fault
from .inventing import Filler, Inventor
from .seeds import Seed, drawn, instance, seeds_for
from .single_shot import SingleShot, dropped

SHOWN, OWN = 8, 2
"""Instructions shown at a time, and how many of them at most the program invented itself."""

# This is part of a prompt: speak to the model only.
DRESS = (
    "The document is an instruction with one instance of it. Keep what it asks for and turn it "
    "into a task of the form wanted, complete in itself."
)


class SelfInstruct(SingleShot):
    """Invent an instruction from others, make an instance of it, and dress it as a task.

    Wang et al. 2022 (arXiv 2212.10560): instructions are invented beside 8 others, classification
    gets its label before its input, and a new instruction is kept if its ROUGE-L to all others is
    below 0.7 and it passes filters of length and keywords. The seed tasks are our own and fewer
    (there: 175), one instruction is invented at a time, and the last step, which makes a task that
    solvers can be graded on, is added.

    The document only gives a name to the sampling; its text is not used. What was kept is shown and
    compared with later on, so that episodes must be run in order.
    """

    sequential = True

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        *,
        tries: int = 1,
        seeds: Sequence[Seed] | None = None,
        alike: float = ALIKE,
    ) -> None:
        """Make a program.

        Args:
            models: A language model for each role.
            domain: Prompts, rules and roles.
            gate: Only kept, so that all programs are made alike.
            settings: Numbers of the loop, of which `tokens` counts here.
            tries: Tasks tried per document until one is kept, 1 or more.
            seeds: Tasks to start from; by default those packaged for the domain.
            alike: ROUGE-L to a known instruction from which one is not new; above 0, at most 1.

        Raises:
            ValueError: If a number is out of range, or there are no seeds for the domain.
        """
        super().__init__(models, domain, gate, settings, tries=tries)
        if not 0 < alike <= 1:
            raise ValueError(f"alike={alike}: must be above 0 and at most 1, such as 0.7")
        self.alike = alike
        self.seeds = seeds_for(domain, seeds)
        # A reader that asks a model would be paid for a text that nobody looks at.
        self.reader = frozen(Reader(models.reader))
        self.inventor = Inventor(models.challenger)
        self.filler = Filler(models.challenger)
        self._pool = Pool(seed.instruction for seed in self.seeds)
        self._invented: list[str] = []

    def recall(self, episode: Episode) -> None:
        """Put the instruction of an episode's task into the pool, if it was kept."""
        if episode.accepted is not None:
            self._remember(episode.accepted)

    async def _round(self, number: int, document: Document, material: str) -> Round:
        """Try once, and put the instruction of a task that is kept into the pool."""
        one = await super()._round(number, document, material)
        if one.outcome is Outcome.ACCEPTED:
            self._remember(one)
        return one

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Invent, filter, make an instance, filter, and dress it."""
        invented = await ask(self.inventor, known=self._shown(document))
        if invented.failure is not None:
            return without_task(number, "", invented.failure)
        instruction = " ".join(invented.prediction.instruction.split())
        one = Round(number=number, brief=instruction, outcome=Outcome.UNSCORED)
        if fault := instruction_fault(instruction, self._pool, self.alike):
            return dropped(one, fault)
        filled = await ask(self.filler, instruction=instruction)
        if filled.failure is not None:
            return without_task(number, instruction, filled.failure)
        given, result = filled.prediction.given, filled.prediction.result
        if fault := instance_fault(given, result):
            return dropped(one, fault)
        written = await self._written(number, instance(instruction, given, result), DRESS)
        # The brief is the same for all; the instruction is what the pool is refilled from.
        return self._well_formed(written.model_copy(update={"brief": instruction}))

    def _shown(self, document: Document) -> list[str]:
        """Draw the instructions to invent beside: mostly seeds, some of the program's own."""
        draw = drawn(document)
        own = draw.sample(self._invented, min(OWN, len(self._invented)))
        known = [seed.instruction for seed in self.seeds]
        shown = [*own, *draw.sample(known, min(SHOWN - len(own), len(known)))]
        draw.shuffle(shown)
        return shown

    def _remember(self, kept: Round) -> None:
        self._pool.add(kept.brief)
        self._invented.append(kept.brief)
