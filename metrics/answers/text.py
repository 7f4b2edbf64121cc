"""Answers as text: the final answer of a solution, the bare text of an answer, phrases."""

# ruff: noqa: RUF001
# The table names signs that look like others: that is its purpose.

import re
import unicodedata

MAX_LENGTH = 2000
"""Characters of an answer that are read as mathematics. A longer one only equals itself."""

_NAMES = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∗": "*",
    "÷": "/", "∕": "/", "⁄": "/", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ",
    "≠": r"\ne ", "∞": r"\infty ", "√": r"\sqrt ", "∪": r"\cup ", "∩": r"\cap ",
    "∈": r"\in ", "∅": r"\emptyset ", "∖": r"\setminus ", "∧": r"\land ", "∨": r"\lor ",
    "±": r"\pm ", "ℝ": r"\mathbb{R}", "°": r"^\circ ", "|": "|", "∣": "|",
    "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}",
    "⅔": r"\frac{2}{3}", "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "≈": r"\approx ",
    "≡": r"\equiv ", "→": r"\to ",
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega"
)
_GREEK_LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"
_NAMES |= {one: rf"\{name} " for one, name in zip(_GREEK_LETTERS, _GREEK.split(), strict=True)}
_NAMES |= {
    "Γ": r"\Gamma ", "Δ": r"\Delta ", "Θ": r"\Theta ", "Λ": r"\Lambda ", "Ξ": r"\Xi ",
    "Π": r"\Pi ", "Σ": r"\Sigma ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ",
}  # fmt: skip
_TABLE = str.maketrans(_NAMES)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

_WRAPPERS = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"\$\$(?P<inside>[^$]+)\$\$",
        r"\$(?P<inside>[^$]+)\$",
        r"\\\((?P<inside>(?:(?!\\\().)+)\\\)",
        r"\\\[(?P<inside>(?:(?!\\\[).)+)\\\]",
        r"\*\*(?P<inside>[^*]+)\*\*",
        r"`(?P<inside>[^`]+)`",
        r'"(?P<inside>[^"]+)"',
        r"\\(?:text|boxed|mathrm|textbf)\s*\{(?P<inside>[^{}]+)\}",
    )
]
_MARKED_NUMBER = re.compile(
    r"^(?P<mark>\$|\*\*)(?P<inside>[-+]?[0-9.][^$*]*)(?P=mark)(?P<after>\s*[a-zA-Z%\\][^$*]*)$"
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")


def clean(text: str) -> str:
    """Return an answer without markup, dollar signs around it, and final punctuation."""
    text = text.strip()
    for _ in range(4):
        before = text
        for wrapper in _WRAPPERS:
            if match := wrapper.fullmatch(text):
                text = match["inside"].strip()
        text = _MARKED_NUMBER.sub(r"\g<inside>\g<after>", text)
        text = _without_stop(text)
        if text == before:
            break
    return text


def _without_stop(text: str) -> str:
    for end in ("\\\\", "\\newline", "..."):
        text = text.removesuffix(end).rstrip()
    stripped = text.rstrip(".;,")
    # What follows a backslash is a space of LaTeX, and not the end of a sentence.
    return text if stripped.endswith("\\") else stripped.rstrip()


def ascii_math(text: str) -> str:
    """Write the signs of mathematics that Unicode has as LaTeX has them."""
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: f"^{{{m[0].translate(_SUPERSCRIPTS)}}}", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉]+", lambda m: f"_{{{m[0].translate(_SUBSCRIPTS)}}}", text)
    text = unicodedata.normalize("NFKC", text.translate(_TABLE))
    return _REPEATING.sub(_fraction, text)


_REPEATING = re.compile(r"(?P<start>\d{0,9}\.\d{0,9})\\(?:overline|bar)\s*\{(?P<again>\d{1,9})\}")


def _fraction(match: re.Match[str]) -> str:
    r"""Write 0.1\overline{6} as a fraction."""
    start, again = match["start"], match["again"]
    places = len(start.partition(".")[2])
    over = int(start.replace(".", "") + again) - int(start.replace(".", "") or 0)
    return rf"\frac{{{over}}}{{{(10 ** len(again) - 1) * 10**places}}}"


def without_separators(text: str) -> str:
    """Write 1,234,567 as 1234567, unless brackets make it a list."""
    text = re.sub(r"(?<=\d)(?:\{,\}|\\,|\\!,|,\\!)(?=\d{3})", ",", text)
    if len(text) > MAX_LENGTH:
        return text

    def plain(match: re.Match[str]) -> str:
        before = text[: match.start()]
        level = sum((sign in "([{") - (sign in ")]}") for sign in before)
        return match[0] if level else match[0].replace(",", "")

    return _THOUSANDS.sub(plain, text)


_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_FORMULA_WORDS = (
    "sin cos tan cot sec csc log exp sqrt inf infinity otherwise if and for when where else "
    "matrix frac pi theta alpha beta gamma delta lambda sigma omega phi psi rho abs min max"
)
_MATH_WORDS = frozenset(_FORMULA_WORDS.split())


