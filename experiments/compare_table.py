"""A comparison as a table: for the terminal, and as Markdown for the run's folder."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from .compare_result import Comparison, Estimate, Row
from .markdown import escaped


class Line(NamedTuple):
    """One line of the table of methods."""

    label: str
    cell: Callable[[Row], str]


NOTHING = "-"
ESTIMATES = (
    # Label, field, unit, decimals.
    ("acceptance", "acceptance", "%", 0),
    ("gap, all documents", "objective", "", 3),
    ("weak mean", "weak", "", 3),
    ("strong mean", "strong", "", 3),
    ("gap", "gap", "", 3),
    ("weak std, pp", "weak_std", "pp", 1),
    ("weak when accepted", "selection_weak", "", 3),
    ("strong when accepted", "selection_strong", "", 3),
    ("gap when accepted", "selection_gap", "", 3),
    ("rounds", "rounds", "", 2),
    ("question chars", "question_chars", "", 0),
    ("rubric items", "rubric_items", "", 1),
)
DIFFERENCES = (
    ("gap, all documents", "objective", "", 3),
    ("weak mean", "weak", "", 3),
    ("strong mean", "strong", "", 3),
    ("gap", "gap", "", 3),
    ("weak std, pp", "weak_std", "pp", 1),
    ("weak when accepted", "selection_weak", "", 3),
    ("strong when accepted", "selection_strong", "", 3),
    ("gap when accepted", "selection_gap", "", 3),
)


def estimate(found: Estimate | None, unit: str = "", digits: int = 3, *, sign: str = "") -> str:
    """Write an estimate with its interval.

    Args:
        found: What to write; a dash if there is nothing.
        unit: `%` or `pp` writes shares and grades times 100.
        digits: Decimals.
        sign: `+` writes the sign of positive numbers too.
    """
    if found is None:
        return NOTHING
    times, mark = (100, "%" if unit == "%" else "") if unit else (1, "")

    def number(value: float) -> str:
        # Rounded first, so that a little less than nothing is not written -0.000.
        return f"{round(value * times, digits) + 0.0:{sign}.{digits}f}"

    return f"{number(found.value)}{mark} [{number(found.low)}, {number(found.high)}]"


def _lines() -> Iterable[Line]:
    yield Line("tasks kept", lambda row: f"{row.kept:,} of {row.documents:,}")
    for label, name, unit, digits in ESTIMATES:
        yield Line(
            label,
            lambda row, name=name, unit=unit, digits=digits: estimate(
                getattr(row, name), unit, digits
            ),
        )
    yield Line("calls per task", lambda row: _count(row.calls_per_accepted))
    yield Line("tokens per task", lambda row: _count(row.tokens_per_accepted))
    yield Line("calls", lambda row: _count(row.calls))
    yield Line("calls to measure", lambda row: _count(row.measuring_calls))
    yield Line("fit high/medium/low", lambda row: _shares(row.suitability))
    yield Line("not scored", lambda row: _count(len(row.failures)))
    yield Line("unsuitable", lambda row: _count(row.unsuitable))


def _shares(found: dict[str, float]) -> str:
    return "/".join(f"{share:.0%}" for share in found.values()) or NOTHING


def _count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def method_lines(found: Comparison) -> list[list[str]]:
    """Return the table of methods: a label and a cell for each method in every line.

    Lines in which no method has anything to say are left out.
    """
    lines = [[line.label, *map(line.cell, found.methods)] for line in _lines()]
    return [line for line in lines if set(line[1:]) - {NOTHING}]


def difference_lines(found: Comparison) -> list[list[str]]:
    """Return the table of differences: a label and a cell for each method but the first."""
    lines = [
        [label, *(_paired(getattr(one, name), unit, digits) for one in found.differences)]
        for label, name, unit, digits in DIFFERENCES
    ]
    # Without a gate nothing was chosen by its grades.
    return [line for line in lines if "accepted" not in line[0] or set(line[1:]) - {NOTHING}]


def _paired(found: Estimate | None, unit: str, digits: int) -> str:
    text = estimate(found, unit, digits, sign="+")
    return text if found is None else f"{text} n={found.documents}"


def remarks(found: Comparison) -> list[str]:
    """Say in words what the table cannot: which methods left nothing to measure, and what is new.

    A method without a task is named here, because its dashes could be taken for an oversight.
    """
    said: list[str] = []
    for row in found.methods:
        if row.failures and len(row.failures) == row.documents - row.unsuitable:
            reason = next(iter(row.failures.values()))
            said.append(f"{row.method}: no document could be scored ({reason}).")
        elif row.kept == 0:
            said.append(f"{row.method}: kept no task, so that there is nothing to measure.")
        elif row.unmeasured:
            said.append(
                f"{row.method}: {row.unmeasured} of {row.kept} kept tasks could not be measured "
                "and count in no average of grades; the same command tries them again."
            )
        if row.hollow:
            said.append(
                f"{row.method}: {row.hollow} fresh attempts were cut off or empty and count in no "
                "grade; raise max_tokens."
            )
    return said


def verdicts(found: Comparison) -> list[str]:
    """Say for every method but the first whether its objective differs from the first's."""
    said: list[str] = []
    for one in found.differences:
        known = one.objective
        if known is None:
            said.append(f"{one.method}: no document to compare with {one.reference}.")
            continue
        told = f"{known.value:+.3f}, 95 % interval {known.low:+.3f} to {known.high:+.3f}"
        word = "larger" if known.low > 0 else "smaller" if known.high < 0 else ""
        if word:
            said.append(
                f"{one.method}: {word} gap over all documents than {one.reference}: {told}."
            )
        else:
            said.append(f"{one.method}: cannot be told from {one.reference} by its gap: {told}.")
    return said


def heading(found: Comparison) -> str:
    """Say in one line what was compared."""
    attempts = f"{found.attempts['weak']} weak and {found.attempts['strong']} strong"
    return (
        f"{found.run}: {found.documents} documents, domain {found.domain}, gate {found.gate}, "
        f"{attempts} fresh attempts at every task kept"
    )


def tables(found: Comparison) -> list[Table]:
    """Return the tables for the terminal."""
    names = [row.method for row in found.methods]
    shown = [_table(escape(heading(found)), ["", *names], method_lines(found))]
    if found.differences:
        title = f"minus {names[0]}, on the same documents"
        shown.append(_table(title, ["", *names[1:]], difference_lines(found)))
    return shown


def _table(title: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for line in lines:
        table.add_row(*map(escape, line))
    return table


def markdown(found: Comparison) -> str:
    """Return the page that stands in the run's folder."""
    names = [row.method for row in found.methods]
    parts = [f"# {heading(found)}", _rows(["", *names], method_lines(found))]
    parts += [f"* {escaped(remark)}" for remark in remarks(found)]
    if found.differences:
        parts += [
            f"## Minus {names[0]}, on the same documents",
            _rows(["", *names[1:]], difference_lines(found)),
            "\n".join(f"* {verdict}" for verdict in verdicts(found)),
        ]
    parts += [
        "Brackets are 95 % intervals over documents, `n` is the number of documents in a pair. "
        f"{found.calls:,} model calls and {found.tokens:,} tokens, fresh attempts included.",
        "![Weak and strong means, and the gap, by method](compare.png)",
    ]
    return "\n\n".join(parts) + "\n"


def _rows(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = ["| " + " | ".join(cell or " " for cell in line) + " |" for line in (header, *lines)]
    return "\n".join([rows[0], "|---|" + "---:|" * (len(header) - 1), *rows[1:]])
