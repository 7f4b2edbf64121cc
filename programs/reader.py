"""The reader: turns a document into what the other roles are given."""

import dspy

from .records import Document
from .role import Role


class Reader(Role):
    """Hand the document's text on as it is. Domains replace this role by one that reads closer."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("reader", lm)

    async def aforward(self, document: Document) -> dspy.Prediction:
        """Return a prediction with `material`, and `unsuitable`.

        `unsuitable` says why no task can be written from the document; it is empty if one can.
        """
        return dspy.Prediction(material=document.text, unsuitable="")
