"""The smallest role: it answers a question, in text or with a verdict."""

from typing import Any

import dspy
from pydantic import BaseModel

from autodata.programs.role import Role


class Answer(dspy.Signature):
    """Answer the question."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


class Verdict(BaseModel):
    """One verdict."""

    satisfied: bool


class Judge(dspy.Signature):
    """Judge the question."""

    question: str = dspy.InputField()
    verdict: Verdict = dspy.OutputField()


class Answerer(Role):
    def __init__(self, lm: dspy.LM, signature: type[dspy.Signature] = Answer) -> None:
        super().__init__("weak", lm)
        self.predict = dspy.Predict(signature)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        return await self.speak(self.predict, **inputs)
