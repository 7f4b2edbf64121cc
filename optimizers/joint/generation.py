"""A generation at work: take a slot, measure it, tell. The same for the leader and the workers."""

from collections.abc import Mapping, Sequence
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
    taken: optuna.Trial | None = field(default=None, init=False)
    """The trial under way."""

    def turn(self) -> Trial | None:
        """Take a slot, measure it, tell the result; `None` if no slot waits.

        Raises:
            UpdateFinishedTrialError: If the slot was given to another process meanwhile.
        """
        self.taken = asked = take(self.study, self.space, self.owner)
        if asked is None:
            return None
        number = asked.user_attrs[SLOT]
        candidate = self._candidate(number, asked.params)
        with beating(asked.set_user_attr, self.timing.beat):
            self._adopt_known(candidate)
            episodes, guess = self._measure(asked, candidate)
        trial = self._trial(number, candidate, asked.params, episodes, guess)
        put_text(asked.set_user_attr, EPISODES, packed(episodes))
        asked.set_user_attr(DOCUMENTS, len(episodes))
        asked.set_user_attr(CANDIDATE, candidate.id)
        if self.options.several:
            ids = [document.id for document in self.validation]
            asked.set_user_attr(PARTS, parts(episodes, ids))
        # Last: with it a trial can be rebuilt, should a kill come before it is told.
        asked.set_user_attr(STATE, trial.state)
        self._tell(asked, values(trial, self.options))
        self.taken = None
        return trial

    def give_back(self) -> None:
        """Let another process have the slot under way."""
        if self.taken is not None:
            self.study.tell(self.taken, state=TrialState.FAIL, skip_if_finished=True)

    def rebuilt(self, number: int, trial: FrozenTrial) -> Trial:
        """Return a trial of another process, or of an earlier start; nothing is measured twice."""
        candidate = self._candidate(number, trial.params)
        self._adopt(candidate, trial)
        part = sorted(self._order(number)[: trial.user_attrs[DOCUMENTS]])
        episodes = self._episodes(candidate, part)
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

    def _tell(self, asked: optuna.Trial, found: list[float] | None) -> None:
        state = TrialState.FAIL if found is None else TrialState.COMPLETE
        told = self.study.tell(asked, found, state=state, skip_if_finished=True)
        if told.state is not state:
            raise UpdateFinishedTrialError("the trial was closed by another process")

    def _measure(
        self, asked: optuna.Trial, candidate: Candidate
    ) -> tuple[list[Episode], float | None]:
        """Run the documents in portions; return an estimate if the trial was stopped early."""
        found: dict[int, Episode] = {}
        order = self._order(asked.user_attrs[SLOT])
        for start in range(0, len(order), self._portion):
            part = order[start : start + self._portion]
            for index, episode in zip(part, self._episodes(candidate, part), strict=True):
                found[index] = episode
                # Of two objectives Optuna takes no reports; nor is anything stopped early then.
                if (value := score(episode)) is not None and not self.options.several:
                    asked.report(value, step=index)
            if len(found) < len(order) and asked.should_prune():
                return _sorted(found), estimate(self.study.best_trial, found)
        return _sorted(found), None

    @property
    def _portion(self) -> int:
        """Documents measured between two looks at whether to stop."""
        return self.options.prune_after if self.options.prune else len(self.validation)

    def _order(self, number: int) -> list[int]:
        """Return in which order a trial measures the documents.

        Every trial begins with other documents than the one before it, so that those that are
        stopped early have seen all of them together.
        """
        count = len(self.validation)
        first = number * self._portion % count
        return [(first + i) % count for i in range(count)]

    def _episodes(self, candidate: Candidate, part: Sequence[int]) -> list[Episode]:
        documents = [self.validation[index] for index in part]
        return self.objective.episodes(candidate, documents, "validation")

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


def _sorted(found: Mapping[int, Episode]) -> list[Episode]:
    """Return episodes in the order of the documents."""
    return [found[index] for index in sorted(found)]
