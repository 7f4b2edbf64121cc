"""A generation at work: take a slot, measure it, tell. The same for the leader and the workers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ...programs import Document, Episode
from ..candidate import Candidate
from ..measurement import score
from ..objective import Objective
from ..options import SearchOptions
from ..space import Space
from ..trial import Trial
from .objectives import PARTS, parts, values
from .sharing import Timing, beating, get_text, packed, put_text, unpacked
from .slots import LEADER, OWNER, SLOT, STATE, ended, take
from .study import estimate

SPACE = "space"
"""Attribute of a generation's study: the choices that it makes."""
CANDIDATE, DOCUMENTS, EPISODES = "candidate", "documents", "episodes"
"""Attributes of a trial that has ended: what was measured, on how many documents, and how."""


@dataclass
class Generation:
    """One generation of a search, as one process sees it."""

    study: optuna.Study
    space: Space
    options: SearchOptions
    objective: Objective
    validation: Sequence[Document]
    owner: str = LEADER
    """Who this process is."""
    timing: Timing = field(default_factory=Timing)
    earlier: Sequence[optuna.Study] = ()
    """The studies of the generations before."""
    taken: list[optuna.Trial] = field(default_factory=list[optuna.Trial], init=False)
    """The trials under way."""

    def turn(self) -> Iterator[Trial]:
        """Take slots that wait, measure them side by side, tell each result as it is there.

        Yields nothing if no slot waits.

        Raises:
            UpdateFinishedTrialError: If a slot was given to another process meanwhile.
        """
        self.taken = take(self.study, self.space, self.owner, self.options)
        with ExitStack() as stack:
            for asked in self.taken:
                stack.enter_context(beating(asked.set_user_attr, self.timing.beat))
            works = [self._begun(asked) for asked in self.taken]
            yield from self._measured(works)

    def give_back(self) -> None:
        """Let another process have the slots under way."""
        for asked in self.taken:
            self.study.tell(asked, state=TrialState.FAIL, skip_if_finished=True)

    def rebuilt(self, number: int, trial: FrozenTrial) -> Trial:
        """Return a trial of another process, or of an earlier start; nothing is measured twice."""
        candidate = self._candidate(number, trial.params)
        self._adopt(candidate, trial)
        part = sorted(self._order(number)[: trial.user_attrs[DOCUMENTS]])
        episodes = self.objective.episodes(candidate, self._documents(part), "validation")
        guess = trial.value if trial.user_attrs[STATE] == "pruned" else None
        return self._trial(number, candidate, trial.params, episodes, guess)

    def _trial(
        self,
        number: int,
        candidate: Candidate,
        params: dict[str, Any],
        episodes: Sequence[Episode],
        guess: float | None,
    ) -> Trial:
        parent = self.space.parent
        return Trial.ended(
            number, "sampler", candidate, params, episodes, parent=parent, estimate=guess
        )

    def _candidate(self, number: int, params: dict[str, Any]) -> Candidate:
        """Return the candidate at a point. Trial 0 is the program exactly as it was given."""
        own = Candidate.of(self.objective.program)
        return own if number == 0 else self.space.candidate(params)

    def _begun(self, asked: optuna.Trial) -> "_Work":
        number = asked.user_attrs[SLOT]
        candidate = self._candidate(number, asked.params)
        self._adopt_known(candidate)
        return _Work(asked, number, candidate, self._order(number))

    def _ended(self, work: "_Work", *, whole: bool) -> Trial:
        """Tell a result: a value, or the estimate of one."""
        asked, candidate, episodes = work.asked, work.candidate, _sorted(work.found)
        guess = None if whole else estimate(self.study.best_trial, work.found)
        trial = self._trial(work.number, candidate, asked.params, episodes, guess)
        put_text(asked.set_user_attr, EPISODES, packed(episodes))
        asked.set_user_attr(DOCUMENTS, len(episodes))
        asked.set_user_attr(CANDIDATE, candidate.id)
        if self.options.several:
            ids = [document.id for document in self.validation]
            asked.set_user_attr(PARTS, parts(episodes, ids))
        # Last: with it a trial can be rebuilt, should a kill come before it is told.
        asked.set_user_attr(STATE, trial.state)
        self._tell(asked, values(trial, self.options))
        self.taken.remove(asked)
        return trial

    def _tell(self, asked: optuna.Trial, found: list[float] | None) -> None:
        state = TrialState.FAIL if found is None else TrialState.COMPLETE
        told = self.study.tell(asked, found, state=state, skip_if_finished=True)
        if told.state is not state:
            raise UpdateFinishedTrialError("the trial was closed by another process")

    def _measured(self, works: Sequence["_Work"]) -> Iterator[Trial]:
        """Run the documents in portions, and end each trial that has them all or is stopped."""
        left = list(works)
        while left:
            shares = [self._share(work) for work in left]
            parts = [
                (work.candidate, self._documents(share))
                for work, share in zip(left, shares, strict=True)
            ]
            under_way, left = left, []
            # What is stopped does not depend on the others: where a budget ends some of them, those
            # that it lasted for are told.
            for place, episodes in self.objective.together(parts, "validation"):
                work = under_way[place]
                self._take(work, dict(zip(shares[place], episodes, strict=True)))
                whole = len(work.found) == len(work.order)
                if whole or work.asked.should_prune():
                    yield self._ended(work, whole=whole)
                else:
                    left.append(work)

    def _share(self, work: "_Work") -> list[int]:
        """Return the documents to measure until the next look at whether to stop.

        What has passed a look is measured on as many documents again: they run side by side.
        """
        done = len(work.found)
        return work.order[done : done + max(done, self._portion(work.number))]

    def _portion(self, number: int) -> int:
        """Return after how many documents to look first. The baseline is never stopped."""
        looks = self.options.prune and number > 0
        return self.options.prune_after if looks else len(self.validation)

    def _take(self, work: "_Work", found: Mapping[int, Episode]) -> None:
        """Report what the documents gave."""
        for index, episode in found.items():
            work.found[index] = episode
            # Of two objectives Optuna takes no reports; nor is anything stopped early then.
            if (value := score(episode)) is not None and not self.options.several:
                work.asked.report(value, step=index)

    def _order(self, number: int) -> list[int]:
        """Return in which order a trial measures the documents.

        Every trial begins with other documents than the one before it, so that those that are
        stopped early have seen all of them together.
        """
        count = len(self.validation)
        first = number * self._portion(number) % count
        return [(first + i) % count for i in range(count)]

    def _documents(self, part: Sequence[int]) -> list[Document]:
        return [self.validation[index] for index in part]

    def _adopt_known(self, candidate: Candidate) -> None:
        """Keep here what other processes have measured of a candidate."""
        for study in (*self.earlier, self.study):
            for trial in study.get_trials(deepcopy=False):
                if trial.user_attrs.get(CANDIDATE) == candidate.id and ended(trial):
                    self._adopt(candidate, trial)

    def _adopt(self, candidate: Candidate, trial: FrozenTrial) -> None:
        """Keep a trial's episodes, unless they were run here."""
        text = get_text(trial.user_attrs, EPISODES)
        if text is not None and trial.user_attrs.get(OWNER) != self.owner:
            self.objective.adopt(candidate, unpacked(text), "validation")


@dataclass
class _Work:
    """A trial under way."""

    asked: optuna.Trial
    number: int
    candidate: Candidate
    order: list[int]
    """Places of the documents, as they are measured."""
    found: dict[int, Episode] = field(default_factory=dict[int, Episode])
    """What came of them, by place."""


def _sorted(found: Mapping[int, Episode]) -> list[Episode]:
    """Return episodes in the order of the documents."""
    return [found[index] for index in sorted(found)]
