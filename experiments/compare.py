"""Methods side by side: the same documents, models and gate, measured by fresh attempts."""

import difflib
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from ..optimizers.files import write_whole
from ..programs import Usage
from ..programs.baselines import METHODS
from .compare_documents import documents_text
from .compare_entries import comparison_entry, method_entry
from .compare_result import Comparison, Work, against, row
from .compare_table import markdown
from .compare_work import BUDGETED, PAYER, Workbench, programs
from .config import ExperimentConfig
from .errors import InputError
from .figure import draw_comparison
from .progress import Reporter
from .session import Session, open_session
from .tracking import Tracker

SUFFIX = "-compare"
"""What the folder of a comparison has after the run's name."""


def method_names(text: str, calls: int | None = None) -> list[str]:
    """Read a list of methods such as `cot,best-of-n,agentic`.

    Args:
        text: Names with commas between them.
        calls: Model calls per document for the method with a budget, if they were given.

    Raises:
        InputError: If a name is unknown or stands twice, or a method lacks another that it needs.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(f"--methods {text!r}: no method; choose from {', '.join(METHODS)}")
    for name in names:
        if name not in METHODS:
            near = difflib.get_close_matches(name, METHODS, 1)
            hint = f"did you mean {near[0]!r}?" if near else "choose from these"
            raise InputError(f"--methods {name:.60}: known are {', '.join(METHODS)}; {hint}")
        if names.count(name) > 1:
            raise InputError(f"--methods {name}: stands twice; name every method once")
    if BUDGETED in names and PAYER not in names and calls is None:
        raise InputError(
            f"--methods {BUDGETED}: gets as many calls as {PAYER} made; add {PAYER} to the "
            "methods, or give a number with --calls"
        )
    if calls is not None and BUDGETED not in names:
        raise InputError(f"--calls {calls}: only {BUDGETED} has a budget; add it to --methods")
    return names


def compare(
    config: ExperimentConfig,
    reporter: Reporter,
    *,
    methods: Sequence[str],
    calls: int | None = None,
) -> Comparison:
    """Run methods on the same documents and compare the tasks that they keep.

    Leaves in the folder RUNS/RUN-compare: `config.toml`, `journal.jsonl`, `documents.jsonl`,
    `compare.json`, `compare.md` and `compare.png`. The same call again goes on after an
    interruption.

    Args:
        config: Documents, models, domain and gate. The search and the splits play no part.
        reporter: Shows the progress.
        methods: Names as `method_names` returns them; the first is what others are compared with.
        calls: Model calls per document for the method with a budget.

    Raises:
        InputError: If the configuration, the documents or a method cannot be used.
        RuntimeError: If MLflow does not record the comparison.
    """
    started = time.monotonic()
    names = method_names(",".join(methods), calls)
    config = _own_folder(config)
    with ExitStack() as opened:
        session = opened.enter_context(open_session(config, reporter))
        config = session.config
        made = programs(session, names)
        # Opened after all input has been checked, so that MLflow shows no run that never began.
        tracker = opened.enter_context(Tracker(config, kind="comparison"))
        bench, done = Workbench(session, calls), dict[str, Work]()
        try:
            # What has a budget comes last: another method's calls may be what it gets.
            for name in sorted(names, key=lambda name: name == BUDGETED):
                done[name] = bench.work(name, made[name])
        except BaseException:
            reporter.line(f"stopped with {len(session.journal)} finished episodes and measurements")
            raise
        works = [done[name] for name in names]
        found = _compared(session, works, tracker, time.monotonic() - started)
        _leave(config.folder, works, found)
        try:
            _record(session, tracker, works, found)
        except RuntimeError as error:
            raise RuntimeError(f"{config.folder}/compare.md is written, but {error}") from error
    return found


def _own_folder(config: ExperimentConfig) -> ExperimentConfig:
    """Name the run after what it is, so that it shares no folder with a search."""
    try:
        values = {**config.model_dump(), "run": f"{config.run}{SUFFIX}"}
        return ExperimentConfig.model_validate(values)
    except ValidationError:
        raise InputError(
            f"run={config.run!r}: too long, as the folder gets {SUFFIX!r} behind it; choose a "
            f"name of at most {64 - len(SUFFIX)} characters with --set run=NAME"
        ) from None


def _compared(
    session: Session, works: Sequence[Work], tracker: Tracker, seconds: float
) -> Comparison:
    config = session.config
    used = [one.usage for work in works for one in (*work.episodes, *work.measured.values())]
    usage = sum(used, Usage())
    return Comparison(
        run=config.run,
        domain=config.domain,
        gate=config.rule.name,
        seed=config.seed,
        documents=len(session.documents),
        attempts={
            "weak": config.settings.weak_attempts,
            "strong": config.settings.strong_attempts,
        },
        methods=[row(work, seed=config.seed) for work in works],
        differences=[against(work, works[0], seed=config.seed) for work in works[1:]],
        calls=usage.calls,
        tokens=usage.tokens,
        seconds=round(seconds, 1),
        folder=str(config.folder),
        mlflow=tracker.location,
    )


def _leave(folder: Path, works: Sequence[Work], found: Comparison) -> None:
    """Write what a comparison leaves behind; `compare.json` last, as the sign that it is whole."""
    write_whole(folder / "documents.jsonl", documents_text(works))
    draw_comparison(folder / "compare.png", found)
    write_whole(folder / "compare.md", markdown(found))
    write_whole(folder / "compare.json", found.model_dump_json(indent=1) + "\n")


def _record(session: Session, tracker: Tracker, works: Sequence[Work], found: Comparison) -> None:
    """Record one child run for each method, and what they say together in the parent run."""
    numbers = {name: number for number, name in enumerate(METHODS)}
    for work, one in zip(works, found.methods, strict=True):
        against_first = next((d for d in found.differences if d.method == work.method), None)
        entry = method_entry(session.config, work, one, against_first)
        tracker.child(numbers[work.method], work.method, "method", entry)
    folder = session.config.folder
    names = ("compare.json", "compare.md", "compare.png", "documents.jsonl")
    tracker.conclude(comparison_entry(found), {name: folder / name for name in names})
