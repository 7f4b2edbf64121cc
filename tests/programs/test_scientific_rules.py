"""The rules of a problem, each from both sides; forms of answers; topics."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodata.metrics.answers import equivalent
from autodata.programs.domains.scientific import SCIENTIFIC, TYPES, canonical, classes, covered
from autodata.programs.domains.scientific.forms import form_of, has_decimal, is_bare_number
from autodata.programs.domains.scientific.grounding import pool
from autodata.programs.tasks import AnswerTask

CORPUS = sorted((Path(__file__).parents[2] / "experiments" / "corpus" / "scientific").glob("*.md"))
FIELDS: dict[str, Any] = {
    "question_type": "conditions on a parameter",
    "skills": ["algebra"],
    "topic": "MSC 15",
    "answer_type": "set",
    "question": "Give the set of the eigenvalues of the matrix that has this and that.",
    "reference": r"\{2-\sqrt{3},2+\sqrt{3}\}",
}


def task(**changes: Any) -> AnswerTask:
    return AnswerTask.model_validate({**FIELDS, **changes})


def faults(**changes: Any) -> list[str]:
    return SCIENTIFIC.rules.faults(task(**changes))


def test_a_problem_that_keeps_the_rules_has_no_faults() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        (r"x^{2}+y^{2}=4", "equation"),
        (r"y=\frac{2}{2-x^{2}}", "equation"),
        (r"f(x,y)=x+y", "equation"),
        (r"k<\frac{9}{4}", "inequality"),
        (r"0<L\le 2(1+K)", "inequality"),
        (r"c \ne 3", "inequality"),
        (r"[0,1)", "interval"),
        (r"\left(-\infty,2\right]", "interval"),
        (r"(-\infty,-1)\cup(1,\infty)", "interval"),
        (r"x\in\left[a,b\right)", "interval"),
        (r"S=(0,1)", "interval"),
        (r"\{1,2\}", "set"),
        (r"\left\{n\pi : n\in\mathbb{Z}\right\}", "set"),
        (r"z\in\{i,-i\}", "set"),
        (r"\emptyset", "set"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "matrix"),
        (r"A=\frac{1}{2}\begin{bmatrix}1&2\\3&4\end{bmatrix}", "matrix"),
        (r"f(x)=\begin{cases}0,&x<0\\x,&x\ge 0\end{cases}", "piecewise"),
        (r"\begin{cases}0,& x<0 \\ x,& x\ge 0\end{cases}", "piecewise"),
        ("7", None),
        ("x+1", None),
        ("all of them", None),
        ("x=", None),
        ("", None),
        (r"\begin{cases}1,&x>0\end{cases}", None),
        (r"(1,2,3)", None),
    ],
)
def test_the_form_of_an_answer_is_told_from_its_outermost_signs(
    answer: str, form: str | None
) -> None:
    assert form_of(answer) == form


def test_a_condition_inside_a_set_or_a_case_does_not_make_an_inequality() -> None:
    assert form_of(r"\{x : x<1\}") == "set"
    assert form_of(r"\begin{cases}0,&x<0\\1,&x\ge0\end{cases}") == "piecewise"


@pytest.mark.parametrize("answer_type", TYPES)
def test_the_stated_type_must_be_that_of_the_reference(answer_type: str) -> None:
    found = faults(answer_type=answer_type)
    assert (found == []) == (answer_type == "set")
    assert all("reads as set" in fault for fault in found)


@pytest.mark.parametrize(
    ("reference", "answer_type", "bare"),
    [
        ("x=5", "equation", True),
        ("x_{1}=-5", "equation", True),
        ("f(2)=3.5", "equation", True),
        (r"\{1,200\}", "set", False),
        (r"\{7\}", "set", True),
        ("1200", "set", True),
        ("1,200", "set", True),
        (r"\frac{1}{3}", "set", False),
        ("x^{2}=5", "equation", False),
        ("x^{2}+y^{2}=5", "equation", False),
        (r"\{0,1,16\}", "set", False),
        ("p>5", "inequality", False),
    ],
)
def test_a_bare_number_is_refused_whatever_its_name_or_brackets(
    reference: str, answer_type: str, bare: bool
) -> None:
    assert is_bare_number(reference) == bare
    found = faults(reference=reference, answer_type=answer_type)
    assert any("bare number" in fault for fault in found) == bare


@pytest.mark.parametrize(
    ("reference", "decimal"),
    [(r"\{0.5,1\}", True), (r"\{.5,1\}", True), (r"\{\frac{1}{2},1\}", False), (r"\{1\}.", False)],
)
def test_a_decimal_is_refused_and_a_full_stop_is_none(reference: str, decimal: bool) -> None:
    assert has_decimal(reference) == decimal
    assert any("decimal" in fault for fault in faults(reference=reference)) == decimal


@pytest.mark.parametrize(
    ("topic", "known"),
    [
        ("MSC 34", "MSC 34"),
        ("msc2020: 34", "MSC 34"),
        ("MSC 34 Ordinary differential equations", "MSC 34"),
        ("MSC 34-XX Ordinary differential equations", "MSC 34"),
        ("PhySH Nonlinear Dynamics", "PhySH Nonlinear Dynamics"),
        ("PhySH: accelerators and beams", "PhySH Accelerators & Beams"),
        ("MSC 34 Number theory", None),
        ("MSC 99", None),
        ("34", None),
        ("PhySH Alchemy", None),
        ("", None),
    ],
)
def test_a_topic_must_be_in_the_taxonomy(topic: str, known: str | None) -> None:
    assert canonical(topic) == known
    assert (faults(topic=topic) == []) == (known is not None)


@pytest.mark.parametrize(
    ("question", "reference", "answer_type", "leaks"),
    [
        (r"Show that the set is $\left\{2-\sqrt{3}, 2+\sqrt{3}\right\}$.", None, "set", True),
        (r"Show that the set is $\{2-\sqrt{3}\}$ and more.", None, "set", False),
        (r"Where is the curve $y = x^{3} - x + 1$?", "u=x^{3}-x+1", "equation", True),
        (r"Where is the curve $y = x^{3} - x + 2$?", "u=x^{3}-x+1", "equation", False),
        # Too short to tell from chance.
        ("Is the parameter $p>5$ or is it something else?", "p>5", "inequality", False),
    ],
)
def test_a_question_must_not_contain_its_answer(
    question: str, reference: str | None, answer_type: str, leaks: bool
) -> None:
    changes = {"reference": reference} if reference else {}
    found = faults(question=question, answer_type=answer_type, **changes)
    assert any("contains the answer" in fault for fault in found) == leaks


def test_every_fault_names_its_remedy_and_all_are_listed() -> None:
    found = faults(topic="everything", reference="x=3.25", question="Why is $x=3.25$ in there?")
    assert len(found) == 4
    assert all(";" in fault for fault in found)


def test_the_writer_is_told_every_rule() -> None:
    told = SCIENTIFIC.rules.describe()
    for word in ("equation", "inequality", "interval", "set", "matrix", "piecewise", "MSC"):
        assert word in told
    for word in ("bare integer", "decimal", "hint", "contain the answer", "atomic"):
        assert word in told


def test_the_examples_keep_the_rules_cover_all_types_and_can_be_read() -> None:
    assert len(pool()) == 12
    for one in pool():
        made = task(
            topic=one.topic,
            answer_type=one.answer_type,
            question=one.question,
            reference=one.answer,
        )
        assert SCIENTIFIC.rules.faults(made) == []
        assert equivalent(rf"\,{one.answer}", one.answer) is True
    kinds = [one.answer_type for one in pool()]
    assert {kind: kinds.count(kind) for kind in TYPES} == dict.fromkeys(TYPES, 2)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_seed_problems_would_keep_the_rules_themselves(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    def stated(name: str) -> str:
        found = re.search(rf"^{name}[.:] (.+)$", text, re.MULTILINE)
        assert found is not None
        return found[1]

    made = task(
        topic=stated("Topic"),
        answer_type=stated("Answer type").split()[0],
        question=stated("Problem"),
        reference=stated("Answer"),
    )
    assert SCIENTIFIC.rules.faults(made) == []


def test_the_taxonomy_has_the_top_levels_of_both_schemes() -> None:
    names = list(classes())
    assert sum(name.startswith("MSC ") for name in names) == 63
    assert sum(name.startswith("PhySH ") for name in names) >= 15
    assert all(canonical(name) == name for name in names)


def test_coverage_of_tasks_reads_topics_as_the_rules_do() -> None:
    found = covered([task(), task(topic="MSC 15 Linear and multilinear algebra; matrix theory")])
    assert found.touched == ("MSC 15",)
    assert found.types["set"] == 2
    with pytest.raises(ValueError, match="class='General'"):
        covered([task(topic="General")])


_PIECES = st.lists(
    st.sampled_from(
        [
            *(r"\begin{cases}", r"\end{cases}", r"\begin{pmatrix}", r"\end{pmatrix}", r"\\", "&"),
            *(
                r"\left\{",
                r"\right\}",
                r"\{",
                r"\}",
                "[",
                ")",
                "(",
                "]",
                "{",
                "}",
                "=",
                "<",
                r"\le",
            ),
            *(r"\in", r"\cup", ",", "x", "7", "0.5", r"\frac", r"\sqrt", r"\infty", "$", "\\"),
        ]
    ),
    max_size=25,
)


@given(st.one_of(st.text(max_size=600), _PIECES.map(" ".join), _PIECES.map("".join)))
def test_any_text_as_a_reference_or_topic_gives_a_value_and_never_an_error(text: str) -> None:
    assert form_of(text) in (None, *TYPES)
    assert is_bare_number(text) in (True, False)
    assert canonical(text) is None or canonical(text) in classes()
    if 0 < len(text) <= 600:
        question = f"What is the answer to this? {text}"
        found = faults(reference=text, topic=text[:120], question=question)
        assert all(isinstance(fault, str) and len(fault) < 400 for fault in found)


def test_the_data_files_are_where_the_package_is() -> None:
    domains = resources.files("autodata.programs.domains")
    assert "MSC2020" in json.loads((domains / "taxonomy.json").read_text(encoding="utf-8"))
    assert (domains / "scientific" / "examples.jsonl").is_file()
