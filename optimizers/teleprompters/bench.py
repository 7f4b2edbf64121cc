"""Where candidates of DSPy's optimizers are measured: once, within the budget, and by our rules."""

import contextvars
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import redirect_stdout

from ...programs import Document, Episode, Usage
from ..candidate import Candidate
from ..guard import Guard
from ..measurement import score
from ..objective import Objective
from ..trial import Trial, refuse_outage
from .crew import settled

logger = logging.getLogger(__name__)


class Stopped(BaseException):
    """Ends a compilation from inside. DSPy's optimizers swallow every `Exception` somewhere."""


class Bench:
    """Measures the candidates that an optimizer wants to know about, and keeps the trials.

    A candidate that is asked for on a validation document is measured on all of them at once, and
    is a trial from then on. Whatever is asked for again is answered from memory, and is paid once.
    Nothing is begun that the budget does not cover to its end.

    Args:
        origin: Name of the method, for the trials.
        objective: What to optimize.
        train: Documents to learn from.
        validation: Documents to compare candidates on.
        watch: Told of every trial.
        trials: The budget: so many times the validation documents, in episodes.
        learning: Share of the budget that training documents may use, in [0, 1].
    """

    def __init__(
        self,
        origin: str,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
        *,
        trials: int,
        learning: float = 1.0,
    ) -> None:
        self.origin, self.objective = origin, objective
        self.train, self.validation = list(train), list(validation)
        self.own = Candidate.of(objective.program)
        self.trials: list[Trial] = []
        self.fault: BaseException | None = None
        """What went wrong inside of the compilation, and has to come out of it."""
        self.parent: Callable[[Candidate], int] = lambda candidate: 0
        """Says which trial a candidate was made from."""
        self._watch = watch
        self._guard = Guard(train, self.own)
        self.left = trials * len(self.validation)
        """Episodes that may still be begun."""
        self._to_learn = int(learning * self.left)
        self._documents = {document.text: document for document in (*train, *validation)}
        self._learned: dict[str, tuple[Candidate, dict[tuple[str, str], Future[Episode]]]] = {}
        self._refused: dict[str, str] = {}
        self._over = False
        self._lock = threading.RLock()
        self._stdout = sys.stdout
        # Episodes run where the search was called: not with DSPy's idea of a model for everybody.
        self._outside = contextvars.copy_context()

    def __deepcopy__(self, memo: Mapping[int, object]) -> "Bench":
        return self

    def refused(self, candidate: Candidate) -> str:
        """Return why a candidate will not be measured; empty if it may be."""
        with self._lock:
            if candidate.id not in self._refused:
                why = self._guard.fault(candidate)
                self._refused[candidate.id] = why
                if why:
                    logger.warning("%s: a candidate is not measured: %s", self.origin, why)
            return self._refused[candidate.id]

    def episode(self, candidate: Candidate, text: str, sample: str) -> Episode:
        """Return what a candidate makes of a document, for code that DSPy calls.

        Raises:
            Stopped: If the budget or the run is over, or something went wrong (see `fault`).
        """
        document = self._documents[text]
        try:
            if self._over:
                raise Stopped
            if sample == "validation":
                return self._episodes(self.measured(candidate))[document.id]
            return self._learn(candidate, document, sample)
        except Stopped:
            self._over = True
            raise
        except BaseException as error:
            self._over = True
            self.fault = self.fault or error
            raise Stopped from error

    def measured(self, candidate: Candidate) -> Trial:
        """Return a candidate's trial, measuring it first if there is none.

        Raises:
            Stopped: If the budget is used up.
            RuntimeError: If the models do not answer.
        """
        with self._lock:
            for trial in self.trials:
                if trial.candidate.id == candidate.id:
                    return trial
            self._pay(len(self.validation))
            settled()
            episodes = self._run(candidate, self.validation, "validation")
            trial = Trial.ended(
                len(self.trials),
                self.origin,
                candidate,
                {"instructions": candidate.id},
                episodes,
                parent=self.parent(candidate),
            )
            refuse_outage([*self.trials, trial])
            self.trials.append(trial)
            with redirect_stdout(self._stdout):  # DSPy's is closed.
                self._watch(trial)
            return trial

    def baseline_lessons(self) -> list[tuple[Document, Episode]]:
        """Run the baseline on all training documents, as far as the budget goes."""
        return [(one, self.episode(self.own, one.text, "train")) for one in self.train]

    def leftovers(self) -> Iterator[Candidate]:
        """Yield candidates that only training documents were run with, the most promising first.

        Those come first that gained most over the baseline, added up: a single lucky document
        weighs less than many good ones. Those of which no run has ended are left out.
        """
        usual = self.trials[0].value or 0.0
        gains = {
            name: sum(value - usual for one in episodes if (value := score(one)) is not None)
            for name, episodes in self._ended().items()
            if episodes
        }
        known = {trial.candidate.id for trial in self.trials}
        for name in sorted(gains, key=lambda name: -gains[name]):
            if name not in known:
                yield self._learned[name][0]

    @property
    def learning_usage(self) -> Usage:
        """What the episodes on training documents have asked of models."""
        ended = [episode for episodes in self._ended().values() for episode in episodes]
        return sum((episode.usage for episode in ended), Usage())

    def _ended(self) -> dict[str, list[Episode]]:
        """Return the training episodes that have ended, by candidate."""
        return {
            name: [one.result() for one in found.values() if one.done() and not one.exception()]
            for name, (_, found) in self._learned.items()
        }

    def _learn(self, candidate: Candidate, document: Document, sample: str) -> Episode:
        """Run a training document, unless it has been run with this candidate and sample."""
        with self._lock:
            _, found = self._learned.setdefault(candidate.id, (candidate, {}))
            key = (sample, document.id)
            if new := key not in found:
                if self._to_learn < 1:
                    raise Stopped
                self._pay(1)
                self._to_learn -= 1
                found[key] = Future()
        settled()
        if new:
            try:
                found[key].set_result(self._run(candidate, [document], sample)[0])
            except BaseException as error:
                found[key].set_exception(error)  # For those that wait for it.
                raise
        return found[key].result()

    def _pay(self, episodes: int) -> None:
        if self.left < episodes:
            raise Stopped
        self.left -= episodes

    def _run(
        self, candidate: Candidate, documents: Sequence[Document], sample: str
    ) -> list[Episode]:
        """Measure by the objective; an outage is never taken for a bad candidate."""
        episodes = self._outside.copy().run(self.objective.episodes, candidate, documents, sample)
        for one in episodes:
            if one.failure is not None and one.failure.kind == "infrastructure":
                raise RuntimeError(
                    f"{one.document_id}: {one.failure}; mend the endpoint (`autodata check`) and "
                    "run again, finished calls are kept"
                )
        return episodes

    def _episodes(self, trial: Trial) -> dict[str, Episode]:
        return {one.document_id: one for one in trial.episodes}
