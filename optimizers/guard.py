"""What no search may do: copy the documents that it learns from into a prompt."""

import logging
import re
from collections.abc import Sequence

from ..programs import Document
from .candidate import Candidate

LONGEST = 12
"""Words in a row that an instruction may share with a training document, at most."""

logger = logging.getLogger(__name__)
_WORD = re.compile(r"[^\W_]+")


class Guard:
    """Refuses instructions that carry a document's text, which would win on that document alone.

    Demonstrations show documents by design, and are not looked at.

    Args:
        documents: The training documents.
        own: The baseline, whose instructions may say what they say.
    """

    def __init__(self, documents: Sequence[Document], own: Candidate) -> None:
        allowed = {span for text in own.instructions.values() for span in _spans(text)}
        self._spans = {
            span: document.id for document in documents for span in _spans(document.text)
        }
        for span in allowed:
            self._spans.pop(span, None)

    def refused(self, text: str) -> str:
        """Return why an instruction is refused; empty if it is not."""
        for span in _spans(text):
            if span in self._spans:
                return (
                    f"copies more than {LONGEST} words of training document {self._spans[span]}: "
                    f"“{' '.join(span[:6])} …”"
                )
        return ""

    def admits(self, predictor: str, text: str) -> bool:
        """Return whether an instruction is fit to be measured; say so in the log if it is not."""
        why = self.refused(text)
        if why:
            logger.warning("a proposal for %s is refused: it %s", predictor, why)
        return not why

    def fault(self, candidate: Candidate) -> str:
        """Return the first instruction's fault, by predictor; empty if there is none."""
        for name, text in candidate.instructions.items():
            if why := self.refused(text):
                return f"{name} {why}"
        return ""


def _spans(text: str) -> list[tuple[str, ...]]:
    """Return every run of `LONGEST` + 1 words, without case and punctuation."""
    words = _WORD.findall(text.lower())
    return [tuple(words[i : i + LONGEST + 1]) for i in range(len(words) - LONGEST)]