def phrase(text: str) -> str | None:
    """Return plain words without case, articles and punctuation; `None` if it is mathematics.

    A phrase has a word of three letters or more that no formula has, and no digit, operator or
    command.
    """
    text = re.sub(r"\\(?:text|mathrm|textbf|mathbf|textit)\s*\{([^{}]*)\}", r" \1 ", text)
    if re.search(r"[\d\\^_=<>+*/|{}\[\]]", text):
        return None
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.casefold())
    if not any(len(word) >= 3 and word not in _MATH_WORDS for word in words):
        return " ".join(words) if words in (["yes"], ["no"]) else None
    return " ".join(_ARTICLES.sub(" ", " ".join(words)).split())


def tidy(text: str) -> str:
    """Return mathematics without the spaces that mean nothing; case is kept, it means much."""
    text = re.sub(r"\\(?:left|right|displaystyle|!|;|quad|qquad)(?![a-zA-Z])", "", text)
    text = re.sub(r"\\[dt]frac(?![a-zA-Z])", r"\\frac", text)
    text = re.sub(r"(?<=\w)\s+(?=\w)", " ", text.replace("~", " "))
    return re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", text)


# Spaces are counted so that no text makes the search quadratic.
_LABEL = re.compile(
    r"(?i)(?:\banswer(?:\s{1,3}is)?\s{0,3}(?:\*\*)?\s{0,3}[:=]|\banswer\s{1,3}is\b"
    r"|^[ \t]{0,9}(?:\*\*)?A(?:\*\*)?[ \t]{0,3}:)\s{0,9}(?:\*\*)?",
    re.MULTILINE,
)
_BOX = re.compile(r"\\f?boxed?(?![a-zA-Z])\s*")
_LEAD = re.compile(r"(?i)^(?:so|thus|therefore|hence|then|finally)\b[,:]?\s*")
_IS = re.compile(r"(?i).*\b(?:is|are|equals|equal to|be)\s+(?P<rest>.+)$", re.DOTALL)
_AMOUNT = re.compile(
    r"(?<![\w.])[-+]?[$€£¥]?[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?(?:\s*\\?%)?"
)
_MONEY = re.compile(r"^([-+]?)\s*(?:\\?\$|[€£¥₹])\s*(?=[-+]?[\d.])")


def extract_answer(text: str) -> str | None:
    r"""Return the final answer of a solution, as short as it was written.

    The last of these that the text has, in this order of preference: `\boxed{...}`, a line after
    `####`, what follows "Answer:", "A:" or "the answer is", the last line. Of a last line that is
    a sentence, only the value is kept: what follows its last "is", or its last number. Markup,
    final punctuation, thousands separators and a currency sign before the number are dropped;
    units and percent signs stay, for `equivalent` reads them.

    Args:
        text: What a model or a data set wrote.

    Returns:
        The answer, never empty. `None` if there is none, or the text was cut inside `\boxed{`.
    """
    boxes = list(_BOX.finditer(text))
    if boxes:
        return _finish(_boxed(text, boxes[-1].end()))
    if "####" in text:
        return _finish(_first_line(text.rpartition("####")[2]))
    labels = list(_LABEL.finditer(text))
    if labels:
        return _finish(_first_line(text[labels[-1].end() :]))
    return _finish(_last_line(text))


def _boxed(text: str, start: int) -> str:
    """Return the group at `start`, or the word there; nothing if its brace never closes."""
    if not text.startswith("{", start):
        match = re.compile(r"[^\s$.,]+").match(text, start)
        return match[0] if match else ""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in "{}" and text[position - 1] != "\\":
            depth += 1 if text[position] == "{" else -1
            if depth == 0:
                return text[start + 1 : position]
    return ""


def _first_line(text: str) -> str:
    text = text.strip()
    for opening, closing in (("$$", "$$"), (r"\[", r"\]"), (r"\begin{", r"\end{")):
        if text.startswith(opening) and closing in text[2:]:
            end = text.index(closing, 2) + len(closing)
            return text[: text.find("}", end) + 1] if closing == r"\end{" else text[:end]
    return text.partition("\n")[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip(" \t$*`.")]
    if not lines:
        return ""
    line = clean(_LEAD.sub("", clean(lines[-1])))
    if len(re.findall(r"(?<!\\)\b[a-zA-Z]{2,}\b", line)) < 3:
        return line
    found = _IS.match(line)
    if found and len(re.findall(r"\b[a-zA-Z]{2,}\b", found["rest"])) < 4:
        return found["rest"]
    amounts = _AMOUNT.findall(line)
    return amounts[-1] if amounts and " if " not in line else line


def _finish(found: str) -> str | None:
    found = without_separators(clean(found))
    return clean(_MONEY.sub(r"\1", found)) or None
