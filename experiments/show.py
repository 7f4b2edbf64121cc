"""What the commands print for people."""

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .answers import AnswersKept
from .calibrate import Calibrated
from .check import Checked, Estimate
from .compare_result import Comparison
from .compare_table import remarks, tables, verdicts
from .gate_file import gate_table
from .generate import Evaluated, Generated
from .report import comparison, findings, verdict
from .result import Result

_console = Console(highlight=False, soft_wrap=True)


def show_result(result: Result, config: str, overrides: Sequence[str]) -> None:
    """Print the end of `optimize`: the comparison, the compiled program, and the way to the UI."""
    counts = result.trials
    title = (
        f"{result.run}: {result.documents['test']} test documents, {counts['complete']} trials "
        f"complete, {counts['pruned']} stopped early, {counts['failed']} failed"
    )
    _console.print(comparison(result.baseline, result.winner, title=title))
    for line in (verdict(result), *findings(result)):
        _console.print(line, markup=False)
    _console.print(
        f"{result.calls:,} model calls and {result.tokens:,} tokens in {result.seconds:.0f} s",
        markup=False,
    )
    _console.print(f"compiled program: {result.compiled}", markup=False)
    sets = [word for override in overrides for word in ("--set", override)]
    _console.print(
        f"compare the trials: {shlex.join(['autodata', 'ui', config, *sets])}", markup=False
    )


def show_evaluated(found: Evaluated) -> None:
    """Print the end of `evaluate`."""
    title = f"{escape(found.program)} on {found.documents} test documents"
    _console.print(comparison(found.baseline, found.winner, title=title, other="program"))
    low, high = found.difference.low, found.difference.high
    if found.difference.gap is not None and low is not None and high is not None:
        _console.print(
            f"difference {found.difference.gap:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}",
            markup=False,
        )


def show_compared(found: Comparison, config: str, overrides: Sequence[str]) -> None:
    """Print the end of `compare`: the methods, their differences, and where to look further."""
    for table in tables(found):
        _console.print(table)
    for line in (*remarks(found), *verdicts(found)):
        _console.print(line, markup=False)
    _console.print(
        f"{found.calls:,} model calls and {found.tokens:,} tokens in {found.seconds:.0f} s, fresh "
        "attempts included",
        markup=False,
    )
    _console.print(f"table and figure: {found.folder}/compare.md, compare.png", markup=False)
    sets = [word for one in (*overrides, f"run={found.run}") for word in ("--set", one)]
    _console.print(
        f"compare the runs: {shlex.join(['autodata', 'ui', config, *sets])}", markup=False
    )


def show_generated(found: Generated) -> None:
    """Print the end of `generate`."""
    measurement = found.measurement
    _console.print(
        f"{found.accepted} tasks from {measurement.episodes} documents "
        f"({measurement.failures} could not be scored), {measurement.calls:,} model calls, "
        f"{measurement.tokens:,} tokens",
        markup=False,
    )
    for outcome, count in measurement.outcomes.items():
        _console.print(f"  {outcome.lower():22} {count:6d} rounds", markup=False)
    for document, reason in found.failures.items():
        _console.print(f"  {document}: {reason}", markup=False)
    for document, reason in found.unsuitable.items():
        _console.print(f"  {document}: unsuitable, {reason}", markup=False)
    _console.print(f"tasks: {found.tasks}", markup=False)


def show_check(found: Checked) -> None:
    """Print the end of `check`."""
    table = Table(title=f"{found.run}: {found.documents} documents", title_justify="left")
    for column in ("role", "model", "answers", "structured", "independent"):
        table.add_column(column, overflow="fold")
    for model in found.models:
        independent = {None: "", True: "yes", False: "NO"}[model.independent]
        answers = f"{model.seconds:.2f} s" if model.reachable else "NO"
        table.add_row(model.role, escape(model.model), answers, model.structured or "", independent)
    _console.print(table)
    for model in found.models:
        if model.problem:
            _console.print(f"{model.role}: {model.problem}", markup=False)
    for line in found.surroundings:
        _console.print(line, markup=False)
    _console.print(f"one round on the first document: {found.round}", markup=False)
    if found.estimate is not None:
        _show_estimate(found.estimate)
    if found.uncalibrated:
        _console.print(found.uncalibrated, markup=False)
    if found.calibrated is not None:
        _show_calibrated(found.calibrated)


def _show_estimate(estimate: Estimate) -> None:
    for verb, episodes in (("generate", estimate.documents), ("optimize", estimate.episodes)):
        share = episodes / estimate.episodes
        calls = [round(share * number) for number in estimate.calls]
        tokens = [round(share * number) for number in estimate.tokens]
        money = "unknown (give input_price and output_price)"
        if estimate.cost is not None:
            low, high = (share * number for number in estimate.cost)
            money = f"{low:.2f} to {high:.2f} US dollars"
        _console.print(
            f"{verb}: {episodes:,} episodes, {calls[0]:,} to {calls[1]:,} calls, "
            f"{tokens[0]:,} to {tokens[1]:,} tokens, cost {money}",
            markup=False,
        )


def _show_calibrated(found: Calibrated) -> None:
    """Print how a gate came about, what each gate would do, and how to use the new one."""
    calibration = found.calibration
    _console.print(
        f"gate calibrated on single shots: {found.documents} documents, {found.calls:,} calls",
        markup=False,
    )
    for reason in calibration.reasons:
        _console.print(f"  {reason}", markup=False)
    shares = calibration.acceptance_now.items()
    listed = ", ".join(f"{name} {float(share):.0%}" for name, share in shares)
    _console.print(f"of these single shots each gate accepts: {listed}", markup=False)
    _console.print(
        f'kept in {found.file} for runs with gate = "calibrated"; or paste it at the end of the '
        "configuration:\n",
        markup=False,
    )
    _console.print(gate_table(calibration.gate), markup=False, end="")


def show_answers(found: AnswersKept) -> None:
    """Print what the cache of answers holds."""
    if found.removed:
        _console.print(f"{found.removed:,} answers removed", markup=False)
    table = Table(title=escape(found.folder), title_justify="left")
    for column in ("endpoint", "answers", "MB", "first", "last"):
        table.add_column(column, justify="right" if column in ("answers", "MB") else "left")
    for one in found.endpoints:
        days = (f"{moment.astimezone():%Y-%m-%d %H:%M}" for moment in (one.first, one.last))
        table.add_row(escape(one.endpoint), f"{one.answers:,}", f"{one.bytes / 1e6:,.1f}", *days)
    if found.endpoints:
        table.add_section()
        total = sum(one.bytes for one in found.endpoints) / 1e6
        count = sum(one.answers for one in found.endpoints)
        table.add_row("all", f"{count:,}", f"{total:,.1f}", "", "")
    _console.print(table)
