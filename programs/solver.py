"""The solvers: weak and strong, the same prompt, different models."""

import dspy

from .records import AnswerTask, AnyTask
from .role import Role, ask
from .usage import sample


# The docstring below is a prompt: speak to the model only.
class SolveTask(dspy.Signature):
    """Answer the question. Reason it through, decide, and say what your answer rests on."""

    context: str = dspy.InputField(desc="what you need to know to understand the question")
    question: str = dspy.InputField(desc="the question")
    answer: str = dspy.OutputField(desc="your complete answer")


_TWO_AND_TWO = AnswerTask(
    question_type="arithmetic",
    skills=["addition"],
    topic="none",
    answer_type="set",
    question="What is 2+2? Answer with the number alone.",
    reference="4",
)


class Solver(Role):
    """Answer a task from its context and question alone."""

    def __init__(
        self, name: str, lm: dspy.LM | None = None, solve: type[dspy.Signature] = SolveTask
    ) -> None:
        super().__init__(name, lm)
        self.solve = dspy.Predict(solve)
        self._inputs = tuple(solve.input_fields)

    async def aforward(self, task: AnyTask) -> dspy.Prediction:
        """Return a prediction with `answer`."""
        given = {"context": task.context, "question": task.question}
        wanted = {name: given[name] for name in self._inputs}
        return await self.speak(self.solve, **wanted)

    async def alive(self) -> bool:
        """Tell whether the model answers the simplest question there is."""
        with sample("probe"):
            reply = await ask(self, task=_TWO_AND_TWO)
        return reply.failure is None and bool(reply.prediction.answer.strip())
