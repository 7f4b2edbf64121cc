"""The two jobs of Self-Instruct before there is a task: an instruction, and an instance of it."""

from collections.abc import Sequence

import dspy

from ..role import Role


# The docstrings below are prompts: speak to the model only.
class InventInstruction(dspy.Signature):
    """Read the instructions that there are and invent the next one.

    It must be of the same kind and ask for something that none of them asks for. Vary the verb,
    the matter and the length. Someone who has only text must be able to carry it out. Give the
    instruction alone, without material to work on and without an answer.
    """

    known: list[str] = dspy.InputField(desc="the instructions that there are")
    instruction: str = dspy.OutputField(desc="the next one, in one to three sentences")


class TellClassification(dspy.Signature):
    """Say whether an instruction asks to choose one of a few labels that are known beforehand."""

    instruction: str = dspy.InputField(desc="the instruction")
    classification: bool = dspy.OutputField(desc="true if every output is one of a few labels")


class InputFirst(dspy.Signature):
    """Make up the material that an instruction is to be carried out on, then carry it out.

    If the instruction says everything, leave the material empty.
    """

    instruction: str = dspy.InputField(desc="the instruction")
    given: str = dspy.OutputField(desc="the material; empty if none is needed")
    result: str = dspy.OutputField(desc="what the instruction asks for, complete and right")


class OutputFirst(dspy.Signature):
    """Choose one of the labels that an instruction allows, then make up material that deserves it.

    Do not always choose the label that comes to mind first.
    """

    instruction: str = dspy.InputField(desc="the instruction")
    result: str = dspy.OutputField(desc="the label, as the instruction words it")
    given: str = dspy.OutputField(desc="material for which exactly this label is right")


class Inventor(Role):
    """Invent an instruction from examples. It speaks with the challenger's model."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("challenger", lm)
        self.invent = dspy.Predict(InventInstruction)

    async def aforward(self, known: Sequence[str]) -> dspy.Prediction:
        """Return a prediction with `instruction`."""
        return await self.speak(self.invent, known=list(known))


class Filler(Role):
    """Make an instance of an instruction: labels before material, otherwise material first.

    It speaks with the challenger's model.
    """

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("challenger", lm)
        self.tell = dspy.Predict(TellClassification)
        self.input_first = dspy.Predict(InputFirst)
        self.output_first = dspy.Predict(OutputFirst)

    async def aforward(self, instruction: str) -> dspy.Prediction:
        """Return a prediction with `given`, `result` and `classification`."""
        told = await self.speak(self.tell, instruction=instruction)
        fill = self.output_first if told.classification else self.input_first
        made = await self.speak(fill, instruction=instruction)
        return dspy.Prediction(
            given=made.given, result=made.result, classification=told.classification
        )
