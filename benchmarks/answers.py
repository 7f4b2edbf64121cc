"""Answers compared per second and core, for each kind of answer.

    python benchmarks/answers.py

One thread asks, so one process works; what the comparison costs, here and there, is counted by
the clock. Each round asks about new numbers, so that nothing is found in a cache.
"""

import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from autodata.metrics.answers import equivalent, extract_answer

ROUNDS = 5
ANSWERS = 12

Pair = tuple[str, str]
KINDS: dict[str, Callable[[int], Pair]] = {
    "number, equal text": lambda n: (f"{n}", f"{n}"),
    "number, other notation": lambda n: (f"${n},000.50", f"{n}000.5"),
    "words": lambda n: (f"The {'very ' * (n % 5)}old bridge.", "an old bridge"),
    "expression": lambda n: (f"(x+{n})^2", f"x^2 + {2 * n}x + {n * n}"),
    "expression, not equal": lambda n: (f"(x+{n})^2", f"x^2 + {2 * n}x + {n * n + 1}"),
    "equation": lambda n: (f"2y = {2 * n}x + 6", f"y = {n}x + 3"),
    "inequality": lambda n: (f"-2x < {2 * n}", f"x > {-n}"),
    "interval": lambda n: (f"[{n}, {n + 3})", f"{n} \\le x < {n + 3}"),
    "set": lambda n: (f"\\{{{n}, {n + 1}, {n + 2}\\}}", f"{n + 2}, {n + 1}, {n}"),
    "matrix": lambda n: (
        f"\\begin{{pmatrix}} {n} & 2 \\\\ 3 & 4 \\end{{pmatrix}}",
        f"[[{n}, 2], [3, 4]]",
    ),
    "piecewise function": lambda n: (
        f"\\begin{{cases}} {n}x & x > {n} \\\\ 0 & x \\le {n} \\end{{cases}}",
        f"0 if x <= {n}, {n}x otherwise",
    ),
}


def measure() -> dict[str, list[float]]:
    """Return the milliseconds per answer of each round, for each kind; the first one warms up."""
    spent: dict[str, list[float]] = {name: [] for name in [*KINDS, "extraction"]}
    for turn in range(ROUNDS + 1):
        numbers = range(turn * ANSWERS + 1, (turn + 1) * ANSWERS + 1)
        for name, kind in KINDS.items():
            pairs = [kind(number) for number in numbers]
            started = time.perf_counter()
            verdicts = [equivalent(*pair, seconds=30) for pair in pairs]
            spent[name].append(1000 * (time.perf_counter() - started) / ANSWERS)
            check(name, verdicts)
        texts = [f"Some steps. {'More of them. ' * 40}\nAnswer: ${n},000" for n in numbers]
        started = time.perf_counter()
        found = [extract_answer(text) for text in texts]
        spent["extraction"].append(1000 * (time.perf_counter() - started) / ANSWERS)
        if found != [f"{n}000" for n in numbers]:
            raise AssertionError(f"extraction: wrong answers {found}")
    return {name: times[1:] for name, times in spent.items()}


def check(name: str, verdicts: list[bool | None]) -> None:
    """Make sure that what is timed is also right."""
    if name != "words" and set(verdicts) != {name != "expression, not equal"}:
        raise AssertionError(f"{name}: wrong verdicts {verdicts}")


def report(spent: dict[str, list[float]]) -> Table:
    """Put medians into a table."""
    table = Table(title=f"Answers per core, median of {ROUNDS} rounds of {ANSWERS}")
    table.add_column("kind")
    table.add_column("ms", justify="right")
    table.add_column("per second", justify="right")
    for name, times in spent.items():
        middle = statistics.median(times)
        table.add_row(name, f"{middle:.3f}", f"{1000 / middle:,.0f}")
    return table


def main() -> None:
    """Measure and print."""
    Console().print(report(measure()))


if __name__ == "__main__":
    main()
