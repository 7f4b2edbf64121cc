"""Self-Challenging: a task as code, kept if execution agrees with what it claims."""

from typing import Any

from ...metrics import Gate
from ..domains import RESEARCH, Domain
from ..program import DEFAULT_MODELS, Models
from ..records import Document, ProgramTask, Round
from ..settings import Settings
from .single_shot import SingleShot


class SelfChallenging(SingleShot):
    """Have the challenger write a task as code, in one shot, and keep it if it holds when run.

    Code-as-Task of Zhou et al. 2025 (arXiv 2506.01716): an instruction, a function that verifies a
    solution, a solution that must pass and others that must fail. There the challenger first
    explores an environment through its tools, here it reads a document. The training that follows
    is no part of it.
    """

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
        **extras: Any,
    ) -> None:
        """Make a program.

        Args:
            models: A language model for each role.
            domain: A domain whose tasks are `ProgramTask`.
            gate: Only kept, so that all programs are made alike.
            settings: Numbers of the loop, of which `tokens` counts here.
            extras: `tries`, see `SingleShot`.

        Raises:
            ValueError: If the domain's tasks cannot be verified by execution.
        """
        if domain.write.output_fields["task"].annotation is not ProgramTask:
            raise ValueError(
                f"domain={domain.name!r}: self-challenging needs tasks that execution can verify "
                "(ProgramTask); choose the code domain, or another method"
            )
        super().__init__(models, domain, gate, settings, **extras)

    async def _tried(self, number: int, document: Document, material: str) -> Round:
        """Write a task, without a brief, and run it."""
        return await self._verified(await self._written(number, material), material)
