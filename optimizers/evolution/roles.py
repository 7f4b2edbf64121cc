"""Analyzer and implementer: one finds why tasks fail, the other edits what wrote them."""

from typing import Any

import dspy
from pydantic import BaseModel, ConfigDict, Field

from ...programs.role import Role

_CLOSED = ConfigDict(frozen=True, extra="forbid")


# The descriptions below are shown to the model: speak to the model only.
class Rewrite(BaseModel):
    """A new instruction for one predictor."""

    model_config = _CLOSED

    predictor: str = Field(description="name of the predictor, as given")
    instruction: str = Field(description="its whole new instruction")


class Edit(BaseModel):
    """A change of the program. What is not named stays as it is."""

    model_config = _CLOSED

    summary: str = Field(description="what changes and why, in one or two sentences")
    instructions: list[Rewrite] = Field(
        max_length=40, description="one entry for each predictor whose instruction changes"
    )
    temperature: float | None = Field(
        default=None, description="new sampling temperature of the writer; null keeps it"
    )
    memory: int | None = Field(
        default=None, description="new number of failed rounds to show; null keeps it"
    )


class AnalyzeExchanges(dspy.Signature):
    """Find out why a program that writes tasks fails, from records of its work.

    The program reads a document, briefs a writer, has a task written and checked, and lets a weak
    and a strong solver try it several times. A task is accepted only if the strong solver does well
    and clearly better than the weak one. The records show every round with its brief, its task, the
    solvers' attempts with their grades, and the reason of the verdict.

    Read the attempts and not only the grades. Look for causes that show on several documents rather
    than for the bad luck of one: what accepted tasks have in common, what the weak solver could
    answer without having understood, where the strong solver went astray, which criteria told the
    two apart and which did not, and which rounds were lost to form. Then say which part of the
    instructions or settings allows or provokes each cause. The history tells what was tried and how
    it ended; do not recommend again what has not helped.
    """

    exchanges: str = dspy.InputField(desc="records of the program's work on several documents")
    program: str = dspy.InputField(desc="JSON with its present instructions and settings")
    history: str = dspy.InputField(desc="earlier changes and their scores; empty at first")
    analysis: str = dspy.OutputField(
        desc="the causes by importance, each with the evidence for it and what it follows from"
    )


class ImplementChange(dspy.Signature):
    """Improve a program that writes tasks by editing its instructions and settings.

    The program is measured by how much better a strong solver does its tasks than a weak one, over
    all documents; a document without an accepted task counts nothing. You are given an analysis of
    its failures, its present instructions and settings, and the history of earlier changes with the
    scores before and after.

    Make one coherent change that removes the most important cause. Edit as many predictors as the
    change needs and leave the others alone. Rewrite an instruction as a whole and keep what works
    in it. Write rules that hold for any document: name no document, and quote none. Settings must
    stay within the bounds. Build on changes that raised the score, and do not repeat one that did
    not.
    """

    analysis: str = dspy.InputField(desc="why tasks failed")
    program: str = dspy.InputField(desc="JSON with the present instructions and settings")
    bounds: str = dspy.InputField(desc="JSON with the values that settings may take")
    history: str = dspy.InputField(desc="earlier changes and their scores; empty at first")
    edit: Edit = dspy.OutputField(desc="the change")


class Analyzer(Role):
    """Read whole exchanges and write a root-cause analysis of systematic failures."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("analyzer", lm)
        self.analyze = dspy.Predict(AnalyzeExchanges)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """Return a prediction with `analysis`."""
        return await self.speak(self.analyze, **inputs)


class Implementer(Role):
    """Turn an analysis into an edit."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("implementer", lm)
        self.implement = dspy.Predict(ImplementChange)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """Return a prediction with `edit`."""
        return await self.speak(self.implement, **inputs)
