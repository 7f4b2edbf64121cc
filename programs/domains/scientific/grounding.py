"""The reader: puts worked examples from other areas beside the seed problem (paper, Fig. 15)."""

import importlib.resources
import json
import random
import re
from functools import lru_cache

import dspy
from pydantic import BaseModel, ConfigDict

from ...records import Document
from ...role import Role
from ...usage import rollout

SAMPLES = 3
"""Examples beside each seed problem."""
HEADING = "Examples from other areas, for form and level only:"
"""What stands between the seed problem and the examples."""


class Example(BaseModel):
    """A worked problem of the pool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    answer: str
    topic: str
    answer_type: str

    def text(self, number: int) -> str:
        """Write the example down for a model."""
        return (
            f"Example {number}. Topic: {self.topic}. Answer type: {self.answer_type}.\n"
            f"Problem. {self.question}\nAnswer: {self.answer}"
        )


@lru_cache(maxsize=1)
def pool() -> tuple[Example, ...]:
    """Return the examples that come with the package."""
    file = importlib.resources.files("autodata.programs.domains.scientific") / "examples.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(Example.model_validate(json.loads(line)) for line in lines)


class GroundingReader(Role):
    """Hand on a seed problem with some examples, drawn anew for every sample of a document."""

    def __init__(self, lm: dspy.LM | None = None) -> None:
        super().__init__("reader", lm)

    async def aforward(self, document: Document) -> dspy.Prediction:
        """Return a prediction with `material`; no document is unsuitable.

        The draw follows from the document's id and the current sample, so that the same sample
        reads the same. An example that the document itself is, or holds, is never drawn.
        """
        seed = _plain(document.text)
        others = [one for one in pool() if _plain(one.question) not in seed]
        draw = random.Random(f"{document.id}\x1f{rollout()}")
        drawn = draw.sample(others, min(SAMPLES, len(others)))
        parts = [document.text.rstrip(), HEADING]
        parts += [one.text(number) for number, one in enumerate(drawn, 1)]
        return dspy.Prediction(material="\n\n".join(parts), unsuitable="")


def seed_of(material: str) -> str:
    """Return the part of a material that is the document's own."""
    return material.rpartition(f"\n\n{HEADING}\n\n")[0] or material


def _plain(text: str) -> str:
    return re.sub(r"[\s$]+", "", text)
