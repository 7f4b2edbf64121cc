# ruff: noqa: RUF001
"""Final answers are found in solutions and compared as mathematics."""

import asyncio
import json
from pathlib import Path

import pytest

from autodata.metrics.answers import aequivalent, equivalent, extract_answer

GSM8K = Path(__file__).parents[3] / "shared" / "data" / "gsm8k" / "test.jsonl"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{2}}, as was to be shown", r"\frac{1}{2}"),
        (r"first \boxed{1}, in the end \boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"thus $\boxed 7$", "7"),
        ("2 + 2 = 4\n#### 1,234", "1234"),
        ("Answer: 3\nno, Answer: $18 per day.", "18 per day"),
        ("**Answer:** 50%", "50%"),
        ("Q: how many?\nA: 5", "5"),
        ("The final answer is $x=3$.", "x=3"),
        ("Answer:\n$$\n\\frac12\n$$\nbecause", r"\frac12"),
        ("So she makes $1,800.50 every day.", "1800.50"),
        ("First this.\n\nTherefore x = 5", "x = 5"),
        ("The solution is x > 5.", "x > 5"),
        ("It is\n-7 cm", "-7 cm"),
        ("1,234,567", "1234567"),
        ("(1,200)", "(1,200)"),
        ("5!", "5!"),
        ("Paris.", "Paris"),
    ],
)
def test_the_final_answer_is_found_as_it_was_written(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize("text", ["", "  \n ", r"\boxed{\frac{1}{2}", "Answer: ", "####"])
def test_a_text_without_an_answer_has_none(text: str) -> None:
    assert extract_answer(text) is None


SAME = r"""
1/2 ~ \frac{1}{2}
0.5 ~ \frac12
1\frac{1}{2} ~ 3/2
-\frac{3}{4} ~ \frac{-3}{4}
1,234 ~ 1234
1.5e3 ~ 1500
3\times 10^8 \text{ m/s} ~ 300000 km/s
0.333333 ~ 1/3
0.\overline{3} ~ 1/3
3.14159 ~ \pi
50\% ~ 0.5
50% ~ 50
$5 ~ 5 dollars
5 cm ~ 5
5 cm ~ 50 mm
2\sqrt{3}\text{ cm} ~ \sqrt{12}
\theta = \frac{\pi}{4} ~ 45^\circ
3! ~ 6
\log_2 8 ~ 3
2+3i ~ 3i+2
e^{i\pi} ~ -1
5m ~ 5 m
x1 + x2 ~ x_2 + x_1
L = 5 cm ~ 50 mm
x+1 ~ 1+x
(x+1)^2 ~ x^2+2x+1
\frac{x^2-1}{x-1} ~ x+1
\sin^2 x + \cos^2 x ~ 1
sqrt(8) ~ 2*sqrt(2)
√2/2 ~ 1/√2
\ln(x^2) ~ 2\ln x
\log x ~ \ln x
a(b+c) ~ ab + ac
\binom{n}{2} ~ n(n-1)/2
(-1)^n ~ \cos(\pi n)
\sum_{k=1}^{n} k ~ \frac{n(n+1)}{2}
\int_0^1 x^2 dx ~ 1/3
v_{\text{max}} ~ v_{max}
\operatorname{arcsinh} x ~ \ln(x+\sqrt{x^2+1})
asinh(x) ~ \ln(x+\sqrt{x^2+1})
\mathrm{artanh}(x) ~ \frac12\ln\frac{1+x}{1-x}
\Gamma(x+1) ~ \Gamma(1+x)
1/2x ~ 1/(2x)
2x = 4 ~ x = 2
x = 2 ~ 2
y = 2x + 1 ~ 2x - y + 1 = 0
f(x) = x^2 ~ x^2
f(x) = x^2 ~ y = x^2
x^2 = 4 ~ x = \pm 2
x = 2 or x = -2 ~ \{-2, 2\}
x=\frac{-b\pm\sqrt{b^2-c}}{2} ~ \frac{-b+\sqrt{b^2-c}}{2}, \frac{-b-\sqrt{b^2-c}}{2}
x=1, y=2 ~ y=2, x=1
(x,y) = (1,2) ~ x=1, y=2
x+y=3, x-y=1 ~ x=2, y=1
xy = 1 ~ y = 1/x
\frac{1}{x} = 2 ~ x = 1/2
y' + 2y = 0 ~ y' = -2y
x < 3 ~ 3 > x
-2x > 4 ~ x < -2
x + y \le 5 ~ 5 - x - y \ge 0
0 < x < y ~ x > 0 and y > x
x^2 > 4 ~ x < -2 or x > 2
|x-1| \ge 2 ~ (-\infty, -1] \cup [3, \infty)
e^x > 1 ~ x > 0
\frac{1}{x} > 0 ~ (0, \infty)
[0,1) ~ 0 <= x < 1
(−∞, 2] ~ (-oo, 2]
\left( -\infty, 2 \right] ~ x \leq 2
x \in [0,1) ~ [0,1)
(0, 1] U [2, 3) ~ 0<x<=1 or 2<=x<3
(a, a+a] ~ (a, 2a]
\mathbb{R}\setminus\{0\} ~ x \neq 0
\{x \in \mathbb{R} : x > 0\} ~ x>0
\{x \mid -1 \le x \le 1\} ~ [-1,1]
\emptyset ~ no real solutions
x ∈ ℝ ~ all real numbers
{1,2,3} ~ \{3, 2, 1\}
\{(1,2),(3,4)\} ~ \{(3,4),(1,2)\}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ~ [[1,2],[3,4]]
\frac{1}{2}\begin{bmatrix}2&4\\6&8\end{bmatrix} ~ [1 2; 3 4]
\begin{pmatrix}1&2&3\end{pmatrix}^T ~ \langle 1,2,3\rangle
\begin{cases} x & x > 0 \\ 0 & x \le 0 \end{cases} ~ x if x > 0, 0 otherwise
f(x) = \begin{cases} x, & \text{if } x \ge 0, \\ -x, & \text{if } x < 0. \end{cases} ~ |x|
x if x > 0 else 0 ~ \max(x, 0)
x for x > 0, 0 otherwise ~ x when x>0, otherwise 0
f(x) = { x^2 if x < 0; x if x >= 0 } ~ x if x \ge 0, x^2 if x < 0
\begin{cases}\frac{\sin x}{x} & x \neq 0 \\ 1 & x = 0\end{cases} ~ 1 if x = 0, sin(x)/x otherwise
the Riemann hypothesis ~ Riemann hypothesis.
\text{Paris} ~ paris
\text{(B)} ~ B
$x = 3$ ~ **3**
""".strip().splitlines()

DIFFERENT = r"""
1/2 ~ 1/3
0.333 ~ 0.334
0.3 ~ 1/3
1e-7 ~ 2e-7
5! ~ 5
5 cm ~ 5 m
5 apples ~ 6 apples
3t ~ 3
x+1 ~ x+2
2x ~ 2y
\operatorname{arcsinh} x ~ \operatorname{arccosh} x
\lambda(x+1) ~ \lambda x
2\Gamma ~ 3
A(t) = 5t ~ A(t) = 6t
\Phi(r) = 2r ~ \Phi(r) = 3r
x(x+1) ~ x^2
\mu(m+M)g ~ \mu m g
v_{\text{max}}(t+1) ~ v_{max}t
5\text{ kg} ~ 6\text{ kg}
n! ~ n
\log_2 8 ~ 4
\binom{5}{2} ~ 11
\max(1,2) ~ 3
\lfloor 2.5\rfloor ~ 3
A ~ a
\sin x ~ \cos x
|x| ~ x
|x-100| ~ 100-x
\sqrt{x^2} ~ x
\log 2 ~ \ln 3
x = 2 ~ x = 3
x = 2 ~ y = 2
x^2=4 ~ x=2
x^2 = -1 ~ x^2 = -4
x = i ~ x = 2i
x1 ~ x
x = 5 cm ~ x = 5 m
5m ~ 6 m
y = 2x ~ y = 3x
x=1,y=2 ~ x=2,y=1
x^2 + y^2 = 1 ~ x^2 + y^2 = 2
x < 3 ~ x > 3
x < 3 ~ x \le 3
x < 3 ~ x < 3.001
x > y ~ x < y
x > 3 ~ t > 3
x^2 > 4 ~ -2 < x < 2
[0,1) ~ [0,1]
[0,1) ~ 0 < x < 1
(0,1) ~ (0,2)
(a, b] ~ (a, b)
(1,2) ~ (2,1)
\mathbb{R} ~ x > 0
{1,2} ~ {1,3}
{1,2} ~ {1,2,3}
1,2 ~ 1
\begin{pmatrix}1&2\\3&4\end{pmatrix} ~ \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix}1&2\end{pmatrix} ~ \begin{pmatrix}1\\2\end{pmatrix}
\begin{pmatrix}1&2\\3&4\end{pmatrix} ~ 5
x if x > 0, 0 otherwise ~ x if x > 0, 1 otherwise
x if x > 0, 0 otherwise ~ x if x > 1, 0 otherwise
x+1 if x > 0, 0 otherwise ~ x+1 if x >= 0, 0 otherwise
yes ~ no
""".strip().splitlines()

UNKNOWN = r"""
the cat ~ a dog
dry ~ wry
5 ~ many apples
5 apples ~ 5 pears
\foo{x} ~ 3
f(2) ~ 10
\Gamma(5) ~ 24
Γ(5) ~ 24
Gamma(5) ~ 24
\Gamma\left(\tfrac12\right) ~ \sqrt{\pi}
n! ~ \Gamma(n+1)
n!! ~ n(n-2)
\zeta(2) ~ \frac{\pi^2}{6}
\zeta'(0) ~ -\frac12\ln(2\pi)
\operatorname{erf}(x) ~ \frac{2}{\sqrt{\pi}}\int_0^x e^{-t^2}dt
\operatorname{erf} x ~ 1-\mathrm{erfc}(x)
\text{erf}(x) ~ 2
\operatorname{Li}_2(1) ~ \frac{\pi^2}{6}
\operatorname{sech} x ~ \frac{1}{\cosh x}
coth(x) ~ \frac{\cosh x}{\sinh x}
cosec(x) ~ \frac{1}{\sin x}
sgn(x) ~ \frac{x}{|x|}
J_0(x) ~ 1-\frac{x^2}{4}
J_{1/2}(x) ~ \sqrt{\frac{2}{\pi x}}\sin x
W(1) ~ 0.567143
\phi(10) ~ 4
\psi(1) ~ -\gamma
P_2(x) ~ \frac{3x^2-1}{2}
x = \Gamma(5) ~ x = 24
{\Gamma(3), 1} ~ {1, 2}
1/2x ~ x/2
x \equiv 1 \pmod 3 ~ x = 1
((( ~ 3
1 > 2 ~ 3 > 4
1 2 3 ~ 6
""".strip().splitlines()


def both_ways(pair: str) -> set[bool | None]:
    answer, reference = pair.split(" ~ ")
    return {equivalent(answer, reference), equivalent(reference, answer)}


@pytest.mark.parametrize("pair", SAME)
def test_two_ways_to_write_an_answer_are_the_same(pair: str) -> None:
    assert both_ways(pair) == {True}


@pytest.mark.parametrize("pair", DIFFERENT)
def test_two_answers_are_told_apart(pair: str) -> None:
    assert both_ways(pair) == {False}


@pytest.mark.parametrize("pair", UNKNOWN)
def test_what_cannot_be_told_is_left_to_a_judge(pair: str) -> None:
    assert both_ways(pair) == {None}


def test_an_empty_answer_is_never_the_same() -> None:
    assert equivalent("", "") is None
    assert equivalent(" . ", "3") is None


def test_a_text_that_is_too_long_only_equals_itself() -> None:
    long = "x + " * 600 + "1"
    assert equivalent(long, f" {long} ") is True
    assert equivalent(long, "x") is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_is_a_positive_number(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"seconds=.*write 5"):
        equivalent("1", "2", seconds=seconds)


def test_an_event_loop_compares_many_answers_at_once() -> None:
    async def compare() -> list[bool | None]:
        return await asyncio.gather(*(aequivalent(f"x+{n}", f"{n}+x") for n in range(12)))

    assert asyncio.run(compare()) == [True] * 12


def references() -> list[str]:
    if not GSM8K.exists():
        pytest.skip("gsm8k is not here")
    return [json.loads(line)["answer"] for line in GSM8K.read_text().splitlines()]


def test_every_gsm8k_reference_is_extracted_and_equals_itself() -> None:
    texts = references()
    assert len(texts) == 1319
    for text in texts:
        answer = str(extract_answer(text))
        assert answer == text.rpartition("####")[2].strip().replace(",", "")
        for written in (
            answer,
            f"${answer}",
            f"{int(answer):,}",
            f"{answer}.00",
            f"{answer} units",
        ):
            assert equivalent(written, answer) is True


def test_no_changed_gsm8k_reference_equals_the_reference() -> None:
    for text in references():
        answer = str(extract_answer(text))
        for changed in (int(answer) + 1, -int(answer) or 1, int(f"{answer}0") or 2):
            assert equivalent(str(changed), answer) is False
