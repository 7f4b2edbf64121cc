"""Problems whose answer is a set, a matrix or a piecewise function."""

import random

from .forms import Problem, cases, line, plus, rows


def _eigenvalues(draw: random.Random) -> Problem:
    a, b = draw.sample(range(1, 9), 2)
    low, high = a - b, a + b
    return Problem(
        topic="MSC 15 Linear and multilinear algebra; matrix theory",
        kind="computing a spectrum",
        question=f"A real symmetric matrix of order two has ${a}$ in both diagonal entries and "
        f"${b}$ in both others. Give the set of its eigenvalues.",
        answer=f"\\{{{low},{high}\\}}",
        same=(
            f"\\{{{high},{low}\\}}",
            f"\\left\\{{{low},\\,{high}\\right\\}}",
            f"\\lambda={low} \\text{{ or }} \\lambda={high}",
        ),
        words=f"the diagonal entry plus and minus the other one, hence {high} and its partner",
        slips=(f"\\{{{a},{b}\\}}", f"\\{{{-low},{-high}\\}}", f"\\{{{low},{a},{high}\\}}"),
    )


def _conjugates(draw: random.Random) -> Problem:
    a, b = draw.sample(range(2, 9), 2)
    return Problem(
        topic="MSC 30 Functions of a complex variable",
        kind="solving over the complex numbers",
        question=f"Give the set of all complex $z$ with $z^{{2}}-{2 * a}z+{a * a + b * b}=0$.",
        answer=f"\\{{{a}+{b}i,{a}-{b}i\\}}",
        same=(
            f"\\{{{a}-{b}i,{a}+{b}i\\}}",
            f"{{{a}+{b}i,\\;{a}-{b}i}}",
            f"\\left\\{{{a}-{b}i,\\;{a}+{b}i\\right\\}}",
        ),
        words=f"the two conjugates with real part {a} that lie {b} off the real axis",
        slips=(
            f"\\{{-{a}+{b}i,-{a}-{b}i\\}}",
            f"\\{{{b}+{a}i,{b}-{a}i\\}}",
            f"\\{{{a + b},{a - b}\\}}",
        ),
    )


def _critical(draw: random.Random) -> Problem:
    n, c = draw.choice((2, 3, 5, 6, 7, 10, 11, 13)), draw.randint(1, 9)
    return Problem(
        topic="MSC 58 Global analysis, analysis on manifolds",
        kind="finding critical points",
        question=f"Give the set of all critical points of $f(x)=x^{{3}}-{3 * n}x+{c}$ on the real "
        "line.",
        answer=f"\\left\\{{-\\sqrt{{{n}}},\\sqrt{{{n}}}\\right\\}}",
        same=(
            f"\\{{\\sqrt{{{n}}},-\\sqrt{{{n}}}\\}}",
            f"x=\\pm\\sqrt{{{n}}}",
            f"\\{{-\\sqrt{{{n}}},\\,\\sqrt{{{n}}}\\}}",
        ),
        words=f"both square roots of {n}",
        slips=(
            f"\\{{\\sqrt{{{n}}}\\}}",
            f"\\{{-{n},{n}\\}}",
            f"\\{{-\\sqrt{{{3 * n}}},0,\\sqrt{{{3 * n}}}\\}}",
        ),
    )


def _power(draw: random.Random) -> Problem:
    a = draw.choice((-7, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7))
    entry = f"{a}n"
    return Problem(
        topic="MSC 15 Linear and multilinear algebra; matrix theory",
        kind="powers of a matrix",
        question=f"Let $A={rows(('1', str(a)), ('0', '1'))}$. Give $A^{{n}}$ for every positive "
        "integer $n$.",
        answer=rows(("1", entry), ("0", "1")),
        same=(
            rows(("1", entry), ("0", "1"), brackets="b"),
            f"[[1,{entry}],[0,1]]",
            "M=" + rows(("1", f"n\\cdot({a})"), ("0", "1")),
        ),
        words=f"the unit matrix with {a} times the exponent in its upper right corner",
        slips=(
            rows(("1", f"({a})^{{n}}"), ("0", "1")),
            rows(("n", entry), ("0", "n")),
            rows(("1", entry), ("0", "n")),
        ),
    )


def _rotation(draw: random.Random) -> Problem:
    w = draw.randint(2, 9)
    c, s = f"\\cos({w}t)", f"\\sin({w}t)"
    return Problem(
        topic="MSC 22 Topological groups, Lie groups",
        kind="exponential of a matrix",
        question=f"Let $A={rows(('0', f'-{w}'), (str(w), '0'))}$ and let $t$ be real. Give the "
        "matrix $\\exp(tA)$.",
        answer=rows((c, f"-{s}"), (s, c)),
        same=(
            rows((c, f"-{s}"), (s, c), brackets="b"),
            f"[[{c},-{s}],[{s},{c}]]",
            "M=" + rows((f"\\cos {w}t", f"-\\sin {w}t"), (f"\\sin {w}t", f"\\cos {w}t")),
        ),
        words=f"the rotation of the plane by {w} times the time, counterclockwise",
        slips=(
            rows((c, s), (f"-{s}", c)),
            rows((f"\\cosh({w}t)", f"-\\sinh({w}t)"), (f"\\sinh({w}t)", f"\\cosh({w}t)")),
            rows(("\\cos t", "-\\sin t"), ("\\sin t", "\\cos t")),
        ),
    )


