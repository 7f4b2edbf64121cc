"""Grounded Self-Instruct: a document, one pass, a task."""

from ..records import Document, Round
from .single_shot import SingleShot


class Grounded(SingleShot):
    """Have the challenger write a task from a document at once, without a plan.

    After Source2Synth (Lupidi et al. 2024, arXiv 2409.08239) and NaturalReasoning (Yuan et al.
    2025, arXiv 2502.13124), which the paper cites for it. Their later steps, which train a model
    to curate or rate whole web pages, are left out. The rules in code are the only filter.
    """

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Write a task, without a brief."""
        return self._well_formed(await self._written(number, material))
