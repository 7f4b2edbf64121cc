"""Joint search over instructions, demonstrations and settings with Optuna."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import dspy
import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from ..programs import Document, Episode, Usage
from ..programs.usage import Ledger, observing
from .candidate import Candidate
from .files import cut_torn_tail, write_whole
from .measurement import score
from .objective import Objective
from .proposers import demo_sets, grounded_instructions
from .space import Space, short, space_of
from .trial import SearchOptions, Trial


class OptunaSearch:
    """Ask, measure, tell: one trial after the other, the documents of a trial in parallel.

    The study and the space are kept in `folder`, so that a search that was killed goes on where it
    was. A trial's sampler is seeded by the number of trials before it: the resumed search asks for
    the same points as an undisturbed one.

    Args:
        options: How long and how widely to search.
        proposer: The model that proposes instructions.
        seed: Root of the sampler's and the proposer's randomness.
        folder: Where the study is kept; in memory without one.
    """

    def __init__(
        self, options: SearchOptions, proposer: dspy.LM, *, seed: int, folder: Path | None = None
    ) -> None:
        self.options = options
        self.proposer = proposer
        self.seed = seed
        self.folder = folder
        self.usage = Usage()

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure `options.trials` points of the space, the baseline first."""
        space = self._space(objective, train)
        self.usage = space.usage
        study = self._study()
        ended = [trial for trial in study.get_trials(deepcopy=False) if _ended(trial)]
        trials: list[Trial] = []
        for number in range(self.options.trials):
            if number < len(ended):
                trial = self._replayed(number, ended[number], space, objective, validation)
            else:
                trial = self._next(number, study, space, objective, validation)
            trials.append(trial)
            watch(trial)
            _refuse_outage(trials)
        return trials

    def _space(self, objective: Objective, train: Sequence[Document]) -> Space:
        """Propose the choices, or read those of an earlier start."""
        file = self.folder / "space.json" if self.folder else None
        if file is not None and file.exists():
            return Space.model_validate_json(file.read_text())
        program = objective.program
        baseline = Candidate.of(program)
        episodes = objective.episodes(baseline, train, "train")
        demos = demo_sets(
            program,
            {document.id: document for document in train},
            episodes,
            sizes=self.options.demos,
        )
        ledger = Ledger()
        with observing(ledger.add):
            proposed = grounded_instructions(
                program,
                train,
                demos,
                self.proposer,
                count=self.options.instructions,
                seed=self.seed,
            )
        space = space_of(program, baseline, demos, proposed, self.options)
        space = space.model_copy(update={"usage": ledger.total})
        if file is not None:
            write_whole(file, space.model_dump_json(indent=1))
        return space

    def _study(self) -> optuna.Study:
        """Open the study; a trial that was under way when a run died is closed as failed."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            study_name="autodata",
            direction="maximize",
            storage=self._storage(),
            load_if_exists=True,
            pruner=_pruner(self.options),
            sampler=optuna.samplers.RandomSampler(seed=self.seed),
        )
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        return study

    def _storage(self) -> BaseStorage:
        if self.folder is None:
            return InMemoryStorage()
        path = self.folder / "study.log"
        lock = _Lock(str(path))
        with lock.held:
            cut_torn_tail(path)
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))

    def _next(
        self,
        number: int,
        study: optuna.Study,
        space: Space,
        objective: Objective,
        validation: Sequence[Document],
    ) -> Trial:
        """Ask for a point, measure it, tell the result."""
        study.sampler = _sampler(self.options.sampler, self.seed + number)
        if number == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(space.baseline)
        asked = study.ask(_distributions(space))
        candidate = space.candidate(asked.params)
        episodes, estimate = self._measure(asked, study, candidate, objective, validation)
        trial = Trial.ended(number, "sampler", candidate, asked.params, episodes, estimate=estimate)
        asked.set_user_attr("state", trial.state)
        asked.set_user_attr("documents", len(episodes))
        asked.set_user_attr("candidate", candidate.id)
        if trial.value is None:
            study.tell(asked, state=TrialState.FAIL)
        else:
            study.tell(asked, trial.value)
        return trial

    def _measure(
        self,
        asked: optuna.Trial,
        study: optuna.Study,
        candidate: Candidate,
        objective: Objective,
        validation: Sequence[Document],
    ) -> tuple[list[Episode], float | None]:
        """Run the documents in portions; return an estimate if the trial was stopped early."""
        episodes: list[Episode] = []
        portion = self.options.prune_after if self.options.prune else len(validation)
        for start in range(0, len(validation), portion):
            part = validation[start : start + portion]
            episodes += objective.episodes(candidate, part, "validation")
            for index, episode in enumerate(episodes[start:], start):
                if (value := score(episode)) is not None:
                    asked.report(value, step=index)
            if len(episodes) < len(validation) and self.options.prune and asked.should_prune():
                return episodes, _estimate(study.best_trial, episodes)
        return episodes, None

    def _replayed(
        self,
        number: int,
        ended: optuna.trial.FrozenTrial,
        space: Space,
        objective: Objective,
        validation: Sequence[Document],
    ) -> Trial:
        """Rebuild a trial of an earlier start; its episodes are in the store."""
        candidate = space.candidate(ended.params)
        part = validation[: ended.user_attrs["documents"]]
        episodes = objective.episodes(candidate, part, "validation")
        estimate = ended.value if ended.user_attrs["state"] == "pruned" else None
        return Trial.ended(number, "sampler", candidate, ended.params, episodes, estimate=estimate)


def _ended(trial: optuna.trial.FrozenTrial) -> bool:
    """Tell a trial that ended by itself from one that a killed run left behind, told or not."""
    found = trial.user_attrs.get("state")
    return trial.state is TrialState.COMPLETE or (
        trial.state is TrialState.FAIL and found == "failed"
    )


def _estimate(best: optuna.trial.FrozenTrial, episodes: Sequence[Episode]) -> float:
    """Estimate a stopped trial's value by its difference from the best on the same documents.

    Telling the sampler an estimate keeps what was learned; telling it "pruned" would not. It stays
    below the best, which no stopped trial may become.
    """
    differences = [
        value - best.intermediate_values[index]
        for index, episode in enumerate(episodes)
        if (value := score(episode)) is not None and index in best.intermediate_values
    ]
    value = best.value or 0.0
    return min(value + fmean(differences), value - 1e-6)


def _sampler(kind: str, seed: int) -> optuna.samplers.BaseSampler:
    if kind == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if kind == "gp" or (kind == "auto" and _has_torch()):
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=8)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=8)


def _has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


def _pruner(options: SearchOptions) -> optuna.pruners.BasePruner:
    if not options.prune:
        return optuna.pruners.NopPruner()
    with warnings.catch_warnings():
        # Optuna calls it experimental: its interface may change, and the version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.WilcoxonPruner(p_threshold=0.05, n_startup_steps=options.prune_after)


def _refuse_outage(trials: Sequence[Trial]) -> None:
    """Stop instead of spending a study on models that do not answer."""
    last = trials[-3:]
    hopeless = trials[0].state == "failed" or (
        len(last) == 3 and all(trial.state == "failed" for trial in last)
    )
    if hopeless:
        failures = [e.failure for e in trials[-1].episodes if e.failure is not None]
        reason = str(failures[0]) if failures else "no document was scored"
        raise RuntimeError(
            f"no episode can be scored ({reason}); run `autodata check` on the config"
        )


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return a space as Optuna wants it."""
    found: dict[str, BaseDistribution] = {
        short(name): CategoricalDistribution(list(texts))
        for name, texts in space.instructions.items()
    }
    found["demos"] = CategoricalDistribution(list(space.demos))
    found["temperature"] = FloatDistribution(*space.temperature)
    found["memory"] = CategoricalDistribution(list(space.memory))
    return found


class _Lock(JournalFileOpenLock):
    """A lock on the study's file that the operating system frees when its holder dies.

    Optuna's own locks stay behind after a `kill -9`, and hold up the next start for half a minute.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.held = FileLock(f"{path}.held", thread_local=False)

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        self.held.acquire()
        return True

    def release(self) -> None:
        """Give the lock back."""
        self.held.release()