def _projection(draw: random.Random) -> Problem:
    a, b = draw.sample(range(1, 7), 2)
    n = a * a + b * b
    entries = ((a * a, a * b), (a * b, b * b))
    over = [tuple(f"\\frac{{{value}}}{{{n}}}" for value in row) for row in entries]
    whole = [tuple(str(value) for value in row) for row in entries]
    other = [(f"\\frac{{{b * b}}}{{{n}}}", f"-\\frac{{{a * b}}}{{{n}}}")]
    other.append((f"-\\frac{{{a * b}}}{{{n}}}", f"\\frac{{{a * a}}}{{{n}}}"))
    return Problem(
        topic="MSC 46 Functional analysis",
        kind="orthogonal projection",
        question=f"Give the matrix of the orthogonal projection of the plane onto the line through "
        f"$(0,0)$ and $({a},{b})$, in the standard basis.",
        answer=rows(*over),
        same=(
            rows(*over, brackets="b"),
            f"\\frac{{1}}{{{n}}}" + rows(*whole),
            "P=" + f"\\frac{{1}}{{{n}}}" + rows(*whole, brackets="b"),
        ),
        words=f"the outer product of the direction with itself, divided by {n}",
        slips=(rows(*whole), rows(*other), f"\\frac{{1}}{{{a + b}}}" + rows(*whole)),
    )


def _kinks(draw: random.Random) -> Problem:
    a = draw.randint(1, 5)
    b = a + draw.randint(1, 6)
    low, high = (line(-2, a + b), f"x<{a}"), (line(2, -a - b), f"x>{b}")
    middle = f"{a}\\le x\\le{b}"
    return Problem(
        topic="MSC 52 Convex and discrete geometry",
        kind="resolving absolute values",
        question=f"Give $f(x)=|x-{a}|+|x-{b}|$ for all real $x$ without absolute values.",
        answer=cases(low, (str(b - a), middle), high, name="f(x)"),
        same=(
            cases(low, (str(b - a), middle), high),
            cases((low[0], f"x\\le{a}"), (str(b - a), f"{a}<x<{b}"), (high[0], f"x\\ge{b}")),
            cases(high, (str(b - a), middle), low, name="f(x)"),
        ),
        words="a valley with a flat floor between the two kinks and slope two on either side",
        slips=(
            cases((line(-2, b - a), f"x<{a}"), (str(b - a), middle), high, name="f(x)"),
            cases(low, (str(a + b), middle), high, name="f(x)"),
            cases(low, (str(b - a), middle), (line(2, a - b), f"x>{b}"), name="f(x)"),
        ),
    )


def _distribution(draw: random.Random) -> Problem:
    a = draw.randint(-5, 4)
    b = a + draw.randint(2, 7)
    rise = f"\\frac{{x{plus(-a)}}}{{{b - a}}}"
    low, high = ("0", f"x<{a}"), ("1", f"x\\ge{b}")
    return Problem(
        topic="MSC 60 Probability theory and stochastic processes",
        kind="distribution function",
        question=f"A random number is uniformly distributed between ${a}$ and ${b}$. Give its "
        "distribution function $F(x)$ for all real $x$.",
        answer=cases(low, (rise, f"{a}\\le x<{b}"), high, name="F(x)"),
        same=(
            cases(low, (rise, f"{a}\\le x<{b}"), high),
            cases(("0", f"x\\le{a}"), (rise, f"{a}<x\\le{b}"), ("1", f"x>{b}"), name="F(x)"),
            cases(("1", f"x\\ge{b}"), (rise, f"{a}\\le x<{b}"), low),
        ),
        words="zero, then a straight rise between the two ends, then one",
        slips=(
            cases(low, (f"\\frac{{1}}{{{b - a}}}", f"{a}\\le x<{b}"), high, name="F(x)"),
            cases(low, (rise, f"{a}\\le x<{b}"), ("0", f"x\\ge{b}"), name="F(x)"),
            cases(low, (f"\\frac{{{b}-x}}{{{b - a}}}", f"{a}\\le x<{b}"), high, name="F(x)"),
        ),
    )


def _switch(draw: random.Random) -> Problem:
    a, c = draw.randint(1, 6), draw.randint(2, 9)
    ramp = line(c, -a * c)
    return Problem(
        topic="MSC 34 Ordinary differential equations",
        kind="solving with a switched source",
        question=f"A continuous function $y$ on the real line has $y(0)=0$, the derivative $0$ for "
        f"$x<{a}$, and the derivative ${c}$ for $x>{a}$. Give $y(x)$ for all real $x$.",
        answer=cases(("0", f"x<{a}"), (ramp, f"x\\ge{a}"), name="y(x)"),
        same=(
            cases(("0", f"x\\le{a}"), (f"{c}(x-{a})", f"x>{a}")),
            cases((ramp, f"x\\ge{a}"), ("0", "\\text{otherwise}"), name="y(x)"),
            cases(("0", f"x<{a}"), (f"{c}(x-{a})", f"x\\ge{a}"), name="y(x)"),
        ),
        words="nothing before the switch, and a ramp that starts at it from then on",
        slips=(
            cases(("0", f"x<{a}"), (f"{c}x", f"x\\ge{a}"), name="y(x)"),
            cases((ramp, f"x<{a}"), ("0", f"x\\ge{a}"), name="y(x)"),
            cases(("0", f"x<{a}"), (str(c), f"x\\ge{a}"), name="y(x)"),
        ),
    )


SETS = (_eigenvalues, _conjugates, _critical)
MATRICES = (_power, _rotation, _projection)
PIECEWISE = (_kinks, _distribution, _switch)
