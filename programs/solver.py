"""The solvers: weak and strong, the same prompt, different models."""

import dspy

from .records import Task
from .role import Role


# The docstring below is a prompt: speak to the model only.
class SolveTask(dspy.Signature):
    """Answer the question. Reason it through, decide, and say what your answer rests on."""

    context: str = dspy.InputField(desc="what you need to know to understand the question")
    question: str = dspy.InputField(desc="the question")
    answer: str = dspy.OutputField(desc="your complete answer")


class Solver(Role):
    """Answer a task from its context and question alone."""

    def __init__(
        self, name: str, lm: dspy.LM | None = None, solve: type[dspy.Signature] = SolveTask
    ) -> None:
        super().__init__(name, lm)
        self.solve = dspy.Predict(solve)

    async def aforward(self, task: Task) -> dspy.Prediction:
        """Return a prediction with `answer`."""
        return await self.speak(self.solve, context=task.context, question=task.question)
