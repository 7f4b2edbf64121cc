"""A run for people: a table for the terminal, and a page with pictures in the run's folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from ..optimizers import RuleEffect, Space, Trial, importances, rule_effects
from .markdown import clip, escaped
from .result import Difference, Result, Side, Validation
from .trial_figures import draw_pareto, draw_trials, front

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

FOREMOST = 10
"""Parameters whose importance is shown; a search over rules has dozens."""
WORDS = 160
"""Characters of a rule that are shown."""


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
    if result.validation is not None and result.validation.trial == 0:
        return "The baseline won: no candidate held up when it was measured again."
    found = result.difference
    if found.gap is None or found.low is None or found.high is None:
        return "No test document could be scored for both programs."
    if found.low > 0:
        return f"The winner's gap is larger than the baseline's: {_interval(found)}."
    if found.high < 0:
        return f"The baseline's gap is larger than the winner's: {_interval(found)}."
    return f"No difference in the gap can be told from chance: {_interval(found)}."


def findings(result: Result) -> list[str]:
    """Say, one line each, how much luck was in the choice, and what the held-out solvers find."""
    lines = [_luck(result), _second_opinion(result)]
    return [line for line in lines if line]


def write_report(
    folder: Path,
    trials: Sequence[Trial],
    winner: Trial,
    result: Result,
    space: Space | None = None,
) -> None:
    """Write `report.md`, `trials.svg` and `pareto.svg`.

    Args:
        folder: Where to.
        trials: Of the search.
        winner: The one that was exported.
        result: What came of it on the test documents.
        space: What a joint search chose from in the end; its rules are listed with their effects.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_trials(folder / "trials.svg", trials, winner)
    draw_pareto(folder / "pareto.svg", trials, winner)
    sides = zip(_ROWS, cells(result.baseline), cells(result.winner), strict=True)
    tests = f"on {result.documents['test']} test documents"
    shares = importances(trials)
    parts = [
        f"# Run {result.run}",
        "\n\n".join([verdict(result), *findings(result)]),
        _table([tests, "baseline", "winner"], [[row[0], *both] for row, *both in sides]),
        _finalists(result.validation),
        "![Gap by trial](trials.svg)",
        "![Gap against tokens per accepted task](pareto.svg)",
        *_front(trials, winner),
        *_rules(rule_effects(trials, space) if space else []),
        "## What decided" if shares else "",
        _table(["parameter", "importance"], _foremost(shares)),
        "## Trials",
        _table(
            ["trial", "by", "from", "state", "gap", "acceptance", "tokens per task", "calls"],
            [_row(trial) for trial in trials],
        ),
    ]
    (folder / "report.md").write_text("\n\n".join(part for part in parts if part) + "\n")


def _front(trials: Sequence[Trial], winner: Trial) -> list[str]:
    """Tabulate the trials that no other beats in gap and tokens at once."""
    words = {winner.number: ", winner"}
    rows = [
        [f"trial {one.number}{words.get(one.number, '')}", _number(one.value), _tokens(one)]
        for one in front(trials)
    ]
    told = (
        "No other trial is better and cheaper, as the search measured them. The winner was chosen "
        "by its gap alone, measured again with fresh answers; what a task costs decided nothing. "
        "The prompts of all trials are in `trials.json`."
    )
    header = ["trial", "gap", "tokens per task"]
    return ["## Better or cheaper", told, _table(header, rows)] if rows else []


def _rules(found: Sequence[RuleEffect]) -> list[str]:
    """Tabulate what each rule is worth."""
    rows = [
        [
            f"`{one.switch}`",
            escaped(clip(" ".join(one.text.split()), WORDS)),
            f"`{one.predictor}`",
            f"{one.effect:+.3f}",
            f"{one.error:.3f}",
            str(one.trials),
        ]
        for one in found
    ]
    told = (
        "What each rule is expected to add to the gap, estimated from all trials together; an "
        "effect smaller than twice its standard error may be chance."
    )
    header = ["rule", "text", "for", "effect", "standard error", "trials"]
    return ["## What each rule is worth", told, _table(header, rows)] if rows else []


def _foremost(shares: Mapping[str, float]) -> list[list[str]]:
    """Return the most important parameters, and what is left for all others."""
    rows = [[name, f"{share:.0%}"] for name, share in list(shares.items())[:FOREMOST]]
    others = list(shares.values())[FOREMOST:]
    return [*rows, [f"{len(others)} others", f"{sum(others):.0%}"]] if others else rows


def _luck(result: Result) -> str:
    """Tell the winner's curse in words."""
    found, gap = result.validation, result.winner.gap
    if found is None or found.selecting is None or gap is None or result.curse is None:
        return ""
    amount = f"{abs(result.curse):.3f} {'better' if result.curse > 0 else 'worse'} than"
    if abs(result.curse) < 0.0005:
        amount = "as good as"
    line = (
        f"On validation the winner looked {amount} it is on test documents: "
        f"{found.selecting:.3f} when it was picked, {_number(found.again)} measured again, "
        f"{gap:.3f} on test."
    )
    if found.trial == 0 or found.baseline is None or result.baseline.gap is None:
        return line
    return (
        f"{line} The baseline, which nobody picked: {found.baseline:.3f}, "
        f"{_number(found.baseline_again)} and {result.baseline.gap:.3f}."
    )


def _second_opinion(result: Result) -> str:
    """Tell whether solvers that no search has seen agree."""
    held = result.heldout
    if held is None:
        return ""
    found = held.difference
    before, after = _number(held.baseline.gap), _number(held.winner.gap)
    if found.gap is None or found.low is None or found.high is None:
        return "The held-out solvers graded no test document for both programs."
    if result.validation is not None and result.validation.trial == 0:
        return f"Held-out solvers, which no search has seen, find a gap of {after}."
    finding = "no difference that can be told from chance"
    if found.low > 0:
        finding = "a larger gap for the winner as well"
    if found.high < 0:
        finding = "a larger gap for the baseline"
    return (
        f"Held-out solvers, which no search has seen, find {finding}: {before} for the baseline "
        f"and {after} for the winner, {_interval(found)}."
    )


def _finalists(found: Validation | None) -> str:
    """Tabulate the rounds in which the finalists were measured again."""
    if found is None:
        return ""
    numbers = dict.fromkeys(number for one in found.rounds for number in one)
    header = ["finalist", *(f"fresh {n}" for n in range(1, len(found.rounds) + 1))]
    rows = [
        [
            f"trial {number}" + (", winner" if number == str(found.trial) else ""),
            *(_number(one[number]) if number in one else "" for one in found.rounds),
        ]
        for number in numbers
    ]
    return "## Measured again on validation\n\n" + _table(header, rows)


def _row(trial: Trial) -> list[str]:
    found = trial.measurement
    return [
        str(trial.number),
        trial.origin,
        "" if trial.parent is None else str(trial.parent),
        trial.state,
        _number(trial.value),
        _number(found.acceptance),
        _tokens(trial),
        str(found.calls),
    ]


def _tokens(trial: Trial) -> str:
    tokens = trial.measurement.tokens_per_accepted
    return "-" if tokens is None else f"{tokens:,.0f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; nothing without rows."""
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    lines.insert(1, "|---|" + "---:|" * (len(header) - 1))
    return "\n".join(lines) if rows else ""


def _interval(found: Difference) -> str:
    return f"{found.gap:+.3f}, 95 % interval {found.low:+.3f} to {found.high:+.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
