"""The report: what is said of the winner in words, its tables, and its pictures."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.experiments.report import findings, verdict, write_report
from autodata.experiments.result import (
    Difference,
    HeldOut,
    HeldOutSide,
    Result,
    Validation,
)
from autodata.experiments.trial_figures import front
from autodata.optimizers import Knobs, Space, Trial, last_space
from tests.experiments import trials

VALIDATION = Validation(
    trial=4,
    selecting=0.35,
    again=0.32,
    baseline=0.16,
    baseline_again=0.155,
    rounds=[{"0": 0.15, "4": 0.33, "6": 0.3}, {"0": 0.16, "4": 0.31}],
)
SEARCHED = trials.study(20)


def result(tmp_path: Path, **changes: object) -> Result:
    plain = trials.result(trials.config(tmp_path), SEARCHED, SEARCHED[4])
    winner = plain.winner.model_copy(update={"gap": 0.30})
    baseline = plain.baseline.model_copy(update={"gap": 0.15})
    update = {"winner": winner, "baseline": baseline, "validation": VALIDATION, "curse": 0.05}
    return plain.model_copy(update={**update, **changes})


def side(gap: float | None) -> HeldOutSide:
    return HeldOutSide(
        gap=gap, gap_low=None, gap_high=None, weak=None, strong=None, tasks=6, unmeasured=0
    )


def held(low: float | None, gap: float | None, high: float | None) -> HeldOut:
    difference = Difference(gap=gap, low=low, high=high)
    return HeldOut(baseline=side(0.1), winner=side(0.18), difference=difference, calls=0, tokens=0)


def test_the_winner_s_curse_is_told_in_words(tmp_path: Path) -> None:
    assert findings(result(tmp_path)) == [
        "On validation the winner looked 0.050 better than it is on test documents: 0.350 when it "
        "was picked, 0.320 measured again, 0.300 on test. The baseline, which nobody picked: "
        "0.160, 0.155 and 0.150."
    ]
    (worse,) = findings(result(tmp_path, curse=-0.02))
    assert "looked 0.020 worse than it is on test" in worse
    (even,) = findings(result(tmp_path, curse=0.0001))
    assert "looked as good as it is on test" in even


def test_a_baseline_that_won_is_called_so(tmp_path: Path) -> None:
    own = result(
        tmp_path,
        validation=VALIDATION.model_copy(update={"trial": 0}),
        difference=Difference(gap=0.0, low=0.0, high=0.0),
        heldout=held(0, 0, 0),
    )
    assert verdict(own) == "The baseline won: no candidate held up when it was measured again."
    luck, second = findings(own)
    assert "nobody picked" not in luck
    assert second == "Held-out solvers, which no search has seen, find a gap of 0.180."


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        (
            held(0.02, 0.08, 0.14),
            "find a larger gap for the winner as well: 0.100 for the baseline",
        ),
        (held(-0.02, 0.08, 0.14), "find no difference that can be told from chance"),
        (held(-0.14, -0.08, -0.02), "find a larger gap for the baseline"),
        (held(None, None, None), "graded no test document for both"),
    ],
)
def test_the_held_out_solvers_are_quoted(tmp_path: Path, held_out: HeldOut, said: str) -> None:
    assert said in findings(result(tmp_path, heldout=held_out))[1]


def test_a_result_of_an_older_version_has_no_findings(tmp_path: Path) -> None:
    old = result(tmp_path, validation=None, curse=None)
    assert findings(old) == []
    assert Result.model_validate(old.model_dump(exclude={"validation", "curse", "heldout"})) == old


def test_the_report_has_finalists_importances_and_trials(tmp_path: Path) -> None:
    write_report(tmp_path / "report", SEARCHED, SEARCHED[4], result(tmp_path))
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| finalist | fresh 1 | fresh 2 |\n|---|---:|---:|\n" in text
    assert "| trial 4, winner | 0.330 | 0.310 |\n| trial 6 | 0.300 |  |" in text
    assert "| parameter | importance |" in text
    assert "| write |" in text
    assert "| 4 | sampler |  | complete |" in text
    assert "![Gap by trial](trials.svg)" in text
    assert "![Gap against tokens per accepted task](pareto.svg)" in text
    for name in ("trials.svg", "pareto.svg"):
        drawn = (tmp_path / "report" / name).read_text()
        assert drawn.startswith("<?xml")
        assert "winner" in drawn


def test_a_short_search_is_reported_without_importances(tmp_path: Path) -> None:
    write_report(tmp_path / "report", SEARCHED[:5], SEARCHED[4], result(tmp_path))
    assert "importance" not in (tmp_path / "report" / "report.md").read_text()


def test_a_search_without_any_accepted_task_can_be_drawn(tmp_path: Path) -> None:
    none = trials.trial(0, [trials.rejected("a")])
    write_report(tmp_path / "report", [none], none, result(tmp_path))
    assert (tmp_path / "report" / "pareto.svg").exists()
    assert front([none]) == []


def priced(number: int, gap: float, tokens: float) -> Trial:
    plain = trials.trial(number, [trials.accepted("a", "0.2", "0.6")])
    cost = plain.measurement.model_copy(update={"tokens_per_accepted": tokens})
    return plain.model_copy(update={"value": gap, "measurement": cost})


def test_the_front_is_what_nothing_beats_in_both() -> None:
    found = [priced(0, 0.2, 100), priced(1, 0.3, 200), priced(2, 0.25, 300), priced(3, 0.3, 200)]
    found.append(priced(4, 0.9, 10).model_copy(update={"state": "pruned"}))
    assert [one.number for one in front(found)] == [0, 1]


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 9)), max_size=12))
def test_every_trial_is_on_the_front_or_beaten_by_one_that_is(
    points: list[tuple[int, int]],
) -> None:
    found = [priced(i, gap / 10, tokens) for i, (gap, tokens) in enumerate(points)]
    best = {points[one.number] for one in front(found)}
    for gap, tokens in points:
        beaten = any(g >= gap and t <= tokens and (g, t) != (gap, tokens) for g, t in best)
        assert beaten != ((gap, tokens) in best)


INSTRUCTIONS = trials.BASELINE.instructions
HOSTILE = "Ask | for `one` thing.\n\n# [Click](http://a.b) <img src=x> " + "and more " * 40


def ruled(number: int, *, on: bool) -> Trial:
    """Return a point of a joint search, better with the rule than without."""
    good = trials.accepted("doc-1", "0.1" if on else "0.4", "0.6")
    plain = trials.trial(number, [trials.rejected("doc-0"), good])
    point = {"plan": "plan-0", "write": "write-0", "demos": "none", "temperature": 1.0, "memory": 0}
    return plain.model_copy(update={"params": {**point, "write.rule-1": int(on)}})


def searched_rules() -> tuple[list[Trial], Space]:
    names = {"orchestrator.plan": "plan-0", "challenger.write": "write-0"}
    space = Space(
        instructions={name: {first: INSTRUCTIONS[name]} for name, first in names.items()},
        rules={"challenger.write": {"write.rule-1": HOSTILE, "write.rule-2": "Never tried."}},
        demos={"none": {}},
        temperature=(0.5, 1.2),
        memory=(0, 1),
        own=Knobs(temperature=1.0, memory=0),
        usual=1.0,
        openings=[],
    )
    return [ruled(number, on=number % 2 == 1) for number in range(8)], space


def test_the_report_says_what_each_rule_is_worth_and_no_rule_writes_into_it(
    tmp_path: Path,
) -> None:
    found, space = searched_rules()
    write_report(tmp_path / "report", found, found[1], result(tmp_path), space)
    text = (tmp_path / "report" / "report.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith("| `write.rule")]
    assert row.startswith("| `write.rule-1` | Ask \\| for \\`one\\` thing. \\# \\[Click\\]")
    assert "&lt;img src=x&gt;" in row
    assert len(row) < 300
    effect, error, count = row.split(" | ")[-3:]
    assert 0 < float(effect) < 0.15
    assert float(error) > 0
    assert count == "4 |"
    assert row.split(" | ")[-4] == "`challenger.write`"


def test_a_search_without_rules_has_no_table_of_them(tmp_path: Path) -> None:
    write_report(tmp_path / "report", SEARCHED, SEARCHED[4], result(tmp_path))
    found, space = searched_rules()
    bare = space.model_copy(update={"rules": {}})
    write_report(tmp_path / "other", found, found[1], result(tmp_path), bare)
    for folder in ("report", "other"):
        assert "What each rule" not in (tmp_path / folder / "report.md").read_text()


def test_the_texts_are_those_of_the_last_generation(tmp_path: Path) -> None:
    assert last_space(tmp_path) is None
    _, space = searched_rules()
    for generation in range(11):
        kept = space.model_copy(update={"parent": generation})
        (tmp_path / f"space-{generation}.json").write_text(kept.model_dump_json())
    found = last_space(tmp_path)
    assert found is not None
    assert found.parent == 10


def test_the_report_lists_the_front_and_says_how_the_winner_was_chosen(tmp_path: Path) -> None:
    found = [priced(0, 0.2, 100), priced(1, 0.3, 2000), priced(2, 0.25, 3000)]
    write_report(tmp_path / "report", found, found[1], result(tmp_path))
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| trial 0 | 0.200 | 100 |\n| trial 1, winner | 0.300 | 2,000 |\n\n" in text
    assert "The winner was chosen by its gap alone, measured again" in text
