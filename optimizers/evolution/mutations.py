"""Analyses and edits, asked for side by side and kept, so that none is paid for twice."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import dspy
from pydantic import Field

from ...programs import Usage, background
from ...programs.records import Record
from ...programs.role import Reply, ask
from ...programs.usage import Ledger, observing, sample
from ..files import write_whole
from .history import Entry
from .roles import Analyzer, Edit, Implementer


class Question(NamedTuple):
    """What analyzer and implementer are told in an iteration."""

    iteration: int
    """Counted from 1."""
    exchanges: str
    program: str
    bounds: str
    history: str

    @property
    def key(self) -> str:
        """The iteration, with a hash of all that is told."""
        digest = hashlib.sha256(json.dumps(self).encode()).hexdigest()
        return f"{self.iteration}-{digest[:12]}"


class Proposal(Record):
    """What came back."""

    analysis: str = ""
    """Root causes, in the analyzer's words."""
    edit: Edit | None = None
    """The implementer's edit; `None` if it could not be read."""
    failure: str = ""
    """Why there is no edit."""
    usage: Usage
    """What both roles asked of the model."""


class Kept(Record):
    """The whole of `evolution.json`."""

    history: tuple[Entry, ...] = ()
    """Every iteration that has ended. For people: a resumed search finds it out again."""
    proposals: dict[str, Proposal] = Field(default_factory=dict)
    """What was proposed, by the question's key."""


class Mutations:
    """Asks for edits, and keeps them in a file.

    Args:
        lm: The model of both roles.
        seed: Root of the samples.
        file: Where finished pairs of analysis and edit are kept; nowhere without one.
    """

    def __init__(self, lm: dspy.LM, seed: int, file: Path | None) -> None:
        self.analyzer, self.implementer = Analyzer(lm), Implementer(lm)
        self._seed, self._file = seed, file
        self._kept = Kept()
        self._unfinished = Usage()
        if file is not None and file.exists():
            self._kept = Kept.model_validate_json(file.read_text())

    @property
    def usage(self) -> Usage:
        """What all proposals have asked for, those of earlier starts included.

        What an error or the budget has cut off counts as well: its answers are paid for.
        """
        return sum((one.usage for one in self._kept.proposals.values()), self._unfinished)

    def proposed(self, questions: Sequence[Question]) -> list[Proposal]:
        """Answer questions at the same time; those that an earlier start answered are not asked.

        Raises:
            RuntimeError: If the model cannot be reached.
        """
        return background.run(self._all(questions))

    def note(self, history: Sequence[Entry]) -> None:
        """Keep the history beside the proposals, for people to read."""
        self._save(history=tuple(history))

    async def _all(self, questions: Sequence[Question]) -> list[Proposal]:
        # One that fails does not end the others, whose answers are paid for.
        found = await asyncio.gather(*map(self._one, questions), return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return [one for one in found if isinstance(one, Proposal)]

    async def _one(self, question: Question) -> Proposal:
        known = self._kept.proposals.get(question.key)
        if known is None:
            known = await self._asked(question)
            self._save(proposals={**self._kept.proposals, question.key: known})
        return known

    async def _asked(self, question: Question) -> Proposal:
        """Have the exchanges analyzed and the analysis implemented."""
        ledger = Ledger()
        try:
            with observing(ledger.add), sample(f"{self._seed}/evolution-{question.iteration}"):
                return await self._answered(question, ledger)
        except BaseException:
            self._unfinished += ledger.total
            raise

    async def _answered(self, question: Question, ledger: Ledger) -> Proposal:
        shared = {"program": question.program, "history": question.history}
        reply = await ask(self.analyzer, exchanges=question.exchanges, **shared)
        if failure := _failure(reply):
            return Proposal(failure=failure, usage=ledger.total)
        analysis: str = reply.prediction.analysis
        reply = await ask(self.implementer, analysis=analysis, bounds=question.bounds, **shared)
        failure = _failure(reply)
        edit = None if failure else reply.prediction.edit
        return Proposal(analysis=analysis, edit=edit, failure=failure, usage=ledger.total)

    def _save(self, **update: object) -> None:
        self._kept = self._kept.model_copy(update=update)
        if self._file is not None:
            write_whole(self._file, self._kept.model_dump_json(indent=1))


def _failure(reply: Reply) -> str:
    """Say why an answer is of no use; empty if it is.

    Raises:
        RuntimeError: If there was no answer, which is nobody's fault that an edit could mend.
    """
    if reply.failure is None:
        return ""
    if reply.failure.kind == "infrastructure":
        raise RuntimeError(
            f"{reply.failure}; mend the endpoint and run again, finished calls are kept"
        )
    return str(reply.failure)
