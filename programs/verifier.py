"""The quality verifier: refuses unsound tasks before a solver is paid for."""

from typing import Any, Literal

import dspy
from pydantic import BaseModel, ConfigDict, Field

from .records import Task
from .role import Role


class QualityReport(BaseModel):
    """Verdicts of the quality check. The task passes if every one of them is the good one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leakage: Literal["NO_LEAKAGE", "LEAKS_ANSWER"] = Field(
        description="LEAKS_ANSWER if context and question let a reader put the answer together"
    )
    question: Literal["GOOD", "TOO_EASY", "RECALL"] = Field(
        description="GOOD only for a single focused question that needs reasoning"
    )
    rubric_issues: list[str] = Field(
        max_length=40,
        description="every unsound criterion and why, one sentence each; empty if none",
    )
    question_type: Literal["CONSISTENT", "INCONSISTENT"] = Field(
        description="whether the stated question type fits the question"
    )
    feedback: str = Field(description="what the writer should change, in one or two sentences")

    def faults(self) -> list[str]:
        """Return what is wrong, one phrase each; empty if the task passes."""
        found = [self.leakage] if self.leakage != "NO_LEAKAGE" else []
        found += [self.question] if self.question != "GOOD" else []
        found += [f"rubric: {issue}" for issue in self.rubric_issues]
        found += ["question type does not fit"] if self.question_type != "CONSISTENT" else []
        return found


# The docstring below is a prompt: speak to the model only.
class CheckTask(dspy.Signature):
    """Check a question that was written from a document, before anybody is asked to solve it.

    Leakage: could a careful reader put the answer together from context and question alone? Naming
    a method or a system of the document is no leak; giving away the finding is.

    Question: is it one focused question that asks what would happen, what to decide or why two
    facts agree, or does it ask to look something up, to list or to summarize?

    Rubric: be strict. Every positive criterion must demand reasoning beyond what the context says;
    every negative one must name a concrete error of reasoning; none may judge format or style.

    Question type: does it describe what the question asks for?
    """

    document: str = dspy.InputField(desc="the text that the question was written from")
    question_type: str = dspy.InputField(desc="the kind of reasoning that the writer says it needs")
    context: str = dspy.InputField(desc="what the reader is told before the question")
    question: str = dspy.InputField(desc="the question")
    criteria: list[str] = dspy.InputField(desc="the rubric: weight and criterion")
    report: QualityReport = dspy.OutputField(desc="the verdicts")


class QualityVerifier(Role):
    """Check a task against its document. It does not see the reference answer."""

    def __init__(self, lm: dspy.LM | None = None, check: type[dspy.Signature] = CheckTask) -> None:
        super().__init__("verifier", lm)
        self.check = dspy.Predict(check)

    async def aforward(self, document: str, task: Task) -> dspy.Prediction:
        """Return a prediction with `report`, and `faults`: what is wrong, empty if nothing is."""
        said = await self.speak(
            self.check,
            document=document,
            question_type=task.question_type,
            context=task.context,
            question=task.question,
            criteria=[f"{c.weight:+d}: {c.criterion}" for c in task.rubric],
        )
        wrong = said.report.faults()
        if wrong and said.report.feedback:
            wrong = [*wrong, said.report.feedback]
        return dspy.Prediction(report=said.report, faults=wrong)


class Unchecked(Role):
    """Let every task pass, in domains in which something later looks at it."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("verifier", lm)

    async def aforward(self, document: str, task: Any) -> dspy.Prediction:
        """Return a prediction without `faults`."""
        return dspy.Prediction(faults=[])
