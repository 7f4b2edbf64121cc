"""The orchestrator: tells the challenger what to try next. It never scores and never accepts."""

from collections.abc import Sequence

import dspy

from .records import Outcome, Round
from .role import Role


# The docstrings below are prompts, and the text an optimizer rewrites: speak to the model only.
class PlanTask(dspy.Signature):
    """Brief a writer who turns a document into one demanding question.

    The question has to separate two readers: an expert who thinks it through should be able to
    answer it, and a fluent reader with little depth should not. Look in the document for a place
    where understanding matters more than reading: a trade-off, a surprising result, a mechanism
    with consequences, a condition under which a conclusion turns around. Name that place, the kind
    of reasoning that the question should demand, and what the writer has to avoid. Do not write
    the question itself.
    """

    document: str = dspy.InputField(desc="the text that the question must be grounded in")
    brief: str = dspy.OutputField(desc="instructions to the writer, at most 150 words")


class AnalyzeRounds(dspy.Signature):
    """Learn from the questions that failed, and brief the writer for the next one.

    The failures come in groups. TOO EASY: the weak reader did too well. FAILED ON STRONG: the
    strong reader could not answer reliably, or the two were too close together. FAILED QUALITY
    CHECK: the question leaked its answer, asked for recall, or its rubric was unsound. Decide what
    went wrong and brief the writer for an entirely new question from another angle on the same
    document; a rewording of a failed question fails again.
    """

    document: str = dspy.InputField(desc="the text that the question must be grounded in")
    failures: str = dspy.InputField(desc="the questions tried so far, grouped by how they failed")
    lesson: str = dspy.OutputField(desc="why the latest question failed, in one or two sentences")
    brief: str = dspy.OutputField(desc="instructions to the writer, at most 150 words")


class Orchestrator(Role):
    """Decide what the challenger should write: before the first round, and after each failure."""

    def __init__(
        self,
        lm: dspy.LM | None = None,
        plan: type[dspy.Signature] = PlanTask,
        analyze: type[dspy.Signature] = AnalyzeRounds,
    ) -> None:
        super().__init__("orchestrator", lm)
        self.plan = dspy.Predict(plan)
        self.analyze = dspy.Predict(analyze)

    async def aforward(self, document: str, failures: str = "") -> dspy.Prediction:
        """Return a prediction with `brief`, and with `lesson` if there were failures."""
        if failures:
            return await self.speak(self.analyze, document=document, failures=failures)
        return await self.speak(self.plan, document=document)


_GROUPS = (
    Outcome.TOO_EASY,
    Outcome.FAILED_ON_STRONG,
    Outcome.FAILED_QUALITY_CHECK,
    Outcome.IMPROVE,
)


def describe_failures(rounds: Sequence[Round], *, memory: int = 0, criteria: int = 6) -> str:
    """Write the failed rounds down for a model, grouped as in the paper (section 2, Fig. 8).

    Args:
        rounds: The episode so far, oldest first. Accepted and unscored rounds are left out.
        memory: How many of the latest failures to show; 0 shows all.
        criteria: At most this many criteria are quoted of the latest failure, those that the weak
            solver met most often first.

    Returns:
        One block per group that has an entry; empty if nothing failed.
    """
    failed = [one for one in rounds if one.outcome in _GROUPS]
    shown = failed[-memory:] if memory else failed
    blocks = []
    for group in _GROUPS:
        entries = [
            _entry(one, criteria if one is failed[-1] else 0)
            for one in shown
            if one.outcome is group
        ]
        if entries:
            blocks.append(f"{group.value}\n" + "\n".join(entries))
    return "\n\n".join(blocks)


def _entry(one: Round, criteria: int) -> str:
    lines = [f"- Round {one.number}: {one.reason}"]
    if one.task is not None:
        lines += [f"  Type: {one.task.question_type}", f"  Question: {one.task.question}"]
    for solver in ("weak", "strong"):
        grade = one.mean(solver)
        if grade is not None:
            lines.append(f"  {solver.capitalize()} average: {float(grade):.3f}")
    lines += [f"  {line}" for line in _criteria(one, criteria)]
    return "\n".join(lines)


def _criteria(one: Round, limit: int) -> list[str]:
    """Say of the most telling criteria how many weak and strong attempts met them."""
    graded = [a for a in one.weak if a.satisfied], [a for a in one.strong if a.satisfied]
    if one.task is None or not graded[0] or limit == 0:
        return []
    weak = [sum(a.satisfied[i] for a in graded[0]) for i in range(len(one.task.rubric))]
    strong = [sum(a.satisfied[i] for a in graded[1]) for i in range(len(one.task.rubric))]
    order = sorted(range(len(weak)), key=lambda i: (-weak[i], i))[:limit]
    return [
        f"Criterion met by {weak[i]}/{len(graded[0])} weak"
        + (f" and {strong[i]}/{len(graded[1])} strong" if graded[1] else "")
        + f": {one.task.rubric[i].criterion}"
        for i in order
    ]
