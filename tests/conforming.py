"""A small world for any method, with a witness at every model, that can be killed and restarted."""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dspy
import dspy.lm15 as lm15

from autodata.optimizers import Candidate, Objective, SearchOptions, Setup, Trial, find_method
from autodata.programs import (
    PROPOSER,
    ROLES,
    Autodata,
    Document,
    Episode,
    LanguageModels,
    ModelConfig,
    Settings,
    lms,
)
from autodata.programs.cache import cache_key
from autodata.programs.endpoint import Backend

OPTIONS = SearchOptions(trials=5, generation=3, instructions=2, prune_after=2, finalists=1)

ABILITIES = {"weak": {"ability": -2.5}, "strong": {"ability": 1.0}}
"""Further apart than usual, so that few documents are enough for an accepted task."""
TRAIN, VALIDATION = (8, 11, 9), (6, 15, 18)
"""Documents of the default corpus, so that both have accepted tasks with seeds 0 and 1."""

Before = Callable[[int], None]
"""Told how many answers have been given; raises to break the run off."""
Rewrite = Callable[[str], str]
"""Turns an answer of the proposer into another one."""


class Store:
    """Keeps episodes as the journal does: from one start to the next."""

    def __init__(self) -> None:
        self.kept: dict[str, Episode] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.kept

    def get(self, key: str) -> Episode | None:
        return self.kept.get(key)

    def put(self, key: str, episode: Episode) -> None:
        self.kept[key] = episode


class Witness:
    """A backend that notes what it answered."""

    def __init__(self, backend: Backend, config: ModelConfig, run: "Run") -> None:
        self._backend, self._config, self._run = backend, config, run

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        self._run.before(len(self._run.answered))
        return self._noted(request, rollout, await self._backend.acomplete(request, rollout))

    async def close(self) -> None:
        await self._backend.close()

    def _noted(self, request: lm15.Request, rollout: str, response: lm15.Response) -> lm15.Response:
        role = self._config.model.partition("/")[2]
        if role == PROPOSER:
            text = self._run.rewrite(response.message.text or "")
            response = lm15.Response(
                id=None,
                model=response.model,
                message=lm15.Message.assistant(text),
                finish_reason=response.finish_reason,
                usage=response.usage,
            )
        key = cache_key(self._config.identity, request, rollout)
        text = response.message.text or ""
        self._run.answered.append(Answered(role, str(request.system or ""), key, text))
        return response


@dataclass(frozen=True)
class Answered:
    """One request that got its answer."""

    role: str
    system: str
    key: str
    text: str


@dataclass
class Run:
    """One start of a search, and everything that can be seen of it from outside."""

    method: str
    documents: Sequence[Document]
    folder: Path
    """Answer cache and the method's own folder; a restart is given the same."""
    seed: int = 0
    store: Store = field(default_factory=Store)
    answered: list[Answered] = field(default_factory=list)
    before: Before = lambda answers: None
    rewrite: Rewrite = lambda text: text
    told: list[Trial] = field(default_factory=list)
    measured: list[Candidate] = field(default_factory=list)
    stdout: str = ""
    settings: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    program: Autodata = field(init=False)

    @property
    def train(self) -> Sequence[Document]:
        return [self.documents[i] for i in TRAIN]

    @property
    def validation(self) -> Sequence[Document]:
        return [self.documents[i] for i in VALIDATION]

    def restarted(self) -> "Run":
        """Return a new start that knows what this one has paid for."""
        return Run(self.method, self.documents, self.folder, self.seed, self.store, self.answered)

    def search(self, watch: Callable[[Trial], None] = lambda trial: None) -> list[Trial]:
        """Search to the end, or to the exception that breaks it off."""
        (self.folder / "method").mkdir(parents=True, exist_ok=True)
        models = self._models()
        self.program = Autodata(models.roles, settings=Settings(rounds=2))
        objective = Objective(self.program, seed=self.seed, in_flight=4, store=self.store)
        run = objective.episodes

        def episodes(candidate: Candidate, *rest: Any) -> list[Episode]:
            self.measured.append(candidate)
            return run(candidate, *rest)

        objective.episodes = episodes  # pyright: ignore[reportAttributeAccessIssue]
        setup = Setup(
            OPTIONS,
            models[PROPOSER],
            seed=self.seed,
            folder=self.folder / "method",
            in_flight=4,
        )

        def heard(trial: Trial) -> None:
            self.told.append(trial)
            watch(trial)

        printed, before = io.StringIO(), settings()
        try:
            with contextlib.redirect_stdout(printed):
                return find_method(self.method, setup).search(
                    objective, self.train, self.validation, heard
                )
        finally:
            self.stdout, self.settings = printed.getvalue(), (before, settings())
            models.close()

    def _models(self) -> LanguageModels:
        configs = {
            role: ModelConfig(model=f"simulation/{role}", extra=ABILITIES.get(role, {}))
            for role in (*ROLES, PROPOSER)
        }
        real = lms.backend_for
        with patch.object(lms, "backend_for", lambda config: Witness(real(config), config, self)):
            return LanguageModels(configs, self.folder / "cache")


def settings() -> dict[str, Any]:
    """Return DSPy's settings as this thread sees them; the objects, whatever is in them."""
    return dict(dspy.settings.copy())


def seen(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    """Return what has to be the same when a search is repeated."""
    return [
        (t.number, t.origin, t.parent, t.state, t.params, t.value, t.candidate.id) for t in trials
    ]
