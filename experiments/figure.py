"""A comparison as a picture: how the solvers fare on each method's tasks, and the gap between."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .compare_result import Comparison, Estimate

WEAK, STRONG, GAP = "#D55E00", "#0072B2", "#009E73"
"""Vermillion, blue and green of Okabe and Ito, which colour-blind people tell apart."""


def draw_comparison(file: Path, found: Comparison) -> None:
    """Draw means with their 95 % intervals, a line for each method, as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = found.methods
    figure = Figure(figsize=(9, 1.5 + 0.55 * len(rows)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grades, gaps = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _points(grades, [row.weak for row in rows], WEAK, "o", "weak", -0.12)
    _points(grades, [row.strong for row in rows], STRONG, "s", "strong", 0.12)
    _points(gaps, [row.gap for row in rows], GAP, "D", "tasks kept", -0.12)
    _points(gaps, [row.objective for row in rows], "black", "|", "all documents, 0 without", 0.12)
    for number, row in enumerate(rows):
        if row.gap is None:
            word = "no task kept" if row.kept == 0 else "not measured"
            grades.text(0.5, number, word, ha="center", va="center", style="italic")
    grades.set(xlabel="mean grade", xlim=(0, 1), yticks=range(len(rows)))
    grades.set_yticklabels([f"{row.method}\n{row.kept} of {row.documents} kept" for row in rows])
    grades.set_ylim(len(rows) - 0.5, -0.5)
    gaps.set_xlabel("gap: strong minus weak")
    gaps.axvline(0, color="gray", linewidth=0.8)
    for axes in (grades, gaps):
        axes.grid(axis="x", linewidth=0.4, alpha=0.6)
        axes.tick_params(axis="y", length=0)
        handles, _ = axes.get_legend_handles_labels()
        if handles:
            place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
            axes.legend(fontsize="small", ncols=2, frameon=False, **place)
    figure.savefig(file, metadata={"Software": None})


def _points(
    axes: Any,
    estimates: Sequence[Estimate | None],
    colour: str,
    marker: str,
    label: str,
    offset: float,
) -> None:
    """Draw one estimate a line, a little above or below the line so that none hides another."""
    known = [(number + offset, one) for number, one in enumerate(estimates) if one is not None]
    if not known:
        return
    axes.errorbar(
        [one.value for _, one in known],
        [place for place, _ in known],
        # A bootstrap interval need not hold its estimate, and bars have no negative length.
        xerr=[
            [max(0.0, one.value - one.low) for _, one in known],
            [max(0.0, one.high - one.value) for _, one in known],
        ],
        fmt=marker,
        color=colour,
        label=label,
        capsize=3,
        markersize=7,
        linewidth=1.4,
    )
