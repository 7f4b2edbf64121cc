"""Do the paper's findings have the same direction here? Three seeds a domain, offline.

Compares the loop with CoT Self-Instruct in every domain, and prints what the loop's tasks do to the
weak solver, to the strong one and to the spread of the weak one's attempts, per seed and over all
seeds (bootstrap over documents, whose differences are averaged over the seeds first).

    python benchmarks/directions.py [--seeds 1 2 3] [--runs FOLDER]
"""

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from autodata.experiments.compare import compare
from autodata.experiments.config import load_config
from autodata.experiments.progress import Reporter
from autodata.metrics import bootstrap_mean

PRESETS = {"research": "demo", "legal": "legal", "scientific": "scientific", "code": "code"}
MEASURES = {
    "weak, as accepted": ("selection_weak", "weak"),
    "strong, as accepted": ("selection_strong", "strong"),
    "weak, fresh": ("weak", "weak"),
    "strong, fresh": ("strong", "strong"),
    "gap, fresh": ("gap", "gap"),
    "weak std, fresh": ("weak_std", "weak_std"),
}
"""What is compared: the loop's value, and CoT's, which no gate has chosen."""

METHODS = ["cot", "best-of-n", "agentic"]
LEVELS = ("acceptance", "weak", "strong", "gap", "objective")

Levels = dict[str, dict[str, float | None]]
"""For each method its means."""


def compared(preset: str, seed: int, runs: Path) -> tuple[dict[str, dict[str, float]], Levels]:
    """Compare once; return the loop minus CoT for each measure and document, and all means."""
    overrides = [f"seed={seed}", f"runs={runs / str(seed)}"]
    config = load_config(preset, overrides)
    found = compare(config, Reporter(quiet=True), methods=METHODS)
    text = Path(found.folder, "documents.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    by_method = {
        m: {r["document"]: r for r in rows if r["method"] == m} for m in ("cot", "agentic")
    }
    result: dict[str, dict[str, float]] = {}
    for name, (mine, theirs) in MEASURES.items():
        pairs = {
            id: (row[mine], by_method["cot"][id][theirs])
            for id, row in by_method["agentic"].items()
        }
        result[name] = {
            id: a - b for id, (a, b) in pairs.items() if a is not None and b is not None
        }
    levels: Levels = {}
    for row in found.methods:
        estimates = {name: getattr(row, name) for name in LEVELS}
        levels[row.method] = {
            **{name: None if one is None else one.value for name, one in estimates.items()},
            "calls per task": row.calls_per_accepted,
        }
    return result, levels


def shown(values: list[float | None]) -> str:
    """Show the mean over the seeds that have a value."""
    there = [value for value in values if value is not None]
    return f"{fmean(there):.3f}" if there else "-"


def cell(values: list[float]) -> str:
    """Show a mean with its interval, and how many documents it rests on."""
    if not values:
        return "-"
    found = bootstrap_mean(values, seed=0)
    sign = "*" if found.low > 0 or found.high < 0 else " "
    return f"{found.estimate:+.3f}{sign}[{found.low:+.3f}, {found.high:+.3f}] n={len(values)}"


def main() -> None:
    """Run the comparisons and print a table for each domain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", type=Path, default=None)
    given = parser.parse_args()
    console = Console(width=150)
    with tempfile.TemporaryDirectory() as scratch:
        runs = given.runs or Path(scratch)
        for domain, preset in PRESETS.items():
            done = {seed: compared(preset, seed, runs) for seed in given.seeds}
            found = {seed: differences for seed, (differences, _) in done.items()}
            table = Table(
                title=f"{domain}: the loop minus CoT (* excludes 0)", title_justify="left"
            )
            for column in ("", *(f"seed {seed}" for seed in given.seeds), "all seeds"):
                table.add_column(column)
            for name in MEASURES:
                pooled: dict[str, list[float]] = defaultdict(list)
                for seed in given.seeds:
                    for id, value in found[seed][name].items():
                        pooled[id].append(value)
                cells = [cell(list(found[seed][name].values())) for seed in given.seeds]
                table.add_row(name, *cells, cell([fmean(values) for values in pooled.values()]))
            console.print(table)
            means = Table(title=f"{domain}: means over the seeds", title_justify="left")
            for column in ("", *LEVELS, "calls per task"):
                means.add_column(column)
            for method in METHODS:
                rows = [levels[method] for _, levels in done.values()]
                cells = [shown([row[name] for row in rows]) for name in (*LEVELS, "calls per task")]
                means.add_row(method, *cells)
            console.print(means)


if __name__ == "__main__":
    main()
