# ruff: noqa: RUF001
"""Whatever the numbers: an answer in other words stays the same, and a changed one does not."""

import string
from fractions import Fraction
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autodata.metrics.answers import equivalent, extract_answer

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=25)
small = st.integers(-9, 9)
nonzero = small.filter(bool)


def signed(number: int, after: str = "") -> str:
    return f"{'-' if number < 0 else '+'} {abs(number)}{after}"


@fixed
@given(st.fractions(-1000, 1000, max_denominator=400), st.integers(2, 9))
def test_a_fraction_in_any_notation_is_its_value(value: Fraction, factor: int) -> None:
    top, under = value.numerator, value.denominator
    ways = [
        f"{top}/{under}",
        rf"\frac{{{top}}}{{{under}}}",
        rf"\dfrac{{{top * factor}}}{{{under * factor}}}",
        f"$ {top * factor} / {under * factor} $",
        rf"{top} \cdot {under}^{{-1}}",
        f"({top * factor} - {top})/({under * (factor - 1)})",
    ]
    assert [equivalent(way, str(value)) for way in ways] == [True] * len(ways)
    other = value + Fraction(1, 10**4)
    assert [equivalent(way, str(other)) for way in ways] == [False] * len(ways)


@fixed
@given(st.decimals(-(10**6), 10**6, places=3), st.sampled_from(["", " cm", r"\text{ kg}", "%"]))
def test_a_decimal_keeps_its_value_under_markup(value: Any, unit: str) -> None:
    ways = [f"{value}", f"{value:,}", f"**{value}**", f"${value}$", f"{value}0"]
    assert [equivalent(way + unit, f"{value}{unit}") for way in ways] == [True] * len(ways)
    assert equivalent(f"{value + 1}{unit}", f"{value}{unit}") is False


@fixed
@given(nonzero, small, small, st.sampled_from("xyt"))
def test_a_polynomial_may_be_factored_reordered_and_spelled_out(
    scale: int, first: int, second: int, name: str
) -> None:
    factored = f"{scale}({name} {signed(-first)})({name} {signed(-second)})"
    middle, last = -scale * (first + second), scale * first * second
    expanded = f"{scale}{name}^2 {signed(middle, name)} {signed(last)}"
    python = f"{last} + {middle}*{name} + {scale}*{name}**2"
    times = rf" \cdot {name}"
    latex = rf"{scale}\,{name}^{{2}} {signed(last)} {signed(middle, times)}"
    assert {equivalent(way, expanded) for way in (factored, python, latex)} == {True}
    assert equivalent(f"{factored} + 1", expanded) is False
    assert equivalent(f"{factored} + {name}", expanded) is False


@fixed
@given(nonzero, small, small, nonzero)
def test_an_equation_may_be_multiplied_and_turned_round(a: int, b: int, c: int, k: int) -> None:
    line = f"y = {a}x {signed(b)}"
    ways = [
        f"{k}y = {k * a}x {signed(k * b)}",
        f"{a}x {signed(b)} - y = 0",
        f"{k * a}x = {k}(y {signed(-b)})",
        f"y {signed(c)} = {a}x {signed(b + c)}",
    ]
    assert [equivalent(way, line) for way in ways] == [True] * len(ways)
    assert equivalent(f"y = {a}x {signed(b + 1)}", line) is False
    assert equivalent(f"y = {a + 1}x {signed(b)}", line) is False


@fixed
@given(nonzero, small, small, st.sampled_from(["<", "<=", ">", ">="]))
def test_an_inequality_keeps_its_direction_and_its_end(a: int, b: int, c: int, sign: str) -> None:
    turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    stated = f"{a}x {signed(b)} {sign} {c}"
    end = Fraction(c - b, a)
    solved = f"x {sign if a > 0 else turned[sign]} {end}"
    latex = {"<=": r"\leq", ">=": r"\ge"}
    ways = [
        solved,
        f"{c} {turned[sign]} {a}x {signed(b)}",
        f"{-a}x {turned[sign]} {b - c}",
        f"{a}x {signed(b)} {latex.get(sign, sign)} {c}",
    ]
    assert [equivalent(way, stated) for way in ways] == [True] * len(ways)
    strict = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
    for changed in (turned[sign], strict[sign]):
        assert equivalent(f"{a}x {signed(b)} {changed} {c}", stated) is False
    assert equivalent(f"{a}x {signed(b)} {sign} {c + 1}", stated) is False


@fixed
@given(small, st.integers(1, 9), st.booleans(), st.booleans())
def test_an_interval_keeps_its_ends(low: int, length: int, left: bool, right: bool) -> None:
    high = low + length
    opening, closing = "[" if left else "(", "]" if right else ")"
    interval = f"{opening}{low},{high}{closing}"
    first, second = "<=" if left else "<", "<=" if right else "<"
    ways = [
        rf"\left{opening} {low}, {high} \right{closing}",
        f"{low} {first} x {second} {high}",
        rf"x \in {interval}",
        f"x {'>=' if left else '>'} {low} and x {second} {high}",
        rf"\{{x \mid {low} {first} x {second} {high}\}}",
    ]
    assert [equivalent(way, interval) for way in ways] == [True] * len(ways)
    for changed in (
        f"{'(' if left else '['}{low},{high}{closing}",
        f"{opening}{low},{high}{')' if right else ']'}",
        f"{opening}{low - 1},{high}{closing}",
        f"{opening}{low},{high + 1}{closing}",
    ):
        assert {equivalent(way, changed) for way in ways} == {False}


