"""The trials as pictures: the gap by trial, and the gap against what an accepted task costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..optimizers import Trial


def draw_trials(file: Path, trials: Sequence[Trial], winner: Trial) -> None:
    """Draw the gap of every trial on the validation documents, and the best so far, as SVG."""
    figure, axes = _figure()
    for state, marker, label in (("complete", "o", "complete"), ("pruned", "x", "stopped early")):
        shown = [(t.number, t.value) for t in trials if t.state == state and t.value is not None]
        if shown:
            axes.scatter(*zip(*shown, strict=True), marker=marker, label=label)
    best, steps = float("-inf"), []
    for trial in trials:
        if trial.state == "complete" and trial.value is not None:
            best = max(best, trial.value)
        steps.append(best)
    axes.step([t.number for t in trials], steps, where="post", linewidth=1, label="best so far")
    axes.axhline(trials[0].value or 0.0, linestyle=":", linewidth=1, label="baseline")
    _name(axes, "winner", winner.number, winner.value or 0.0)
    axes.set(xlabel="trial", ylabel="gap on validation documents")
    _save(file, figure, axes)


def draw_pareto(file: Path, trials: Sequence[Trial], winner: Trial) -> None:
    """Draw the gap of complete trials against the tokens of an accepted task, as SVG."""
    figure, axes = _figure()
    shown, best = _shown(trials), front(trials)
    if shown:
        axes.scatter([_cost(t) for t in shown], [t.value for t in shown], label="complete")
        places = [_cost(t) for t in best], [t.value for t in best]
        axes.step(*places, where="post", linewidth=1, color="black")
        label = "nothing better and cheaper"
        axes.scatter(*places, s=90, marker="o", facecolors="none", edgecolors="black", label=label)
    words = {trials[0].number: "baseline", winner.number: "winner"}
    for trial in shown:
        _name(axes, words.get(trial.number, ""), _cost(trial), trial.value or 0.0)
    axes.set(xlabel="tokens per accepted task (validation)", ylabel="gap on validation documents")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    _save(file, figure, axes)


def front(trials: Sequence[Trial]) -> list[Trial]:
    """Return the complete trials that no other beats in gap and tokens at once, cheapest first.

    Of trials with equal gap and tokens the first is taken.
    """
    best: list[Trial] = []
    for trial in sorted(_shown(trials), key=lambda t: (_cost(t), -(t.value or 0.0), t.number)):
        if not best or (trial.value or 0.0) > (best[-1].value or 0.0):
            best.append(trial)
    return best


def _shown(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that have both numbers; the costs of stopped ones are of few documents."""
    return [t for t in trials if t.state == "complete" and t.value is not None and _cost(t) > 0]


def _cost(trial: Trial) -> float:
    return trial.measurement.tokens_per_accepted or 0.0


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _name(axes: Any, word: str, x: float, y: float) -> None:
    axes.annotate(word, (x, y), xytext=(0, 8), textcoords="offset points")


def _save(file: Path, figure: Any, axes: Any) -> None:
    axes.margins(y=0.12)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None})
