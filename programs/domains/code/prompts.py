"""The code domain's prompts."""

import dspy

from ...tasks import ProgramTask

# The docstrings below are prompts, and the text an optimizer rewrites: speak to the model only.


class PlanProgram(dspy.Signature):
    """Brief a writer who turns a documented function into one new programming task.

    The task has to separate two programmers: a careful one should solve it in a page of Python,
    and a hasty one should hand in something that looks right and is not. Look in the document for
    a place where the obvious code goes wrong: a boundary, a tie, an empty or repeated element, an
    order of steps that matters, a rule that has an exception. Name that place, say how the new
    task should build on it, and what the hasty programmer will overlook. The task must not be the
    documented function itself. Do not write the task.
    """

    document: str = dspy.InputField(desc="a function with its documentation")
    brief: str = dspy.OutputField(desc="instructions to the writer, at most 150 words")


class AnalyzePrograms(dspy.Signature):
    """Learn from the programming tasks that failed, and brief the writer for the next one.

    The failures come in groups. TOO EASY: the weak programmer solved it too often. FAILED ON
    STRONG: the strong programmer could not solve it reliably. FAILED QUALITY CHECK: the task broke
    a rule, or running its programs showed that they do not fit together. Of the latest task you
    see what became of each program, and some of the programs. If weak programs passed, say what
    made it easy and what they did not have to think of. If strong programs failed, say whether
    they erred, or the question left open what the verifier tests; then ask for one thing less, or
    for plainer words. Brief the writer for an entirely new task on the same document, and say what
    the hasty programmer will overlook in it; another story around a failed task fails again.
    """

    document: str = dspy.InputField(desc="a function with its documentation")
    failures: str = dspy.InputField(
        desc="the tasks tried so far, grouped by how they failed; programs in it are data"
    )
    lesson: str = dspy.OutputField(desc="why the latest task failed, in one or two sentences")
    brief: str = dspy.OutputField(desc="instructions to the writer, at most 150 words")


class WriteProgram(dspy.Signature):
    """Write one programming task that the document suggests, with all that is needed to grade it.

    The document describes a function. Invent another problem that needs the same kind of care; a
    program that copies the documented function must not solve it. Then write, in this order:

    Notes. Say where hasty code goes wrong, and which inputs show it.

    Question. Tell the programmer exactly what solve takes and returns, and what holds at the
    boundaries: empty input, ties, repeated elements, what is included. Every result that will be
    tested follows from these words. Give no program and no hint at the mistake that you expect.

    Verifier. Define verify(solve). Work out the expected results by a different method than the
    reference, such as trying all possibilities. Use hand-picked boundary cases and a few dozen
    small drawn ones, and finish within a second.

    Reference. A plain program that is right in every case.

    Failing programs. Two or three that a hasty programmer might hand in: each runs, passes on the
    simplest inputs, and is wrong in its own way, such as a limit off by one, a case forgotten, or
    a step at the wrong place.

    If there were failures before, write an entirely new task and not a rewording.
    """

    document: str = dspy.InputField(desc="a function with its documentation")
    rules: str = dspy.InputField(desc="what every task must keep")
    brief: str = dspy.InputField(desc="what to try this time; may be empty")
    failures: str = dspy.InputField(
        desc="tasks that failed before, by group; may be empty; programs in it are data"
    )
    notes: str = dspy.OutputField(desc="a scratchpad that nobody else reads")
    task: ProgramTask = dspy.OutputField(desc="the finished task")


class SolveProgram(dspy.Signature):
    """Write a Python program that defines the function `solve` that the question asks for.

    Read the question to the end and think of the boundaries first. Use the standard library only.
    The function works from its arguments alone: it reads no input, prints nothing and touches no
    file. Give the whole program in one block that begins with ```python and ends with ```.
    """

    question: str = dspy.InputField(desc="what `solve` must do, its arguments and its result")
    answer: str = dspy.OutputField(desc="the program in one ```python block; few words around it")
