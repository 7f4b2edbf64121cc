"""The main job: optimize a program, choose a winner, measure it on unseen documents, export it."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ..optimizers import (
    Candidate,
    Choice,
    Measurement,
    Method,
    Setup,
    Trial,
    choose,
    find_method,
    fresh_episodes,
    last_space,
)
from ..programs import PROPOSER, Document, Episode
from .compiled import save_compiled
from .config import ExperimentConfig
from .errors import InputError
from .heldout import held_out, held_out_cost
from .plan import Plan, make_plan
from .progress import Reporter
from .report import write_report
from .result import Result, Tracked, curse, difference, side, validated
from .session import Session, open_session
from .tracking import Tracker
from .worker import check_shared, local_workers

KEPT = ("space-*.json", "evolution.json", "learned.json", "plan.json")
"""What methods leave in a run's folder, and how the search ended, to be kept with the run. What
`limits.json` says is only for workers, while it searches."""


def optimize(config: ExperimentConfig, reporter: Reporter, *, workers: int = 1) -> Result:
    """Run an experiment to its end, or go on with one that was interrupted.

    Leaves in the run's folder: `config.toml`, `journal.jsonl`, the study, `trials.json`,
    `compiled/`, `report/` and `result.json`.

    Args:
        config: What to do.
        reporter: Told of progress.
        workers: Processes that measure trials, this one included; at least 1.

    Raises:
        InputError: If the configuration or the documents cannot be used.
        RuntimeError: If no episode can be scored.
    """
    started = time.monotonic()
    if PROPOSER not in config.models:
        raise InputError("models: optimization needs a model that proposes; add [models.proposer]")
    if workers > 1:
        check_shared(config)
    with ExitStack() as opened:
        session = opened.enter_context(open_session(config, reporter))
        config = session.config
        splits = session.split()
        # Opened after all input has been checked, so that MLflow shows no run that never began.
        tracker = opened.enter_context(Tracker(config))
        reporter.line(
            f"{config.run}: {len(splits.train)} documents to learn from, {len(splits.validation)} "
            f"to compare on, {len(splits.test)} to test on"
        )
        plan = make_plan(session, after=partial(held_out_cost, session))
        method = _method(session, plan)
        with local_workers(config, 0 if plan.ended else workers - 1, reporter):
            trials = _search(session, plan, method, tracker)
        fresh = fresh_episodes(config.search.finalists, len(splits.validation))
        reporter.stage("finalists, fresh answers", fresh)
        choice = choose(
            trials, session.objective, splits.validation, finalists=config.search.finalists
        )
        result = _result(session, method, trials, choice, tracker.location, started)
        _leave(config, choice.winner, trials, result)
        try:
            tracker.finish(result, _files(config.folder))
        except RuntimeError as error:
            raise RuntimeError(f"{config.folder}/result.json is written, but {error}") from error
    return result


def _method(session: Session, plan: Plan) -> Method:
    config = session.config
    setup = Setup(
        plan.search,
        session.models[PROPOSER],
        seed=config.seed,
        folder=config.folder,
        in_flight=config.at_once,
    )
    return find_method(config.method, setup)


def _search(session: Session, plan: Plan, method: Method, tracker: Tracker) -> list[Trial]:
    """Let the method work, and show and log every trial as it ends."""
    reporter, splits = session.reporter, session.split()
    baselines: list[Candidate] = []

    def watch(trial: Trial) -> None:
        baselines.append(trial.candidate)
        tracker.trial(trial, baselines[0])
        reporter.line(_line(trial))
        # Several may be measured side by side, each on as many documents as it takes.
        reporter.stage(f"documents after trial {trial.number}", None, announce=False)

    reporter.stage("baseline, proposals", len(splits.train) + len(splits.validation))
    return plan.searched(
        lambda told: method.search(session.objective, splits.train, splits.validation, told), watch
    )


def _line(trial: Trial) -> str:
    found: Measurement = trial.measurement
    value = "   -  " if trial.value is None else f"{trial.value:+.3f}"
    accepted = "-" if found.acceptance is None else f"{found.acceptance:.0%}"
    choices = ["baseline"] if trial.number == 0 else trial.choices
    return (
        f"trial {trial.number:3d}  gap {value}  accepted {accepted:>4}  calls {found.calls:5d}  "
        f"{trial.state:8}  {' '.join(choices)}"
    ).rstrip()


def _result(
    session: Session,
    method: Method,
    trials: Sequence[Trial],
    choice: Choice,
    mlflow: Tracked,
    started: float,
) -> Result:
    """Measure baseline and winner on the test documents, which nothing has looked at before."""
    config, splits, usage = session.config, session.split(), method.usage
    session.reporter.stage("test documents", 2 * config.test_repeats * len(splits.test))
    before = _repeats(session, trials[0].candidate, splits.test)
    after = _repeats(session, choice.winner.candidate, splits.test)
    held = held_out(session, before, after)
    validation, won = validated(choice), side(after, seed=config.seed)
    usage += session.objective.usage
    return Result(
        run=config.run,
        method=config.method,
        seed=config.seed,
        documents={name: len(part) for name, part in splits._asdict().items()},
        baseline=side(before, seed=config.seed),
        winner=won,
        difference=difference(before, after, seed=config.seed),
        validation=validation,
        curse=curse(validation, won),
        heldout=held,
        trials=_states(trials),
        calls=usage.calls + (held.calls if held else 0),
        tokens=usage.tokens + (held.tokens if held else 0),
        seconds=round(time.monotonic() - started, 1),
        compiled=str(config.folder / "compiled"),
        mlflow=mlflow,
    )


def _repeats(
    session: Session, candidate: Candidate, test: Sequence[Document]
) -> list[list[Episode]]:
    """Measure a candidate on the test documents, `test_repeats` times, with fresh answers."""
    return [
        session.objective.episodes(candidate, test, f"test-{number}")
        for number in range(1, session.config.test_repeats + 1)
    ]


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
    space = last_space(config.folder)
    write_report(config.folder / "report", trials, winner, result, space)
    (config.folder / "result.json").write_text(result.model_dump_json(indent=1) + "\n")


def _files(folder: Path) -> dict[str, Path]:
    names = ["compiled", "report", "result.json", "trials.json"]
    names += sorted(file.name for name in KEPT for file in folder.glob(name))
    return {name: folder / name for name in names if (folder / name).exists()}
