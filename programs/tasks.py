"""Tasks: a question with all that is needed to grade an answer, in four kinds.

They differ in how an answer is graded: by a rubric, by a rubric with capabilities, by comparison
with a reference answer, or by running a program. All have the same columns, so that exports and
reports read them alike.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from ..metrics import Criterion

_FROZEN = ConfigDict(frozen=True, extra="forbid")

Kind = Annotated[
    str,
    Field(
        min_length=3,
        max_length=80,
        description="the kind of reasoning asked for, in two to five words",
    ),
]
Skills = Annotated[
    list[str],
    Field(min_length=1, max_length=5, description="two or three skills that the answer needs"),
]


# The descriptions below are shown to the model: speak to the model only.
class Task(BaseModel):
    """A question with a context, graded by a rubric."""

    model_config = _FROZEN

    question_type: Kind
    skills: Skills
    context: str = Field(
        min_length=40,
        max_length=6000,
        description="all that the reader is told before the question",
    )
    question: str = Field(min_length=20, max_length=3000, description="one self-contained question")
    reference: str = Field(
        min_length=40, max_length=8000, description="the answer that an expert would give"
    )
    rubric: list[Criterion] = Field(min_length=1, max_length=40, description="weighted criteria")


class CapabilityCriterion(Criterion):
    """One statement that is either true or false of an answer, and the capability it tests."""

    capability: str = Field(
        min_length=3, max_length=80, description="one of the capabilities named, word for word"
    )
    weight_class: Literal["critical", "important", "slight", "negative"] = Field(
        description="critical for weights 8 to 10, important for 5 to 7, slight for 2 to 4, "
        "negative for -10 to -1"
    )


class Capabilities(BaseModel):
    """What a question sets out to test."""

    model_config = _FROZEN

    primary: list[str] = Field(
        min_length=2, max_length=4, description="the two to four capabilities that decide"
    )
    secondary: list[str] = Field(
        min_length=1, max_length=3, description="one to three that matter beside them"
    )
    rewards: str = Field(max_length=600, description="what a good answer does, in a sentence")
    penalises: str = Field(max_length=600, description="what a bad answer does, in a sentence")


class CapabilityTask(BaseModel):
    """A question without a context, graded by a rubric that is ordered by capabilities."""

    model_config = _FROZEN
    context: ClassVar[str] = ""

    question_type: Kind
    skills: Skills
    capabilities: Capabilities
    question: str = Field(
        min_length=40, max_length=4000, description="the situation and what is asked about it"
    )
    reference: str = Field(
        min_length=40, max_length=8000, description="the answer that an expert would give"
    )
    rubric: list[CapabilityCriterion] = Field(
        min_length=1, max_length=40, description="weighted criteria"
    )


class AnswerTask(BaseModel):
    """A question with one short answer, graded by comparison."""

    model_config = _FROZEN
    context: ClassVar[str] = ""
    rubric: ClassVar[tuple[Criterion, ...]] = ()

    question_type: Kind
    skills: Skills
    topic: str = Field(
        max_length=120, description="a top-level class of MSC2020 or PhySH, such as 'MSC 34'"
    )
    answer_type: Literal["equation", "inequality", "interval", "set", "matrix", "piecewise"] = (
        Field(description="the form of the answer")
    )
    question: str = Field(min_length=20, max_length=3000, description="one self-contained question")
    reference: str = Field(
        min_length=1, max_length=600, description="the answer alone, in LaTeX without dollar signs"
    )


class ProgramTask(BaseModel):
    """A programming task, graded by running the answer."""

    model_config = _FROZEN
    context: ClassVar[str] = ""
    rubric: ClassVar[tuple[Criterion, ...]] = ()

    question_type: Kind
    skills: Skills
    question: str = Field(
        min_length=20,
        max_length=4000,
        description="what the function `solve` must do, its arguments and its result",
    )
    verifier: str = Field(
        min_length=20,
        max_length=8000,
        description="Python source that defines verify(solve) and returns True or False",
    )
    reference: str = Field(
        min_length=10, max_length=8000, description="Python source that defines a right solve"
    )
    failing: list[str] = Field(
        min_length=1,
        max_length=5,
        description="Python sources that define solve and are wrong, each in another way",
    )


def _kind(value: Any) -> str:
    """Tell the kinds apart by the field that only one of them has."""
    if isinstance(value, BaseModel):
        return type(value).__name__
    marks = {"capabilities": CapabilityTask, "answer_type": AnswerTask, "verifier": ProgramTask}
    found = [kind for mark, kind in marks.items() if mark in value]
    return (found[0] if found else Task).__name__


AnyTask = Annotated[
    Annotated[Task, Tag("Task")]
    | Annotated[CapabilityTask, Tag("CapabilityTask")]
    | Annotated[AnswerTask, Tag("AnswerTask")]
    | Annotated[ProgramTask, Tag("ProgramTask")],
    Discriminator(_kind),
]
"""A task of any kind, as records keep it."""
