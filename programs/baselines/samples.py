"""Answers of the strong solver alone, for filters that look at nothing else."""

from ..contest import Contest
from ..program import Program
from ..records import AnyTask, Attempt


class _Samples(Contest):
    async def strong_alone(self, task: AnyTask) -> list[Attempt]:
        planned = self.settings.strong_attempts
        return await self._attempts(self.strong, planned, task, lambda done: False)


async def strong_samples(program: Program, task: AnyTask, count: int) -> list[Attempt]:
    """Have the strong solver answer a task, and the judge grade it, just as in a contest.

    Args:
        program: Whose solver and judge are asked.
        task: The task.
        count: Answers, 1 or more; all are asked for at once.

    Returns:
        The attempts in order; those that could not be graded have a failure.
    """
    settings = program.settings.model_copy(update={"strong_attempts": count, "race": False})
    contest = _Samples(
        program.weak,
        program.strong,
        program.judge,
        program.gate,
        settings,
        probe=program.domain.probe,
        repeats=program.domain.repeats,
    )
    return await contest.strong_alone(task)
