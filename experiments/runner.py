"""The main job: optimize a program, choose a winner, measure it on unseen documents, export it."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..optimizers import Candidate, Measurement, Method, Setup, Trial, choose, find_method
from ..programs import PROPOSER, Document, Episode
from .compiled import save_compiled
from .config import ExperimentConfig
from .errors import InputError
from .progress import Reporter
from .report import write_report
from .result import Difference, Result, Side, difference, side
from .session import Session, open_session
from .tracking import Tracker


def optimize(config: ExperimentConfig, reporter: Reporter) -> Result:
    """Run an experiment to its end, or go on with one that was interrupted.

    Leaves in the run's folder: `config.toml`, `journal.jsonl`, the study, `trials.json`,
    `compiled/`, `report/` and `result.json`.

    Raises:
        InputError: If the configuration or the documents cannot be used.
        RuntimeError: If no episode can be scored.
    """
    started = time.monotonic()
    if PROPOSER not in config.models:
        raise InputError("models: optimization needs a model that proposes; add [models.proposer]")
    with ExitStack() as opened:
        session = opened.enter_context(open_session(config, reporter))
        config = session.config
        splits = session.split()
        # Opened after all input has been checked, so that MLflow shows no run that never began.
        tracker = opened.enter_context(Tracker(config))
        method = _method(session)
        reporter.line(
            f"{config.run}: {len(splits.train)} documents to learn from, {len(splits.validation)} "
            f"to compare on, {len(splits.test)} to test on"
        )
        trials = _search(session, method, tracker)
        finalists = config.search.finalists + 1
        reporter.stage("finalists, fresh answers", finalists * len(splits.validation))
        winner, _ = choose(
            trials, session.objective, splits.validation, finalists=config.search.finalists
        )
        baseline = trials[0].candidate
        sides = _tested(session, baseline, winner.candidate, splits.test)
        result = Result(
            run=config.run,
            method=config.method,
            seed=config.seed,
            documents={name: len(part) for name, part in splits._asdict().items()},
            baseline=sides[0],
            winner=sides[1],
            difference=sides[2],
            trials=_states(trials),
            calls=session.objective.usage.calls + method.usage.calls,
            tokens=session.objective.usage.tokens + method.usage.tokens,
            seconds=round(time.monotonic() - started, 1),
            compiled=str(config.folder / "compiled"),
            mlflow=tracker.location,
        )
        _leave(config, winner, trials, result)
        tracker.finish(result, _files(config.folder))
    return result


def _method(session: Session) -> Method:
    config = session.config
    setup = Setup(
        config.search,
        session.models[PROPOSER],
        seed=config.seed,
        folder=config.folder,
        in_flight=config.in_flight,
    )
    return find_method(config.method, setup)


def _search(session: Session, method: Method, tracker: Tracker) -> list[Trial]:
    """Let the method work, and show and log every trial as it ends."""
    config, reporter, splits = session.config, session.reporter, session.split()
    baselines: list[Candidate] = []

    def watch(trial: Trial) -> None:
        baselines.append(trial.candidate)
        tracker.trial(trial, baselines[0])
        reporter.line(_line(trial))
        if trial.number + 1 < config.search.trials:
            title = f"trial {trial.number + 1}"
            reporter.stage(title, len(splits.validation), announce=False)

    reporter.stage("baseline, proposals", len(splits.train) + len(splits.validation))
    if config.method == "gepa":
        reporter.line("gepa shows its own progress and reports its candidates at the end")
    return method.search(session.objective, splits.train, splits.validation, watch)


def _line(trial: Trial) -> str:
    found: Measurement = trial.measurement
    value = "   -  " if trial.value is None else f"{trial.value:+.3f}"
    accepted = "-" if found.acceptance is None else f"{found.acceptance:.0%}"
    choices = " ".join(str(value) for value in trial.params.values() if isinstance(value, str))
    return (
        f"trial {trial.number:3d}  gap {value}  accepted {accepted:>4}  calls {found.calls:5d}  "
        f"{trial.state:8}  {choices}"
    )


def _tested(
    session: Session, baseline: Candidate, winner: Candidate, test: Sequence[Document]
) -> tuple[Side, Side, Difference]:
    """Measure both on the test documents, which nothing has looked at before."""
    config = session.config
    session.reporter.stage("test documents", 2 * config.test_repeats * len(test))

    def repeats(candidate: Candidate) -> list[list[Episode]]:
        return [
            session.objective.episodes(candidate, test, f"test-{number}")
            for number in range(1, config.test_repeats + 1)
        ]

    before, after = repeats(baseline), repeats(winner)
    return (
        side(before, seed=config.seed),
        side(after, seed=config.seed),
        difference(before, after, seed=config.seed),
    )


def _states(trials: Sequence[Trial]) -> dict[str, int]:
    counted = Counter(trial.state for trial in trials)
    return {state: counted[state] for state in ("complete", "pruned", "failed")}


def _leave(
    config: ExperimentConfig, winner: Trial, trials: Sequence[Trial], result: Result
) -> None:
    """Write what a run leaves behind; `result.json` last, as the sign that it is whole."""
    save_compiled(
        config.folder / "compiled",
        winner.candidate,
        config,
        metrics=result.model_dump(include={"baseline", "winner", "difference"}),
        mlflow=result.mlflow.model_dump(),
    )
    listed = [trial.model_dump(mode="json", exclude={"episodes"}) for trial in trials]
    (config.folder / "trials.json").write_text(json.dumps(listed, indent=1) + "\n")
    write_report(config.folder / "report", trials, winner, result)
    (config.folder / "result.json").write_text(result.model_dump_json(indent=1) + "\n")


def _files(folder: Path) -> dict[str, Path]:
    names = ["compiled", "report", "result.json", "trials.json"]
    names += sorted(file.name for file in folder.glob("space-*.json"))
    return {name: folder / name for name in names if (folder / name).exists()}
