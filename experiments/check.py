"""Look before you pay: are the models there, do they answer in form, and what will it cost?"""

import time
from collections.abc import Mapping
from math import ceil
from tempfile import TemporaryDirectory
from typing import Any

import dspy
from pydantic import Field

from ..metrics.calibration import CALIBRATED
from ..optimizers import Candidate, fresh_episodes
from ..programs import Episode, LanguageModels, ModelConfig, Usage
from ..programs.usage import sample
from .calibrate import Calibrated, NotCalibratedError, probe
from .config import ExperimentConfig, Part
from .gate_file import kept_gate
from .progress import Reporter
from .session import Session, open_session


class ModelCheck(Part):
    """One role's model."""

    role: str
    model: str
    reachable: bool
    seconds: float
    """Time of one short answer."""
    independent: bool | None = None
    """Two attempts at one question differ; only asked of the solvers."""
    structured: str | None = None
    """The form of structured output that a server of your own follows."""
    problem: str = ""
    """What is wrong and what to do; empty if nothing is."""


class Estimate(Part):
    """What `optimize` will ask for, from one round on one document."""

    documents: int
    """Episodes of `generate`, whose share of everything below is `documents` / `episodes`."""
    episodes: int
    """Documents times measurements."""
    calls: tuple[int, int]
    """If every document is accepted in its first round, and if none ever is."""
    tokens: tuple[int, int]
    cost: tuple[float, float] | None
    """US dollars; `None` unless every model has `input_price` and `output_price`."""


class Checked(Part):
    """What `check` found."""

    run: str
    documents: int
    models: list[ModelCheck]
    surroundings: list[str] = Field(default_factory=list)
    """What the domain depends on in this machine, and whether it is there; a line each."""
    round: str
    """How one trial round on the first document ended."""
    estimate: Estimate | None
    """`None` if that round could not be run."""
    calibrated: Calibrated | None = None
    """A gate measured on the solvers, if one was asked for."""
    uncalibrated: str = ""
    """Why there is none though it was asked for."""

    @property
    def fine(self) -> bool:
        """Nothing stands in the way of a run."""
        sound = all(not model.problem for model in self.models) and self.estimate is not None
        return sound and not self.uncalibrated


def check(config: ExperimentConfig, reporter: Reporter, *, calibrate: int | None = None) -> Checked:
    """Ask every model something short, run one round, and estimate the whole.

    It works in a folder of its own, which it removes: no answer comes from a cache, and nothing is
    left behind, except the gate if one is to be calibrated.

    Args:
        config: The run to look at.
        reporter: Shows the progress.
        calibrate: Documents to calibrate a gate on, at least 4; `None` does not.

    Raises:
        InputError: If the configuration or the documents cannot be used.
    """
    with (
        TemporaryDirectory(prefix="autodata-check-", ignore_cleanup_errors=True) as scratch,
        open_session(_elsewhere(config, scratch), reporter) as session,
    ):
        reporter.stage("models", len(config.models))
        found = [_model(session, role) for role in config.models]
        reporter.stage("one round", 1)
        episode = _one_round(session)
        heard = _heard(session, episode) and episode.failure is None
        checked = Checked(
            run=config.run,
            documents=len(session.documents),
            models=found,
            surroundings=list(session.program.domain.surroundings()),
            round=_ended(episode),
            estimate=_estimate(config, len(session.documents), episode) if heard else None,
        )
        if calibrate is None:
            return checked
        return checked.model_copy(update=_calibrated(config, session, checked, calibrate))


def _elsewhere(config: ExperimentConfig, folder: str) -> ExperimentConfig:
    """Move a run to another folder; no gate is calibrated there that nobody asked for."""
    gate = config.gate
    if gate == CALIBRATED:
        gate = kept_gate(config) or config.task_domain.gate
    return config.model_copy(update={"runs": folder, "gate": gate})


def _calibrated(
    config: ExperimentConfig, session: Session, checked: Checked, documents: int
) -> dict[str, Any]:
    """Calibrate a gate, unless a model cannot be used; say what became of it."""
    unfit = [model.role for model in checked.models if model.problem]
    if unfit:
        return {"uncalibrated": f"no gate was calibrated: mend the model of {unfit[0]} first"}
    try:
        found = probe(config, session.models, session.documents, session.reporter, wanted=documents)
    except NotCalibratedError as error:
        return {"uncalibrated": f"no gate was calibrated: {error}"}
    return {"calibrated": found}


