r"""Functions with a name that the reader does not know: \Gamma(5), erf(x), J_0(x).

The reader takes each of them for a product of symbols. That two such products differ says nothing.
"""

import re

from .latex import known

_SCRIPTS = r"(?:\s*[_^]\s*(?:\{[^{}]*\}|\\?[a-zA-Z]+|-?\d+)|\s*'|\s*\\left){0,4}\s*"
_ATOM = (
    r"\(\s*(?:-?[\d.]+(?:/\d+)?|\\?[a-zA-Z]+|-?\\[dt]?frac\s*\{?\w+\}?\s*\{?\w+\}?)"
    r"\s*(?:\\right\s*)?\)"
)
_ALWAYS = re.compile(
    r"(?<![a-zA-Z_])(?:\\?(?:Gamma|zeta|Phi|psi|digamma)|\\?(?:W|B|Ai|Bi|Si|Ci|Ei|Li|li)"
    r"|\\?[a-z]?(?:sech|csch|coth|sgn|sinc|cis|ctg|cotg|cosec|lcm|erfc?|sh|ch|th|cth|tr|det)"
    rf"|asec|acsc|acot){_SCRIPTS}[(\[]"
)
"""Names that are hardly ever a factor before a bracket."""
_SINGLE = re.compile(
    r"(?<![a-zA-Z_\\])(?:\\?(?:var)?(?:gamma|beta|Beta|eta|phi|sigma|mu|theta|Theta|delta|lambda"
    rf"|Lambda|chi|xi|Psi|Omega|omega|tau)|[A-Z]){_SCRIPTS}{_ATOM}"
)
"""A letter before one number or symbol in brackets; a longer argument is rather a factor."""
_BARE = re.compile(
    r"\\?(?<![a-zA-Z])(?:sech|csch|coth|erfc?|sgn|sinc|cosec|ctg|cotg)(?![a-zA-Z])|!\s*!"
)
_UPRIGHT = re.compile(
    r"(?<![_^])(?<![_^]\{)\\(?P<font>operatorname\*?|mathrm|text|textrm|rm)\s*"
    rf"\{{\s*\\?(?P<name>[a-zA-Z]{{2,}})\s*\}}(?P<call>{_SCRIPTS}[(\[])?"
)
_DEFINED = re.compile(
    r"^\s*(?:\\?[a-zA-Z]+)(?:_\{?\w+\}?)?'*\s*(?:\\left\s*)?"
    r"\(\s*\\?[a-zA-Z]+(?:\s*,\s*\\?[a-zA-Z]+)*\s*(?:\\right\s*)?\)\s*:?=(?!=)"
)
"""`A(t) = ...` names what is asked for, and applies nothing."""


def applies_unknown(text: str) -> bool:
    """Tell whether an answer applies a named function that the reader takes for a product.

    Args:
        text: An answer, plain or LaTeX, with the signs that `ascii_math` writes.
    """
    text = _DEFINED.sub("", text, count=1)
    for found in _UPRIGHT.finditer(text):
        # An upright word may also be a unit or a label, so that only a call makes it a function.
        if not known(found["name"]) and (found["call"] or found["font"].startswith("operator")):
            return True
    plain = _UPRIGHT.sub(lambda found: f" {found['name']}{found['call'] or ' '}", text)
    return any(pattern.search(plain) for pattern in (_ALWAYS, _SINGLE, _BARE))
