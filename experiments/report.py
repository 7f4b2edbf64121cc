"""A run for people: a table for the terminal, and a page with a picture in the run's folder."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from ..optimizers import Trial
from .result import Result, Side

_ROWS = (
    ("gap, all documents", "gap", ".3f"),
    ("acceptance", "acceptance", ".0%"),
    ("weak mean, accepted", "weak", ".3f"),
    ("strong mean, accepted", "strong", ".3f"),
    ("rounds per document", "rounds", ".2f"),
    ("model calls", "calls", ",d"),
    ("tokens per accepted task", "tokens_per_accepted", ",.0f"),
    ("episodes not scored", "failures", "d"),
)


def cells(side: Side) -> list[str]:
    """Return one program's column of the comparison."""
    column = []
    for _, name, form in _ROWS:
        value = getattr(side, name)
        text = "-" if value is None else format(value, form)
        if name == "gap" and value is not None:
            text += f" [{side.gap_low:.3f}, {side.gap_high:.3f}]"
        column.append(text)
    return column


def comparison(baseline: Side, winner: Side, *, title: str, other: str = "winner") -> Table:
    """Return the table of two programs on the test documents."""
    table = Table(title=title, title_justify="left")
    table.add_column("on test documents")
    table.add_column("baseline", justify="right")
    table.add_column(other, justify="right")
    for row in zip([label for label, _, _ in _ROWS], cells(baseline), cells(winner), strict=True):
        table.add_row(*row)
    return table


def verdict(result: Result) -> str:
    """Say in one line whether the winner is better than the baseline."""
    found = result.difference
    if found.gap is None or found.low is None or found.high is None:
        return "No test document could be scored for both programs."
    interval = f"{found.gap:+.3f}, 95 % interval {found.low:+.3f} to {found.high:+.3f}"
    if found.low > 0:
        return f"The winner's gap is larger than the baseline's: {interval}."
    if found.high < 0:
        return f"The baseline's gap is larger than the winner's: {interval}."
    return f"No difference in the gap can be told from chance: {interval}."


def write_report(folder: Path, trials: Sequence[Trial], winner: Trial, result: Result) -> None:
    """Write `report.md` and `trials.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    _draw(folder / "trials.svg", trials, winner)
    rows = "\n".join(
        f"| {label} | {before} | {after} |"
        for (label, _, _), before, after in zip(
            _ROWS, cells(result.baseline), cells(result.winner), strict=True
        )
    )
    listed = "\n".join(
        f"| {trial.number} | {trial.state} | {_number(trial.value)} "
        f"| {_number(trial.measurement.acceptance)} | {trial.measurement.calls} |"
        for trial in trials
    )
    (folder / "report.md").write_text(
        f"# Run {result.run}\n\n{verdict(result)}\n\n"
        f"| on {result.documents['test']} test documents | baseline | winner |\n|---|---:|---:|\n"
        f"{rows}\n\n![Gap by trial](trials.svg)\n\n## Trials\n\n"
        f"| trial | state | gap | acceptance | calls |\n|---:|---|---:|---:|---:|\n{listed}\n"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _draw(file: Path, trials: Sequence[Trial], winner: Trial) -> None:
    """Draw the gap of every trial on the validation documents, and the best so far."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    for state, marker, label in (("complete", "o", "complete"), ("pruned", "x", "stopped early")):
        shown = [t for t in trials if t.state == state and t.value is not None]
        if shown:
            axes.scatter(
                [t.number for t in shown],
                [t.value or 0.0 for t in shown],
                marker=marker,
                label=label,
            )
    best, steps = float("-inf"), []
    for trial in trials:
        if trial.state == "complete" and trial.value is not None:
            best = max(best, trial.value)
        steps.append(best)
    axes.step([t.number for t in trials], steps, where="post", linewidth=1, label="best so far")
    axes.axhline(trials[0].value or 0.0, linestyle=":", linewidth=1, label="baseline")
    axes.annotate(
        "winner", (winner.number, winner.value or 0.0), xytext=(0, 8), textcoords="offset points"
    )
    axes.set(xlabel="trial", ylabel="gap on validation documents")
    axes.margins(y=0.12)
    axes.legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None})
