"""Joint search over instructions, demonstrations and settings with Optuna."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import dspy
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from ..programs import Document, Episode, Usage
from ..programs.records import Record
from ..programs.usage import Ledger, observing
from .candidate import Candidate, Knobs
from .measurement import measured, score
from .objective import Objective
from .proposers import demo_sets, grounded_instructions
from .proposers.bootstrap import Demos
from .trial import SearchOptions, Trial


class Space(Record):
    """What the study chooses from. Choices are short names; the texts are kept here."""

    instructions: dict[str, dict[str, str]]
    """For each predictor its instructions by name; the first is the baseline's."""
    demos: dict[str, Demos]
    """Sets of demonstrations by name; `none` is the baseline's."""
    temperature: tuple[float, float]
    memory: tuple[int, ...]
    baseline: dict[str, str | int | float]
    """The point that is the baseline program."""
    usage: Usage = Usage()
    """What the proposals cost."""

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the space as Optuna wants it."""
        space: dict[str, BaseDistribution] = {
            _short(name): CategoricalDistribution(list(texts))
            for name, texts in self.instructions.items()
        }
        space["demos"] = CategoricalDistribution(list(self.demos))
        space["temperature"] = FloatDistribution(*self.temperature)
        space["memory"] = CategoricalDistribution(list(self.memory))
        return space

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """Return the candidate at a point of the space."""
        return Candidate(
            instructions={
                name: texts[params[_short(name)]] for name, texts in self.instructions.items()
            },
            demos=self.demos[params["demos"]],
            knobs=Knobs(temperature=round(params["temperature"], 3), memory=params["memory"]),
        )


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
        space = _space_of(program, baseline, demos, proposed, self.options)
        space = space.model_copy(update={"usage": ledger.total})
        if file is not None:
            _write_whole(file, space.model_dump_json(indent=1))
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
        path = str(self.folder / "study.log")
        return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))

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
        if number == 0:
            study.enqueue_trial(space.baseline)
        asked = study.ask(space.distributions())
        candidate = space.candidate(asked.params)
        episodes, estimate = self._measure(asked, study, candidate, objective, validation)
        gap = measured(episodes).gap
        value = gap if estimate is None else estimate
        state = "failed" if gap is None else "complete" if estimate is None else "pruned"
        asked.set_user_attr("state", state)
        asked.set_user_attr("documents", len(episodes))
        asked.set_user_attr("candidate", candidate.id)
        if value is None:
            study.tell(asked, state=TrialState.FAIL)
        else:
            study.tell(asked, value)
        return _trial(number, candidate, asked.params, state, value, episodes)

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
        return _trial(
            number, candidate, ended.params, ended.user_attrs["state"], ended.value, episodes
        )


def _trial(
    number: int,
    candidate: Candidate,
    params: Mapping[str, Any],
    state: Any,
    value: float | None,
    episodes: Sequence[Episode],
) -> Trial:
    return Trial(
        number=number,
        origin="baseline" if number == 0 else "sampler",
        state=state,
        candidate=candidate,
        params=dict(params),
        value=value,
        measurement=measured(episodes),
        episodes=tuple(episodes),
    )


def _space_of(
    program: Any,
    baseline: Candidate,
    demos: dict[str, Demos],
    proposed: Mapping[str, Sequence[str]],
    options: SearchOptions,
) -> Space:
    """Name the choices and find the baseline's point among them."""
    instructions = {
        name: {f"{_short(name)}-{i}": text for i, text in enumerate([own, *proposed.get(name, ())])}
        for name, own in baseline.instructions.items()
    }
    low, high = options.temperature
    role_lm = program.challenger.role_lm
    own = baseline.knobs.temperature or (role_lm.kwargs.get("temperature") if role_lm else None)
    memory = tuple(dict.fromkeys([program.settings.memory, *options.memory]))
    point: dict[str, str | int | float] = {
        _short(name): next(iter(texts)) for name, texts in instructions.items()
    }
    point |= {
        "demos": "none",
        "temperature": min(max(1.0 if own is None else own, low), high),
        "memory": program.settings.memory,
    }
    return Space(
        instructions=instructions,
        demos=demos,
        temperature=options.temperature,
        memory=memory,
        baseline=point,
    )


def _short(predictor: str) -> str:
    """Return a predictor's verb: `write` for `challenger.write`."""
    return predictor.rpartition(".")[2]


def _ended(trial: optuna.trial.FrozenTrial) -> bool:
    """Tell a trial that ended by itself from one that a killed run left behind."""
    return trial.state.is_finished() and "state" in trial.user_attrs


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


def _write_whole(file: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it."""
    part = file.with_suffix(".part")
    part.write_text(text)
    part.replace(file)
