"""Problems whose answer is an equation, an inequality or an interval."""

import random

from .forms import Problem, line, plus, times


def _tangent(draw: random.Random) -> Problem:
    a, t = draw.randint(2, 6), draw.randint(1, 4)
    b = draw.choice((-5, -4, -3, 3, 4, 5, 7))
    slope, constant = 2 * a * t + b, -a * t * t
    if slope in (0, 1):
        slope, b = slope + 2, b + 2
    return Problem(
        topic="MSC 26 Real functions",
        kind="local linear approximation",
        question=f"In the plane with coordinates $x$ and $y$ the parabola $y={a}x^{{2}}"
        f"{plus(b, 'x')}$ has one tangent at its point with $x={t}$. Give the equation of this "
        "tangent, solved for $y$.",
        answer=f"y={line(slope, constant)}",
        same=(
            f"y={constant}{plus(slope, 'x')}",
            f"y+{-constant}={times(slope, 'x')}",
            f"y{plus(-slope, 'x')}{plus(-constant)}=0",
        ),
        words=f"the straight line of slope {slope} that meets the vertical axis at {constant}",
        slips=(
            f"y={line(a * t + b, constant)}",
            f"y={line(slope, -constant)}",
            f"y={line(slope, 0)}",
        ),
    )


def _relaxation(draw: random.Random) -> Problem:
    c, k = draw.randint(2, 9), draw.randint(2, 7)
    return Problem(
        topic="MSC 34 Ordinary differential equations",
        kind="solving an initial value problem",
        question=f"A real function $y$ of $x$ satisfies $y'={c * k}-{k}y$ for all real $x$ and "
        "$y(0)=0$. Give the equation that expresses $y$ through $x$.",
        answer=f"y={c}\\left(1-e^{{-{k}x}}\\right)",
        same=(
            f"y={c}-{c}e^{{-{k}x}}",
            f"y={c}\\left(1-\\exp(-{k}x)\\right)",
            f"\\frac{{y}}{{{c}}}=1-e^{{-{k}x}}",
        ),
        words=f"starting from zero it relaxes to {c} at the rate {k}, exponentially",
        slips=(
            f"y={c}e^{{-{k}x}}",
            f"y={c}\\left(1-e^{{{k}x}}\\right)",
            f"y={c * k}\\left(1-e^{{-{k}x}}\\right)",
        ),
    )


def _apollonius(draw: random.Random) -> Problem:
    p = draw.randint(1, 7)
    centre, square = 4 * p, 4 * p * p
    return Problem(
        topic="MSC 51 Geometry",
        kind="describing a locus",
        question="In the plane with coordinates $x$ and $y$ consider all points that are twice as "
        f"far from $(0,0)$ as from $({3 * p},0)$. Give an equation that they, and no other points, "
        "satisfy.",
        answer=f"(x-{centre})^{{2}}+y^{{2}}={square}",
        same=(
            f"x^{{2}}+y^{{2}}-{2 * centre}x+{3 * square}=0",
            f"y^{{2}}+(x-{centre})^{{2}}={square}",
            f"x^{{2}}+y^{{2}}={2 * centre}x-{3 * square}",
        ),
        words=f"the circle of radius {2 * p} about the point of the first axis at {centre}",
        slips=(
            f"(x+{centre})^{{2}}+y^{{2}}={square}",
            f"(x-{3 * p})^{{2}}+y^{{2}}={square}",
            f"(x-{centre})^{{2}}+y^{{2}}={2 * square}",
        ),
    )


def _roots(draw: random.Random) -> Problem:
    b = draw.choice((3, 5, 7, 9, 11, 13))
    return Problem(
        topic="MSC 12 Field theory and polynomials",
        kind="conditions on a parameter",
        question=f"Give the condition on the real number $k$ under which the polynomial $x^{{2}}"
        f"-{b}x+k$ has two different real zeros.",
        answer=f"k<\\frac{{{b * b}}}{{4}}",
        same=(f"4k<{b * b}", f"\\frac{{{b * b}}}{{4}}>k", f"{b * b}-4k>0"),
        words=f"the parameter has to stay below a quarter of {b * b}",
        slips=(
            f"k\\le\\frac{{{b * b}}}{{4}}",
            f"k>\\frac{{{b * b}}}{{4}}",
            f"k<\\frac{{{b * b}}}{{2}}",
        ),
    )


