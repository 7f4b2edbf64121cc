"""Who screens a problem before it is tried, and who compares an answer with the reference."""

import asyncio
from fractions import Fraction

import dspy

from ....metrics.answers import aequivalent, extract_answer
from ...role import Role
from ...tasks import AnswerTask
from .prompts import MatchAnswer, ScreenProblem

_LONGEST = 600
"""Characters of a final answer that a model is shown; a reference has no more."""
_THIN = r"\,"
"""A thin space. Equal texts are the same answer unread; with it in one of them they are read."""


class ProblemScreener(Role):
    """Let a problem pass if its reference can be read and a model finds nothing wrong with it."""

    def __init__(
        self, lm: dspy.LM | None = None, screen: type[dspy.Signature] = ScreenProblem
    ) -> None:
        super().__init__("verifier", lm)
        self.screen = dspy.Predict(screen)

    async def aforward(self, document: str, task: AnswerTask) -> dspy.Prediction:
        """Return a prediction with `faults`: what is wrong, empty if nothing is.

        The model does not see the reference. It is not asked about a problem whose reference
        cannot be compared with itself, because no answer could be graded against it.
        """
        again = f"{_THIN}{task.reference}"
        if await aequivalent(again, task.reference) is not True:
            unread = f"reference {task.reference!r:.60} cannot be read as mathematics; simplify it"
            return dspy.Prediction(faults=[unread])
        said = await self.speak(
            self.screen,
            document=document,
            topic=task.topic,
            answer_type=task.answer_type,
            question=task.question,
        )
        wrong = said.screening.faults()
        if wrong and said.screening.feedback:
            wrong = [*wrong, said.screening.feedback]
        return dspy.Prediction(screening=said.screening, faults=wrong)


class AnswerJudge(Role):
    """Grade an answer 1 or 0: by algebra, and by asking a model where algebra cannot tell."""

    def __init__(
        self, lm: dspy.LM | None = None, match: type[dspy.Signature] = MatchAnswer
    ) -> None:
        super().__init__("judge", lm)
        self.match = dspy.Predict(match)

    async def aforward(self, task: AnswerTask, answer: str) -> dspy.Prediction:
        """Return a prediction with `grade`, and `note`: the final answer and how it was compared.

        Reading and comparing take time and may take a process, so both run in a thread.
        """
        final = await asyncio.to_thread(extract_answer, answer)
        if final is None:
            return _graded(False, "no final answer was found")
        same = await aequivalent(final, task.reference)
        shown = f"final answer {_one_line(final)}"
        if same is not None:
            return _graded(same, f"{shown}; by algebra {'the same' if same else 'another one'}")
        said = await self.speak(
            self.match,
            question=task.question,
            reference=task.reference,
            answer=final[:_LONGEST],
        )
        verdict = "the same" if said.match.same else "another one"
        why = _one_line(said.match.evidence)
        return _graded(said.match.same, f"{shown}; by a model {verdict}: {why}")


def _graded(right: bool, note: str) -> dspy.Prediction:
    return dspy.Prediction(grade=Fraction(int(right)), satisfied=(), note=note)


def _one_line(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}\u2026"
