"""The arithmetic of a comparison, on hand-made episodes."""

import io
import json
import math
from fractions import Fraction
from pathlib import Path
from statistics import fmean, stdev

import matplotlib.image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from autodata.experiments.compare_result import Estimate, Work, against, objective, row
from autodata.experiments.compare_table import (
    difference_lines,
    estimate,
    markdown,
    method_lines,
    remarks,
    tables,
    verdicts,
)
from autodata.experiments.figure import draw_comparison
from autodata.programs import Episode, Failure, Review
from tests.experiments import trials
from tests.experiments.comparing import comparison, fresh, work

COT = work(
    "cot",
    {
        "a": (("0.8", "0.8", "0.8"), ("0.8", "0.9", "0.7")),
        "b": (("0.6", "0.7", "0.8"), ("0.7", "0.7", "0.7")),
        "c": (("0.5", "0.5", "0.5"), ("0.6", "0.6", "0.6")),
    },
    [trials.rejected("d")],
)
AGENTIC = work(
    "agentic",
    {
        "a": (("0.2", "0.4", "0.6"), ("0.8", "0.8", "0.8")),
        "b": (("0.3", "0.3", "0.3"), ("0.9", "0.9", "0.9")),
        "d": (("0.1", "0.1", "0.4"), ("0.5", "0.5", "0.5")),
    },
    [trials.unscored("c")],
)
EMPTY = work("grounded", {}, [trials.rejected(name) for name in "abcd"])


def cell(lines: list[list[str]], label: str) -> list[str]:
    return next(line[1:] for line in lines if line[0] == label)


def test_a_row_has_the_means_of_fresh_attempts_and_not_of_those_that_accepted() -> None:
    found = row(AGENTIC, seed=0)
    assert found.weak is not None
    assert found.strong is not None
    assert found.gap is not None
    assert found.weak.value == pytest.approx((0.4 + 0.3 + 0.2) / 3)
    assert found.strong.value == pytest.approx((0.8 + 0.9 + 0.5) / 3)
    assert found.gap.value == pytest.approx(found.strong.value - found.weak.value)
    assert found.gap.low <= found.gap.value <= found.gap.high
    assert found.gap.documents == 3
    assert found.selection_gap is not None
    assert found.selection_gap.value == pytest.approx(0.7)
    assert found.selection_weak is not None
    assert found.selection_weak.value == pytest.approx(0.2)
    lines = method_lines(comparison([AGENTIC]))
    assert cell(lines, "strong when accepted") == ["0.900 [0.900, 0.900]"]


def test_the_spread_of_the_weak_rollouts_is_averaged_over_tasks() -> None:
    found = row(AGENTIC, seed=0)
    assert found.weak_std is not None
    assert found.weak_std.value == pytest.approx(fmean([0.2, 0.0, stdev([0.1, 0.1, 0.4])]))
    lines = method_lines(comparison([AGENTIC]))
    assert cell(lines, "weak std, pp")[0].startswith(f"{100 * found.weak_std.value:.1f} [")


def test_a_single_weak_attempt_has_no_spread() -> None:
    found = row(work("cot", {"a": (("0.5",), ("0.6",))}), seed=0)
    assert found.weak_std is None
    assert found.gap is not None


def test_documents_that_nobody_could_score_count_in_no_share() -> None:
    found = row(AGENTIC, seed=0)
    assert (found.documents, found.kept, list(found.failures)) == (4, 3, ["c"])
    assert found.acceptance is not None
    assert (found.acceptance.value, found.acceptance.documents) == (1.0, 3)
    assert found.rounds is not None
    assert found.rounds.documents == 3


def test_unsuitable_documents_are_counted_apart() -> None:
    turned_away = Episode(document_id="x", rounds=(), stopped="unsuitable", reason="a docket")
    found = row(work("cot", {"a": (("0.5",), ("0.6",))}, [turned_away]), seed=0)
    assert (found.unsuitable, found.failures) == (1, {})
    assert found.acceptance is not None
    assert found.acceptance.documents == 1


def test_the_objective_is_0_without_a_task_and_none_without_a_measurement() -> None:
    assert objective(AGENTIC) == pytest.approx({"a": 0.4, "b": 0.6, "d": 0.3, "c": None})
    assert objective(EMPTY) == dict.fromkeys("abcd", 0.0)
    hollow = AGENTIC._replace(measured={**AGENTIC.measured, "b": fresh("b", (), ("0.9",))})
    assert objective(hollow)["b"] is None
    found = row(hollow, seed=0)
    assert (found.kept, found.unmeasured) == (3, 1)
    assert remarks(comparison([hollow])) == [
        "agentic: 1 of 3 kept tasks could not be measured and count in no average of grades; the "
        "same command tries them again."
    ]


