"""CoT Self-Instruct: think first about seed tasks and a document, then write."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import dspy

from ...metrics import Gate, exact
from ..domains import RESEARCH, Domain
from ..program import DEFAULT_MODELS, Models, open_round, without_task
from ..records import AnswerTask, Document, Episode, ProgramTask, Round
from ..role import Role, ask
from ..settings import Settings
from .samples import strong_samples
from .seeds import Seed, drawn, instance, seeds_for
from .single_shot import SingleShot, dropped

SHOWN = 4
"""Seed tasks that a plan starts from."""


# The docstring below is a prompt: speak to the model only.
class PlanFromExamples(dspy.Signature):
    """Plan a new task for a writer, from example tasks and a document.

    Work in three steps. First say what the examples have in common: what they ask of whoever does
    them, how long they take, how they are put. Then find matter in the document for a new task of
    their kind and standard that copies none of them. Last tell the writer the plan: the matter, the
    demand, the steps that lead to the answer, and how to tell a good answer from a poor one. Leave
    the writing of the task to the writer.
    """

    document: str = dspy.InputField(desc="the text that the task must be grounded in")
    examples: list[str] = dspy.InputField(desc="tasks that people wrote, on other matters")
    common: str = dspy.OutputField(desc="what the examples have in common")
    brief: str = dspy.OutputField(desc="the plan, as instructions to the writer, in 150 words")


class Planner(Role):
    """Plan one task. It speaks with the orchestrator's model."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("orchestrator", lm)
        self.plan = dspy.Predict(PlanFromExamples)

    async def aforward(self, document: str, examples: list[str]) -> dspy.Prediction:
        """Return a prediction with `common` and `brief`."""
        return await self.speak(self.plan, document=document, examples=examples)


class Planned(SingleShot):
    """Plan from seed tasks and the document, write, and check as the loop does."""

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        *,
        tries: int = 1,
        seeds: Sequence[Seed] | None = None,
    ) -> None:
        super().__init__(models, domain, gate, settings, tries=tries)
        self.seeds = seeds_for(domain, seeds)
        self.planner = Planner(models.orchestrator)

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Plan, write, and check by code and by the verifier."""
        few = drawn(document).sample(self.seeds, min(SHOWN, len(self.seeds)))
        examples = [instance(seed.instruction, seed.input, seed.output) for seed in few]
        plan = await ask(self.planner, document=material, examples=examples)
        if plan.failure is not None:
            return without_task(number, "", plan.failure)
        one = await self._written(number, material, plan.prediction.brief)
        return await self._verified(one, material)


class CoT(Planned):
    """Plan from seed tasks and the document, write, check, and filter by answers.

    CoT-Self-Instruct (Yu et al. 2025, arXiv 2507.23751). Tasks with a checkable answer pass its
    Answer-Consistency filter: more than half of some answers of the strong solver must agree with
    the reference, where that paper compares the reference with the most frequent answer. Others
    are graded by the judge and filtered by the lowest grade, after Rejecting Instruction
    Preferences (RIP, Yu et al. 2025, arXiv 2501.18578), which has a reward model in its place and
    two filters besides that are left out. The answers are kept in the round's `strong`.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        *,
        tries: int = 1,
        seeds: Sequence[Seed] | None = None,
        samples: int = 4,
        quantile: float = 0.25,
    ) -> None:
        """Make a program.

        Args:
            models: A language model for each role.
            domain: Prompts, rules and roles.
            gate: Only kept, so that all programs are made alike.
            settings: Numbers of the loop, of which `tokens` counts here.
            tries: Tasks tried per document until one is kept, 1 or more.
            seeds: Example tasks; by default those packaged for the domain.
            samples: Answers of the strong solver that a filter looks at, 1 or more.
            quantile: Of the lowest grades, below which `select` drops tasks; at least 0, below 1.

        Raises:
            ValueError: If a number is out of range, or there are no seeds for the domain.
        """
        super().__init__(models, domain, gate, settings, tries=tries, seeds=seeds)
        if samples < 1:
            raise ValueError(f"samples={samples}: a filter needs answers; use 1 or more")
        if not 0 <= quantile < 1:
            raise ValueError(
                f"quantile={quantile}: must be at least 0 and below 1; 0.25 drops a quarter"
            )
        self.samples, self.quantile = samples, exact(str(quantile))

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Plan, write, check, and let the strong solver answer."""
        one = await super()._tried(number, document, material)
        if one.task is None or not open_round(one):
            return one
        answers = await strong_samples(self, one.task, self.samples)
        one = one.model_copy(update={"strong": tuple(answers)})
        if _checkable(one.task):
            return _consistent(one, self.samples)
        failure = next((a.failure for a in answers if a.failure is not None), None)
        return one.model_copy(update={"failure": failure})

    def select(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Drop the tasks whose lowest grade is below a quantile of the lowest grades of all.

        Tasks with a checkable answer have had their filter and stay. The answer has all episodes,
        in their order; those of dropped tasks have no accepted round. Selecting again changes
        nothing.
        """
        lowest = [_lowest(episode) for episode in episodes]
        ranked = sorted(low for low in lowest if low is not None)
        if not ranked:
            return list(episodes)
        cut = ranked[int(self.quantile * len(ranked))]
        return [
            _unworthy(episode, low, cut, len(ranked)) if low is not None and low < cut else episode
            for episode, low in zip(episodes, lowest, strict=True)
        ]


def _checkable(task: Any) -> bool:
    return isinstance(task, AnswerTask | ProgramTask)


def _consistent(one: Round, samples: int) -> Round:
    """Drop a task whose reference most answers do not agree with."""
    right, unknown = one.grades("strong").count(Fraction(1)), samples - len(one.grades("strong"))
    if 2 * right > samples:
        return one
    if 2 * (right + unknown) > samples:
        failure = next(a.failure for a in one.strong if a.failure is not None)
        return one.model_copy(update={"failure": failure})
    reason = (
        f"answer-consistency filter: {right} of {samples} answers agree with the reference, at "
        f"least {samples // 2 + 1} must"
    )
    return dropped(one, reason)


def _lowest(episode: Episode) -> Fraction | None:
    """Return the lowest grade of the answers that the filter looked at, if there are any."""
    last = episode.rounds[-1] if episode.rounds else None
    if last is None or last.failure is not None or _checkable(last.task):
        return None
    return min(last.grades("strong"), default=None)


def _unworthy(episode: Episode, low: Fraction, cut: Fraction, among: int) -> Episode:
    reason = (
        f"RIP filter: the lowest grade is {float(low):.3f}, at least {float(cut):.3f} is wanted "
        f"beside the {among} tasks of the run"
    )
    last = dropped(episode.rounds[-1], reason)
    return episode.model_copy(update={"rounds": (*episode.rounds[:-1], last), "stopped": "rounds"})
