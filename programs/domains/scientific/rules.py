"""What code demands of a problem before any model is asked about it."""

import re

from ...tasks import AnswerTask
from .forms import form_of, has_decimal, is_bare_number, split, tidy
from .taxonomy import canonical

_TOLD = """The answer is one mathematical object of the type that you state: an equation, an \
inequality, an interval, a set, a matrix, or a piecewise function. Write it in one line of LaTeX \
without dollar signs: a set as \\{...\\}, an interval as [a,b), a matrix with \\begin{pmatrix}, a \
piecewise function with \\begin{cases} and a condition in every row. It is never a bare integer or \
a decimal; prefer exact symbols, roots, fractions and named constants. The question is atomic: it \
asks for one thing, has one answer, defines every symbol that it uses, names the variables of the \
answer, gives no hint of the method, and does not contain the answer. The topic is a top-level \
class of MSC2020, such as MSC 34, or a discipline of PhySH, such as PhySH Nonlinear Dynamics."""

_HIDDEN = 5
"""Characters, spaces aside, that an answer must have to be looked for in the question; a shorter
one stands in many questions by chance."""


class ProblemRules:
    """The form of a problem: type, exactness, topic, and no answer in the question."""

    def describe(self) -> str:
        """Tell the writer the rules."""
        return _TOLD

    def faults(self, task: AnswerTask) -> list[str]:
        """List every rule that a problem breaks, each with its remedy."""
        found: list[str] = []
        form = form_of(task.reference)
        if is_bare_number(task.reference):
            found.append(
                f"reference {task.reference!r:.60} is a bare number; ask for an object that "
                "depends on a parameter or has structure"
            )
        elif form != task.answer_type:
            found.append(
                f"reference {task.reference!r:.60} reads as {form or 'none of the six forms'} and "
                f"not as {task.answer_type}; state the type that it has, or mend the LaTeX"
            )
        if has_decimal(task.reference):
            found.append(
                f"reference {task.reference!r:.60} has a decimal; give the exact value instead"
            )
        if canonical(task.topic) is None:
            found.append(
                f"topic {task.topic!r:.60} is no top-level class of MSC2020 or PhySH; write it as "
                "MSC and two digits, or PhySH and a discipline's name"
            )
        if _contains(task.question, task.reference):
            found.append("the question contains the answer; ask without stating it")
        return found


def _contains(question: str, reference: str) -> bool:
    """Tell whether a question says the answer: all of it, or what it says a name is equal to."""
    asked = _squeezed(question)
    values = [tidy(reference), split(tidy(reference), re.compile("="))[-1]]
    return any(len(text) >= _HIDDEN and text in asked for text in map(_squeezed, values))


def _squeezed(text: str) -> str:
    """Return a text without spaces, dollar signs and marks of size."""
    return re.sub(r"\s|\$|\\(?:displaystyle|limits)(?![a-zA-Z])", "", tidy(text)).replace(
        "\\dfrac", "\\frac"
    )