def _summable(draw: random.Random) -> Problem:
    a, c = draw.randint(2, 9), draw.randint(2, 9)
    return Problem(
        topic="MSC 40 Sequences, series, summability",
        kind="conditions on a parameter",
        question="Give the condition on the real number $p$ that is necessary and sufficient for "
        f"$\\sum_{{n=1}}^{{\\infty}}\\frac{{n^{{{a}}}}}{{{c}+n^{{p}}}}$ to converge.",
        answer=f"p>{a + 1}",
        same=(f"{a + 1}<p", f"p-{a}>1", f"2p>{2 * a + 2}"),
        words=f"the exponent must exceed {a} by more than one",
        slips=(f"p\\ge{a + 1}", f"p>{a}", f"p<{a + 1}"),
    )


def _stable(draw: random.Random) -> Problem:
    m, k = draw.randint(2, 9), draw.randint(2, 9)
    return Problem(
        topic="PhySH Nonlinear Dynamics",
        kind="conditions on a parameter",
        question=f"A particle on a line obeys $x''+(c-{m})x'+{k}x+x^{{3}}=0$ with real $c$. Give "
        "the condition on $c$ under which both eigenvalues of the linearisation at rest in $x=0$ "
        "have negative real parts.",
        answer=f"c>{m}",
        same=(f"{m}<c", f"c-{m}>0", f"2c>{2 * m}"),
        words=f"the friction has to be larger than {m}",
        slips=(f"c\\ge{m}", f"c<{m}", f"c>-{m}"),
    )


def _domain(draw: random.Random) -> Problem:
    a = draw.randint(-6, 5)
    b = a + draw.randint(2, 7)
    return Problem(
        topic="MSC 26 Real functions",
        kind="finding a domain",
        question="Give the largest set of real numbers $x$ for which the real expression "
        f"$\\frac{{\\sqrt{{x{plus(-a)}}}}}{{\\sqrt{{{b}-x}}}}$ is defined.",
        answer=f"[{a},{b})",
        same=(f"x\\in[{a},{b})", f"{a}\\le x<{b}", f"\\left[{a},{b}\\right)"),
        words=f"all real numbers from {a} up to but not including {b}",
        slips=(f"[{a},{b}]", f"({a},{b})", f"({a},{b}]"),
    )


def _convergence(draw: random.Random) -> Problem:
    a, b = draw.randint(-5, 5), draw.randint(2, 7)
    low, high = a - b, a + b
    return Problem(
        topic="MSC 40 Sequences, series, summability",
        kind="convergence at the ends",
        question="Give the set of all real $x$ for which the series $\\sum_{n=1}^{\\infty}"
        f"\\frac{{(x{plus(-a)})^{{n}}}}{{n\\,{b}^{{n}}}}$ converges.",
        answer=f"[{low},{high})",
        same=(f"x\\in[{low},{high})", f"{low}\\le x<{high}", f"\\left[{low},{high}\\right)"),
        words=f"everything from {low} to {high}, the lower end with it and the upper end without",
        slips=(f"({low},{high})", f"[{low},{high}]", f"({low},{high}]"),
    )


def _range(draw: random.Random) -> Problem:
    c, d = draw.choice((3, 5, 7, 9, 11)), draw.randint(1, 6)
    half = f"\\frac{{{c}}}{{{2 * d}}}" if c % d or d == 1 else f"\\frac{{{c // d}}}{{2}}"
    return Problem(
        topic="MSC 26 Real functions",
        kind="finding a range",
        question=f"Give the set of all values that $\\frac{{{c}x}}{{x^{{2}}+{d * d}}}$ takes for "
        "real $x$.",
        answer=f"\\left[-{half},{half}\\right]",
        same=(f"[-{half},{half}]", f"-{half}\\le y\\le{half}", f"y\\in[-{half},{half}]"),
        words=f"all numbers whose absolute value times {2 * d} is at most {c}",
        slips=(f"\\left(-{half},{half}\\right)", f"\\left[0,{half}\\right]", f"[-{c},{c}]"),
    )


EQUATIONS = (_tangent, _relaxation, _apollonius)
INEQUALITIES = (_roots, _summable, _stable)
INTERVALS = (_domain, _convergence, _range)
