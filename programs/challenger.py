"""The challenger: writes a task from a document and a brief."""

import dspy

from .records import Task
from .role import Role


# The docstring below is a prompt, and the text an optimizer rewrites: speak to the model only.
class WriteTask(dspy.Signature):
    """Write one exam question that the document makes possible, with its answer and its rubric.

    Read the whole document first. Then write, in this order:

    Notes. List the main ideas of the answer you have in mind, and how an answer that understands
    differs from one that only sounds right.

    Context. Tell the reader the area, the problem and why it is hard, so that the question can be
    understood without the document.

    Question. Ask for reasoning and not for recall: predict an outcome, decide under constraints,
    weigh several factors that interact, resolve an apparent contradiction. Do not ask to explain
    why something works or how it fails; such questions are too easy.

    Reference. Answer as an expert would.

    Rubric. Each criterion states one thing that an answer does, and can be judged true or false by
    someone who sees only the answer. A positive criterion rewards a step of the reasoning; a
    negative one names an error of reasoning and never a matter of style. Weights are whole numbers
    between 1 and 10, with a minus sign for negative criteria.

    If there were failures before, write an entirely new question from another angle and not a
    rewording.
    """

    document: str = dspy.InputField(desc="the text that the question must be grounded in")
    rules: str = dspy.InputField(desc="what every rubric must fulfil")
    brief: str = dspy.InputField(desc="what to try this time; may be empty")
    failures: str = dspy.InputField(desc="questions that failed before, by group; may be empty")
    notes: str = dspy.OutputField(desc="a scratchpad that nobody else reads")
    task: Task = dspy.OutputField(desc="the finished task")


class Challenger(Role):
    """Turn a document and a brief into a task."""

    def __init__(self, lm: dspy.LM | None = None, write: type[dspy.Signature] = WriteTask) -> None:
        super().__init__("challenger", lm)
        self.write = dspy.Predict(write)

    async def aforward(
        self, document: str, rules: str, brief: str = "", angle: str = "", failures: str = ""
    ) -> dspy.Prediction:
        """Return a prediction with `notes` and `task`."""
        return await self.speak(
            self.write,
            document=document,
            rules=rules,
            brief=with_angle(brief, angle),
            failures=failures,
        )


def with_angle(brief: str, angle: str) -> str:
    """Add to a brief from which angle one of several tasks is to be written."""
    return f"{brief}\n\nAngle for this one: {angle}" if angle else brief
