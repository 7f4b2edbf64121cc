"""Joint search over instructions, demonstrations and settings with Optuna."""

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import fmean
from typing import Any

import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from ..programs import Document, Episode, Usage
from .candidate import Candidate
from .files import cut_torn_tail, write_whole
from .measurement import score
from .methods import Setup
from .objective import Objective
from .options import SearchOptions
from .space import Point, Space, first_space, next_space, short
from .trial import Trial, refuse_outage


class OptunaSearch:
    """Ask, measure, tell: one trial after the other, the documents of a trial in parallel.

    The study and the space are kept in `folder`, so that a search that was killed goes on where it
    was. A trial's sampler is seeded by the number of trials before it: the resumed search asks for
    the same points as an undisturbed one.

    Args:
        setup: What every method is given. Without a folder the study is kept in memory.
    """

    def __init__(self, setup: Setup) -> None:
        self.options = setup.options
        self.proposer = setup.proposer
        self.seed = setup.seed
        self.folder = setup.folder
        self.usage = Usage()

    def search(
        self,
        objective: Objective,
        train: Sequence[Document],
        validation: Sequence[Document],
        watch: Callable[[Trial], None],
    ) -> list[Trial]:
        """Measure `options.trials` points, the baseline first, generation by generation."""
        trials: list[Trial] = []
        space: Space | None = None
        ends = [
            round(self.options.trials * (generation + 1) / self.options.generations)
            for generation in range(self.options.generations)
        ]
        for generation, end in enumerate(ends):
            if end == len(trials):
                continue
            space = self._space(generation, space, trials, objective, train)
            self.usage = space.usage
            study = self._study(generation, space, trials)
            ended = [trial for trial in study.get_trials(deepcopy=False) if _ended(trial)]
            for local, number in enumerate(range(len(trials), end)):
                if local < len(ended):
                    trial = self._replayed(number, ended[local], space, objective, validation)
                else:
                    point = space.openings[local] if local < len(space.openings) else None
                    trial = self._next(number, point, study, space, objective, validation)
                trials.append(trial)
                watch(trial)
                refuse_outage(trials)
        return trials

    def _space(
        self,
        generation: int,
        before: Space | None,
        trials: Sequence[Trial],
        objective: Objective,
        train: Sequence[Document],
    ) -> Space:
        """Propose a generation's choices, or read those of an earlier start."""
        file = self.folder / f"space-{generation}.json" if self.folder else None
        best = max(trials, key=lambda t: (t.state == "complete", t.value or 0.0), default=None)
        if file is not None and file.exists():
            own = Candidate.of(objective.program)
            start = before.candidate(best.params) if before and best else own
            objective.episodes(start, train, "train")  # Kept, and a part of what this run asked.
            return Space.model_validate_json(file.read_text())
        seed = self.seed + generation
        if before is None or best is None:
            space = first_space(objective, train, self.options, self.proposer, seed=seed)
        else:
            space = next_space(
                before, best.params, objective, train, self.options, self.proposer, seed=seed
            )
        if file is not None:
            write_whole(file, space.model_dump_json(indent=1))
        return space

    def _study(self, generation: int, space: Space, before: Sequence[Trial]) -> optuna.Study:
        """Open a generation's study, which inherits the trials before it.

        Optuna freezes the choices of a study, so that new instructions need a new one. A trial that
        was under way when a run died is closed as failed.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            study_name=f"autodata-{generation}",
            direction="maximize",
            storage=self._storage(),
            load_if_exists=True,
            pruner=_pruner(self.options),
            sampler=optuna.samplers.RandomSampler(seed=self.seed),
        )
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        known = {one.user_attrs.get("inherited") for one in study.get_trials(deepcopy=False)}
        for trial in before:
            if trial.value is not None and trial.number not in known:
                study.add_trial(_inherited(trial, space))
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
        point: Point | None,
        study: optuna.Study,
        space: Space,
        objective: Objective,
        validation: Sequence[Document],
    ) -> Trial:
        """Ask for a point, or take the given one; measure it, tell the result."""
        study.sampler = _sampler(self.options.sampler, self.seed + number)
        if point is not None and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(point)
        asked = study.ask(_distributions(space))
        candidate = _candidate(number, asked.params, space, objective)
        episodes, estimate = self._measure(asked, study, candidate, objective, validation)
        trial = Trial.ended(number, "sampler", candidate, asked.params, episodes, estimate=estimate)
        asked.set_user_attr("documents", len(episodes))
        asked.set_user_attr("candidate", candidate.id)
        # Last: with it a trial can be rebuilt, should a kill come before it is told.
        asked.set_user_attr("state", trial.state)
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
        candidate = _candidate(number, ended.params, space, objective)
        part = validation[: ended.user_attrs["documents"]]
        episodes = objective.episodes(candidate, part, "validation")
        estimate = ended.value if ended.user_attrs["state"] == "pruned" else None
        return Trial.ended(number, "sampler", candidate, ended.params, episodes, estimate=estimate)


def _candidate(number: int, params: Any, space: Space, objective: Objective) -> Candidate:
    """Return the candidate at a point. Trial 0 is the program exactly as it was given."""
    return Candidate.of(objective.program) if number == 0 else space.candidate(params)


def _inherited(trial: Trial, space: Space) -> optuna.trial.FrozenTrial:
    """Write a trial of an earlier generation down for a study with more choices."""
    return optuna.trial.create_trial(
        value=trial.value,
        params=dict(trial.params),
        distributions=_distributions(space),
        user_attrs={"inherited": trial.number},
        intermediate_values={
            index: value
            for index, episode in enumerate(trial.episodes)
            if (value := score(episode)) is not None
        },
    )


def _ended(trial: optuna.trial.FrozenTrial) -> bool:
    """Tell a trial that ended by itself from one that a killed run left behind, told or not."""
    found = trial.user_attrs.get("state")
    told = trial.state is TrialState.COMPLETE and found is not None
    return told or (trial.state is TrialState.FAIL and found == "failed")


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
    if kind == "gp" or (kind == "auto" and find_spec("torch") is not None):
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=8)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=8)


def _pruner(options: SearchOptions) -> optuna.pruners.BasePruner:
    if not options.prune:
        return optuna.pruners.NopPruner()
    with warnings.catch_warnings():
        # Optuna calls it experimental: its interface may change, and the version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.WilcoxonPruner(p_threshold=0.05, n_startup_steps=options.prune_after)


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