@fixed
@given(st.lists(small, min_size=2, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_a_set_has_no_order(members: list[int], random: Any) -> None:
    stated = rf"\{{{', '.join(map(str, members))}\}}"
    mixed = members.copy()
    random.shuffle(mixed)
    ways = [
        "{" + ",".join(map(str, [*mixed, mixed[0]])) + "}",
        ", ".join(map(str, mixed)),
        " or ".join(f"x = {one}" for one in mixed),
    ]
    assert [equivalent(way, stated) for way in ways] == [True] * len(ways)
    assert equivalent("{" + ",".join(map(str, [*mixed[1:], 10])) + "}", stated) is False
    assert equivalent("{" + ",".join(map(str, [*mixed, 10])) + "}", stated) is False


@fixed
@given(st.integers(1, 3), st.integers(2, 3), st.data())
def test_a_matrix_is_compared_entry_by_entry(height: int, width: int, data: Any) -> None:
    row = st.lists(small, min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=height, max_size=height))
    plain = str(rows)
    body = r" \\ ".join(" & ".join(map(str, line)) for line in rows)
    for name in ("pmatrix", "bmatrix", "matrix"):
        assert equivalent(rf"\begin{{{name}}} {body} \end{{{name}}}", plain) is True
    changed = [line.copy() for line in rows]
    changed[data.draw(st.integers(0, height - 1))][data.draw(st.integers(0, width - 1))] += 1
    assert equivalent(rf"\begin{{pmatrix}} {body} \end{{pmatrix}}", str(changed)) is False


@fixed
@given(nonzero, small, small, small)
def test_a_piecewise_function_is_compared_on_every_part(a: int, b: int, c: int, at: int) -> None:
    assume(a * at + b != c)
    stated = rf"\begin{{cases}} {a}x {signed(b)} & x > {at} \\ {c} & x \le {at} \end{{cases}}"
    ways = [
        f"{a}x {signed(b)} if x > {at}, {c} otherwise",
        f"{c} if x <= {at}; {b} + {a}*x if x > {at}",
        f"f(x) = {a}x {signed(b)} if x > {at} else {c}",
        rf"\begin{{cases}} {c}, & \text{{if }} x \leq {at}, \\ {a}x {signed(b)}, "
        r"& \text{otherwise.} \end{cases}",
    ]
    assert [equivalent(way, stated) for way in ways] == [True] * len(ways)
    for changed in (
        f"{a}x {signed(b)} if x >= {at}, {c} otherwise",
        f"{a}x {signed(b)} if x > {at}, {c + 1} otherwise",
        f"{a}x {signed(b + 1)} if x > {at}, {c} otherwise",
        f"{a}x {signed(b)} if x > {at + 1}, {c} otherwise",
    ):
        assert equivalent(changed, stated) is False


@fixed
@given(st.text(string.ascii_letters + " ", min_size=3, max_size=40))
def test_words_equal_themselves_in_capitals_with_articles(text: str) -> None:
    assume(max(map(len, [*text.split(), ""])) >= 5)
    assert equivalent(f"The {text}.", f"the {text}") is True


@fixed
@given(st.integers(-(10**9), 10**9), st.sampled_from([r"\boxed{%s}", "Answer: %s", "#### %s"]))
def test_a_marked_number_is_extracted(number: int, mark: str) -> None:
    text = f"Some steps with 17 and 4.\n{mark % f'{number:,}'}\n"
    assert extract_answer(text) == str(number)


TOKENS = [
    *"0123456789xyabefin+-*/^_=<>()[]{}|,.;:!'\"%$&~ \n\\", "10", "\\frac", "\\sqrt", "\\sin",
    "sin", "log", "\\begin{cases}", "\\end{cases}", "\\begin{pmatrix}", "\\end{pmatrix}", "\\\\",
    "\\le", "\\in", "\\cup", "\\pm", "\\infty", "oo", "if", "otherwise", " or ", " and ", "\\{",
    "\\}", "\\left", "\\right", "\\text{", "\\mathbb{R}", "\\sum", "\\int", "dx", "\\boxed{",
    "####", "Answer:", "∞", "−", "²", "\\%", " cm", "**", "f(x)", "\\overline{", "__import__",
]  # fmt: skip
mathematics = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)
fuzz = settings(fixed, max_examples=120)


@fuzz
@given(mathematics | st.text(max_size=60), mathematics | st.text(max_size=60))
def test_any_two_texts_get_a_verdict_and_no_error(answer: str, reference: str) -> None:
    assert equivalent(answer, reference, seconds=1) in (True, False, None)
    assert equivalent(answer, answer) in (True, None)


@settings(fuzz, max_examples=500)
@given(mathematics | st.text())
def test_any_text_has_an_answer_or_none(text: str) -> None:
    answer = extract_answer(text)
    assert answer is None or answer == answer.strip() != ""