class Ready(dspy.Signature):
    """Answer in one short sentence."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


def _model(session: Session, role: str) -> ModelCheck:
    """Ask one role's model a short question, twice if it has to sample."""
    lm, config = session.models[role], session.config.models[role]
    started = time.monotonic()
    try:
        answers = [_answer(lm, "first")]
        seconds = round(time.monotonic() - started, 3)
        sampled = role in ("weak", "strong")
        answers += [_answer(lm, "second"), _answer(lm, "third")] if sampled else []
    except (dspy.LMError, dspy.AdapterParseError) as error:
        message = " ".join(str(error).split())[:200]
        return ModelCheck(
            role=role,
            model=config.model,
            reachable=False,
            seconds=0,
            problem=f"{message}; {_mend(config)}",
        )
    finally:
        session.reporter.advance(role)
    independent = len(set(answers)) > 1 if sampled else None
    return ModelCheck(
        role=role,
        model=config.model,
        reachable=True,
        seconds=seconds,
        independent=independent,
        structured=_probe(config) if config.api_base else None,
        problem=""
        if independent is not False
        else "three attempts were identical; raise temperature, or drop the server's fixed seed",
    )


def _answer(lm: dspy.LM, name: str) -> str:
    with sample(f"check-{name}"), dspy.context(lm=lm, disable_history=True):
        question = "What does a control group do in an experiment? Give an example of your own."
        return str(dspy.Predict(Ready)(question=question).answer)


def _mend(config: ModelConfig) -> str:
    if config.api_base:
        return f"is the server at {config.api_base} running, and does it serve {config.model!r}?"
    return "is the provider's key set (api_key_env), and does this machine reach the network?"


def _probe(config: ModelConfig) -> str:
    """Find the strictest form of structured output that an endpoint follows."""
    for form in ("json_schema", "json_object"):
        lm = LanguageModels({"probe": config.model_copy(update={"structured": form})})["probe"]
        try:
            with dspy.context(
                lm=lm,
                adapter=dspy.JSONAdapter(use_native_function_calling=False),
                disable_history=True,
            ):
                dspy.Predict(Ready)(question="What is a placebo?")
            return form
        except (dspy.LMError, dspy.AdapterParseError):
            continue
    return "none"


def _one_round(session: Session, tries: int = 4) -> Episode:
    """Run one round with every attempt made, on one document after the other.

    A task that the quality check refuses is paid for without solvers and judge, and would make the
    estimate too low. So another is tried until every role has been heard, with more rounds where
    first tasks are refused as a rule.
    """
    program = Candidate.of(session.program).applied(session.program)
    episodes: list[Episode] = []
    for rounds in (1, 4):
        program.settings = program.settings.model_copy(update={"rounds": rounds, "race": False})
        for document in session.documents[:tries]:
            episodes.append(program(document=document, rollout=f"check-{rounds}").episode)
            if _heard(session, episodes[-1]) or episodes[-1].failure is not None:
                session.reporter.advance(episodes[-1].document_id)
                return episodes[-1]
    session.reporter.advance(episodes[-1].document_id)
    return episodes[-1]


def _heard(session: Session, episode: Episode) -> bool:
    """Tell whether every role of the domain that always asks a model has done so."""
    domain = session.config.task_domain
    return set(domain.spoken) - set(domain.sparing) <= set(episode.roles)


def _ended(episode: Episode) -> str:
    """Say how the round ended, and why if nobody but the models is to blame."""
    if episode.stopped == "unsuitable":
        return f"unsuitable document: {episode.reason}"
    if episode.failure is not None or not episode.rounds:
        return str(episode.failure)
    last = episode.rounds[-1]
    return last.outcome.value if last.failure is None else f"{last.outcome.value} ({last.failure})"


def _estimate(config: ExperimentConfig, documents: int, episode: Episode) -> Estimate:
    """Scale one round up to the whole run."""
    train, validation = config.train * documents, config.validation * documents
    test = documents - train - validation
    search = config.search
    generations = ceil(search.trials / search.generation) if config.method == "optuna" else 1
    learned = train + (generations - 1) * min(search.lessons, train)
    compared = (search.trials + fresh_episodes(search.finalists, 1)) * validation
    episodes = round(learned + compared + 2 * config.test_repeats * test)
    rounds = config.settings.rounds
    usage, roles = episode.usage, episode.roles
    cost = _cost(config.models, roles)
    # Where more than one round was needed to hear everybody, one is the average of them.
    once = episodes / max(1, len(episode.rounds))
    most = once * rounds
    return Estimate(
        documents=documents,
        episodes=episodes,
        calls=(round(once * usage.calls), round(most * usage.calls)),
        tokens=(round(once * usage.tokens), round(most * usage.tokens)),
        cost=None if cost is None else (once * cost, most * cost),
    )


def _cost(models: Mapping[str, ModelConfig], roles: Mapping[str, Usage]) -> float | None:
    """Return what one round costs in US dollars; `None` if a price is missing."""
    total = 0.0
    for role, usage in roles.items():
        model = models[role]
        if model.input_price is None or model.output_price is None:
            return None
        total += usage.input_tokens * model.input_price + usage.output_tokens * model.output_price
    return total / 1e6