def test_differences_are_paired_over_documents_where_both_have_a_task() -> None:
    found = against(AGENTIC, COT, seed=0)
    assert (found.method, found.reference) == ("agentic", "cot")
    assert found.weak is not None
    assert found.weak.documents == 2
    assert found.weak.value == pytest.approx(((0.4 - 0.8) + (0.3 - 0.7)) / 2)
    assert found.strong is not None
    assert found.strong.value == pytest.approx(((0.8 - 0.8) + (0.9 - 0.7)) / 2)
    assert found.gap is not None
    assert found.gap.value == pytest.approx(found.strong.value - found.weak.value)
    assert found.weak_std is not None
    assert found.weak_std.value == pytest.approx(((0.2 - 0) + (0 - 0.1)) / 2)


def test_the_objective_is_compared_on_all_documents_that_both_were_scored_on() -> None:
    found = against(AGENTIC, COT, seed=0).objective
    assert found is not None
    # "c" was not scored for one of them; on "d" the first kept no task.
    assert found.documents == 3
    assert found.value == pytest.approx(((0.4 - 0.0) + (0.6 - 0.0) + (0.3 - 0)) / 3)
    assert found.low <= found.value <= found.high


GRADES = st.lists(st.sampled_from(["0", "1/4", "1/2", "3/4", "1"]), min_size=1, max_size=4)
TASKS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(GRADES, GRADES), max_size=6)


@settings(max_examples=25, deadline=None)
@given(TASKS, TASKS)
def test_the_paired_gap_is_the_mean_difference_of_means(
    before: dict[str, tuple[list[str], list[str]]], after: dict[str, tuple[list[str], list[str]]]
) -> None:
    def gap(one: tuple[list[str], list[str]]) -> float:
        weak, strong = (sum(map(Fraction, grades)) / len(grades) for grades in one)
        return float(strong - weak)

    found = against(work("two", after), work("one", before), seed=0).gap
    both = [name for name in before if name in after]
    if not both:
        assert found is None
        return
    assert found is not None
    expected = fmean(gap(after[name]) - gap(before[name]) for name in both)
    assert found.value == pytest.approx(expected)
    assert found.documents == len(both)
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_seed_decides_the_intervals() -> None:
    spread = {f"d{i}": ((f"{i}/20",), (f"{(7 * i) % 20}/20",)) for i in range(12)}
    one = [row(work("cot", spread), seed=seed).gap for seed in (1, 1, 2)]
    assert one[0] == one[1]
    assert one[0] != one[2]


def test_a_method_without_a_task_has_dashes_and_a_sentence_and_no_nan() -> None:
    found = comparison([COT, EMPTY])
    assert found.methods[1].weak is None
    assert found.methods[1].tokens_per_accepted is None
    assert "NaN" not in found.model_dump_json()
    assert remarks(found) == ["grounded: kept no task, so that there is nothing to measure."]
    lines = method_lines(found)
    assert cell(lines, "weak mean")[1] == "-"
    assert cell(lines, "acceptance")[1] == "0% [0, 49]"
    assert cell(lines, "gap, all documents")[1] == "0.000 [0.000, 0.000]"
    assert cell(difference_lines(found), "weak mean") == ["-"]
    assert "nan" not in markdown(found).lower()
    numbers = json.loads(found.model_dump_json(), parse_constant=pytest.fail)
    assert numbers["differences"][0]["weak"] is None


def test_the_page_has_both_tables_and_the_verdict() -> None:
    found = comparison([COT, AGENTIC])
    page = markdown(found)
    assert "|   | cot | agentic |" in page
    assert "| tasks kept | 3 of 4 | 3 of 4 |" in page
    assert "## Minus cot, on the same documents" in page
    assert " n=2 |" in page
    assert verdicts(found)[0].startswith("agentic: larger gap over all documents than cot: +0.433")
    assert verdicts(found)[0].removeprefix("* ") in page
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as captured:
        console.print(*tables(found))
    shown = " ".join(captured.get().split())
    assert "domain research, gate deployed, 3 weak and 3 strong fresh attempts" in shown
    assert all(line[1] in shown for line in method_lines(found))


def test_what_cannot_be_told_from_chance_is_said_to_be_so() -> None:
    said = verdicts(comparison([COT, COT._replace(method="again"), AGENTIC]))
    assert said[0].startswith("again: cannot be told from cot by its gap: +0.000")
    worse = verdicts(comparison([AGENTIC, COT]))
    assert worse[0].startswith("cot: smaller gap over all documents than agentic: -0.433")
    nobody = work("cot", {}, [trials.unscored(name) for name in "abcd"])
    assert verdicts(comparison([AGENTIC, nobody])) == ["cot: no document to compare with agentic."]


