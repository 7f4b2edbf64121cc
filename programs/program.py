"""What every program has that turns a document into a task: roles, metering, and the episode.

The loop (`Autodata`) and the baselines differ in how tasks come about. How a task is checked,
tried and decided is here, for all of them, in code that no prompt can reach.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import dspy

from ..metrics import GATES, Gate
from . import background
from .contest import Contest
from .domains import RESEARCH, Domain
from .records import AnyTask, Document, Episode, Failure, Outcome, Round, Stopped
from .role import ask
from .settings import Settings
from .solver import Solver
from .usage import Ledger, observing, sample


class Models(NamedTuple):
    """A language model for each role; `None` leaves the role to `dspy.settings.lm`.

    A role asks its model only in domains that list it as `spoken`.
    """

    reader: dspy.LM | None = None
    orchestrator: dspy.LM | None = None
    challenger: dspy.LM | None = None
    verifier: dspy.LM | None = None
    weak: dspy.LM | None = None
    strong: dspy.LM | None = None
    judge: dspy.LM | None = None
    referee: dspy.LM | None = None


DEFAULT_MODELS = Models()


class Ended(NamedTuple):
    """How an episode ended."""

    rounds: Sequence[Round]
    stopped: Stopped
    failure: Failure | None = None
    reason: str = ""


class Program(dspy.Module):
    """Turn a document into a task. Subclasses say how tasks come about, in `_rounds`."""

    sequential = False
    """Whether documents must be run one after the other, in order: an episode needs the earlier."""

    def __init__(
        self,
        models: Models = DEFAULT_MODELS,
        domain: Domain = RESEARCH,
        gate: Gate | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        self.domain = domain
        self.gate = gate or domain.gate
        self.settings = settings or domain.settings
        self.reader = frozen(domain.reader(models.reader))
        self.verifier = frozen(domain.verifier(models.verifier))
        self.weak = frozen(Solver("weak", models.weak, domain.solve))
        self.strong = frozen(Solver("strong", models.strong, domain.solve))
        self.judge = frozen(domain.judge(models.judge))
        self.referee = frozen(domain.referee(models.referee))

    def optimizable(self) -> dict[str, Any]:
        """Return the predictors that may be changed, by name."""
        return dict(self.named_predictors())

    def forward(self, document: Document | str, rollout: str = "") -> dspy.Prediction:
        """Call the program from synchronous code; see `aforward`."""
        return background.run(self.aforward(document, rollout))

    async def aforward(self, document: Document | str, rollout: str = "") -> dspy.Prediction:
        """Run an episode on one document.

        Args:
            document: The text, or a `Document` with a name of its own.
            rollout: Name of the sample. The same name repeats the same calls (from the cache),
                another one asks every model afresh.

        Returns:
            A prediction with `episode`; `task`, the accepted task or `None`; and `score`: the gap
            of the accepted task in [-1, 1], 0 if there is none, `None` if it could not be scored.
        """
        if isinstance(document, str):
            document = Document(id="document", text=document)
        ledger, started, material = Ledger(), time.monotonic(), ""
        with observing(ledger.add), sample(rollout or "0"):
            read = await ask(self.reader, document=document)
            if read.failure is not None:
                ended = Ended((), "failure", read.failure)
            elif read.prediction.unsuitable:
                ended = Ended((), "unsuitable", reason=read.prediction.unsuitable)
            else:
                material = read.prediction.material
                ended = await self._rounds(document, material, ledger)
        episode = Episode(
            document_id=document.id,
            material="" if material == document.text else material,
            rounds=tuple(ended.rounds),
            stopped=ended.stopped,
            reason=ended.reason,
            usage=ledger.total,
            roles=ledger.roles,
            seconds=round(time.monotonic() - started, 3),
            failure=ended.failure,
        )
        accepted = episode.accepted
        return dspy.Prediction(
            episode=episode, task=accepted.task if accepted else None, score=episode.score
        )

    def recall(self, episode: Episode) -> None:
        """Take note of an episode of an earlier start, as if it had just been run here."""

    def select(self, episodes: Sequence[Episode]) -> list[Episode]:
        """Drop tasks that only show beside all others that they are not worth keeping."""
        return list(episodes)

    async def attempted(self, task: AnyTask) -> Round:
        """Let both solvers make every attempt at a task, whatever the gate would say of it."""
        tried = Round(number=1, brief="", task=task, outcome=Outcome.UNSCORED)
        return await self._contest(GATES["legal"]).decide(tried, task)

    def _contest(self, gate: Gate) -> Contest:
        """Put the solvers and the judge under a gate, with the domain's rules for attempts."""
        return Contest(
            self.weak,
            self.strong,
            self.judge,
            gate,
            self.settings,
            probe=self.domain.probe,
            repeats=self.domain.repeats,
        )

    async def _rounds(self, document: Document, material: str, ledger: Ledger) -> Ended:
        """Try tasks until one is accepted, a cap is reached or infrastructure fails."""
        raise NotImplementedError(f"{type(self).__name__} must define _rounds")

    async def _checked(self, material: str, tried: Round, task: AnyTask) -> Round:
        """Check the task, by code first and then by the verifier; unsound ones close the round."""
        wrong = self.domain.rules.faults(task)
        if not wrong:
            report = await ask(self.verifier, document=material, task=task)
            if report.failure is not None:
                return tried.model_copy(update={"failure": report.failure})
            wrong = report.prediction.faults
        return _refused(tried, wrong) if wrong else tried

    async def _decided(
        self, material: str, tried: Round, task: AnyTask, before: Sequence[Round]
    ) -> Round:
        """Let the solvers try a sound task, and close the round."""
        wrong = self.domain.overrides(material, task)
        if wrong:
            return _refused(tried, wrong)
        closed = await self._contest(self.gate).decide(tried, task)
        if closed.outcome is not Outcome.ACCEPTED:
            return closed
        reply = await ask(self.referee, closed=closed, before=before)
        if reply.failure is not None:
            return closed.model_copy(update={"outcome": Outcome.UNSCORED, "failure": reply.failure})
        review = reply.prediction.review
        if review is None or review.verdict == "accept":
            return closed.model_copy(update={"review": review})
        return closed.model_copy(
            update={"outcome": Outcome.IMPROVE, "reason": review.reason, "review": review}
        )


def frozen(role: Any) -> Any:
    """Hide a role's predictors from optimizers (`named_predictors` skips compiled modules)."""
    role._compiled = True
    return role


def _refused(tried: Round, wrong: Sequence[str]) -> Round:
    """Close a round whose task is unsound."""
    return tried.model_copy(
        update={"outcome": Outcome.FAILED_QUALITY_CHECK, "reason": "; ".join(wrong)}
    )


def open_round(one: Round) -> bool:
    """Tell whether a round has a task that nobody has decided on yet."""
    return one.task is not None and one.outcome is Outcome.UNSCORED and one.failure is None


def without_task(number: int, brief: str, failure: Failure, known: int = 0) -> Round:
    """Close a round without a task. Unreadable output is the writer's fault, an outage is not."""
    blamed = failure.kind != "infrastructure"
    return Round(
        number=number,
        known=known,
        brief=brief,
        outcome=Outcome.FAILED_QUALITY_CHECK if blamed else Outcome.UNSCORED,
        reason=str(failure) if blamed else "",
        failure=failure,
    )


def unscored(rounds: Sequence[Round]) -> Failure | None:
    """Return a failure if not one round of the episode says anything about its task."""
    if rounds and all(one.outcome is Outcome.UNSCORED for one in rounds):
        return rounds[-1].failure
    return None
