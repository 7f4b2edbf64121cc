"""The roles that only the legal domain has: its reader and the loop judge."""

import re
from collections.abc import Sequence
from typing import Any, cast

import dspy

from ...records import CapabilityTask, Document, Review, Round
from ...role import Role
from ...usage import sample
from .extract import material
from .prompts import ReadLegalDocument, RefereeRound
from .telling import for_referee


class LegalReader(Role):
    """Extract facts, issues and holdings, or turn the document away."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("reader", lm)
        self.read = dspy.Predict(ReadLegalDocument)

    async def aforward(self, document: Document) -> dspy.Prediction:
        """Return a prediction with `material` and `unsuitable`; one of them is empty."""
        extract = (await self.speak(self.read, document=document.text)).extract
        if not extract.suitable:
            return dspy.Prediction(material="", unsuitable=extract.note.strip())
        return dspy.Prediction(material=material(extract, document.text), unsuitable="")


class LoopJudge(Role):
    """Look at every attempt, and accept the task or send it back (paper, Fig. 13)."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("referee", lm)
        self.decide = dspy.Predict(RefereeRound)

    async def aforward(self, closed: Round, before: Sequence[Round]) -> dspy.Prediction:
        """Return a prediction with `review`.

        A review that gives no numbers, or sends a task back without a suggestion, is asked for
        once more.

        Raises:
            dspy.AdapterParseError: If it is no better then.
        """
        if not isinstance(closed.task, CapabilityTask):
            raise TypeError(f"round {closed.number}: a task with capabilities is needed")
        packet = for_referee(closed, closed.task, before)
        said = await self.speak(self.decide, packet=packet)
        if _lacking(said):
            with sample("again"):
                said = await self.speak(self.decide, packet=packet)
        if lacking := _lacking(said):
            raise dspy.AdapterParseError(
                adapter_name="LoopJudge",
                signature=cast("Any", self.decide.signature),
                lm_response=f"{said.verdict}: {said.reason}",
                message=f"the review lacks {lacking}",
            )
        return dspy.Prediction(review=_review(said))


def _lacking(said: dspy.Prediction) -> str:
    """Say what a review lacks; empty if it is complete."""
    for name in ("weak_pattern", "strong_pattern"):
        if not re.search(r"\d", getattr(said, name)):
            return f"numbers in {name}"
    if not said.reason.strip():
        return "a reason"
    if said.verdict == "improve" and not said.suggestion.strip():
        return "a suggestion to the writer"
    return ""


def _review(said: dspy.Prediction) -> Review:
    return Review(
        weak_pattern=said.weak_pattern,
        strong_pattern=said.strong_pattern,
        gap_interpretation=said.gap_interpretation,
        rubric_concerns=tuple(said.rubric_concerns),
        suitability=said.suitability,
        verdict=said.verdict,
        reason=said.reason.strip(),
        suggestion=said.suggestion.strip() if said.verdict == "improve" else "",
    )