@pytest.mark.parametrize(
    ("value", "unit", "sign", "text"),
    [
        (-0.0001, "", "", "0.000 [0.000, 0.000]"),
        (0.126, "%", "", "12.600% [12.600, 12.600]"),
        (0.126, "pp", "+", "+12.600 [+12.600, +12.600]"),
    ],
)
def test_numbers_are_written_in_their_unit(value: float, unit: str, sign: str, text: str) -> None:
    found = Estimate(value=value, low=value, high=value, documents=3)
    assert estimate(found, unit, sign=sign) == text
    assert estimate(None, unit) == "-"


def test_reviews_of_the_fresh_attempts_are_counted_by_suitability() -> None:
    def reviewed(document: str, level: str) -> Episode:
        one = fresh(document, ("0.2",), ("0.8",))
        review = Review.model_validate(
            {
                "weak_pattern": "0.2",
                "strong_pattern": "0.8",
                "gap_interpretation": "reasoning",
                "suitability": level,
                "verdict": "accept",
                "reason": "it separates",
            }
        )
        return one.model_copy(
            update={"rounds": (one.rounds[0].model_copy(update={"review": review}),)}
        )

    levels = {"a": "high", "b": "medium", "d": "high"}
    some = AGENTIC._replace(measured={name: reviewed(name, one) for name, one in levels.items()})
    found = comparison([some])
    assert found.methods[0].suitability == pytest.approx({"high": 2 / 3, "medium": 1 / 3, "low": 0})
    assert cell(method_lines(found), "fit high/medium/low") == ["67%/33%/0%"]
    assert "fit high/medium/low" not in [line[0] for line in method_lines(comparison([COT]))]


def test_nothing_scored_at_all_is_a_problem_and_its_reason_is_named() -> None:
    failure = Failure(role="judge", kind="infrastructure", message="HTTP 503")
    lost = [
        Episode(document_id=name, rounds=(), stopped="failure", failure=failure) for name in "abcd"
    ]
    found = comparison([work("cot", {}, lost), work("agentic", {}, lost)])
    assert found.problem.startswith("no document could be scored (judge: HTTP 503); run `autodata")
    assert remarks(found)[1] == "agentic: no document could be scored (judge: HTTP 503)."
    assert comparison([work("cot", {}, lost), EMPTY]).problem == ""


@pytest.mark.parametrize("works", [[COT, AGENTIC, EMPTY], [EMPTY], [AGENTIC]])
def test_the_figure_is_a_png_with_something_on_it(works: list[Work], tmp_path: Path) -> None:
    file = tmp_path / "compare.png"
    draw_comparison(file, comparison(works))
    assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(file)
    assert pixels.shape[1] > 1000
    colours = {tuple(round(float(x), 2) for x in pixel[:3]) for row in pixels for pixel in row}
    vermillion = (0.84, 0.37, 0.0)
    assert (vermillion in colours) == any(one.measured for one in works)
    assert math.prod(pixels.shape[:2]) > len(colours) > 10


def remeasured(change: dict[str, object]) -> Work:
    """Return the loop's work with document b's fresh round changed."""
    round_ = AGENTIC.measured["b"].rounds[0].model_copy(update=change)
    episode = AGENTIC.measured["b"].model_copy(update={"rounds": (round_,)})
    return AGENTIC._replace(measured={**AGENTIC.measured, "b": episode})


def test_fresh_attempts_that_an_outage_cut_short_count_nowhere_and_are_named() -> None:
    outage = Failure(role="weak", kind="infrastructure", message="503")
    weak = AGENTIC.measured["b"].rounds[0].weak[:1]
    found = remeasured({"weak": weak, "failure": outage})
    summary = row(found, seed=0)
    assert summary.unmeasured == 1
    assert summary.weak is not None
    assert summary.weak.value == pytest.approx((0.4 + 0.2) / 2)
    assert objective(found)["b"] is None
    assert "1 of 3 kept tasks could not be measured" in remarks(comparison([found]))[0]


def test_cut_off_fresh_attempts_make_no_gap() -> None:
    cut = tuple(
        one.model_copy(update={"grade": Fraction(0), "truncated": True})
        for one in AGENTIC.measured["b"].rounds[0].weak
    )
    summary = row(remeasured({"weak": cut}), seed=0)
    assert (summary.hollow, summary.unmeasured) == (3, 1)
    some = row(remeasured({"weak": (cut[0], *AGENTIC.measured["b"].rounds[0].weak[1:])}), seed=0)
    assert (some.hollow, some.unmeasured) == (1, 0)
    assert some.weak == row(AGENTIC, seed=0).weak
    assert any(
        "raise max_tokens" in one for one in remarks(comparison([remeasured({"weak": cut})]))
    )
