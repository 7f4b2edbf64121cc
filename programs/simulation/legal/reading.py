"""The simulated reader and referee of the legal domain: both read text, and the referee errs."""

import random
import re
from statistics import fmean, stdev
from typing import Any

from ..prompts import Prompt
from ..seeds import stream
from ..words import salient
from .writing import FLOOR, SATURATION

_REASONS = re.compile(r"\b(?:because|therefore|since|reasons?|reasoning|whereas)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"'])")
_HOLDS = re.compile(r"\b(?:hold|holds|held|rule|principle|must|duty|entitled|requires?)\b")
_TYPES = (
    ("memorandum", "memorandum"),
    ("agreement", "contract"),
    ("guidance", "guidance"),
    ("order number", "order"),
)
_AWAY = (
    (r"\badopt\b", "It takes over the reasons of another body by reference and gives none."),
    (r"\b(?:docket|to be filed)\b", "It only moves a case along; no rule is laid down."),
    (r"\baffirmed\b", "It affirms the result below without giving reasons."),
)

HIGH, MEDIUM = 0.136, 0.085
"""Spread of the weak attempts from which a task is highly, or at all, suitable."""
LOW_WEAK, TOP_WEAK, TOP_STRONG, NEAR = 0.24, 0.55, 0.93, 0.08
"""Weak mean below which knowledge is missing, above which the task is worn out; strong mean above
which it is; and the gap below which nothing separates."""
EYE = 0.012
"""Spread of how the referee misreads the spread."""
CONTENT = 0.9
"""Chance to accept a task of medium suitability."""
WRONG = 0.02
"""Chance of a verdict that the numbers do not bear out."""

_STRONG_FLOOR = 0.3


def extract(prompt: Prompt) -> dict[str, Any]:
    """Answer a request to read a document: it is suitable if it gives reasons."""
    text = prompt.inputs.get("document", "")
    prose = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    said = [" ".join(one.split()) for one in _SENTENCE.split(prose) if len(one.split()) > 6]
    terms = salient(text)
    kind = next((name for mark, name in _TYPES if mark in text.lower()), "decision")
    reasons = [one for one in said if _REASONS.search(one)]
    if not reasons or not said:
        note = next((why for mark, why in _AWAY if re.search(mark, text, re.IGNORECASE)), "")
        found = {"suitable": False, "note": note or "It gives no reasons for what it decides."}
        empty = {"topics": [], "issues": [], "facts": "", "holdings": []}
        return {"extract": {**found, "document_type": kind, **empty}}
    rules = [one for one in said if _HOLDS.search(one)] or said
    asked = [one for one in said if "whether" in one] or [
        f"What does {terms[0]} depend on where {terms[1]} is in dispute?"
    ]
    return {
        "extract": {
            "suitable": True,
            "note": "It lays down a rule and says why.",
            "document_type": kind,
            "topics": list(terms[:4]),
            "issues": [one[:600] for one in asked[:3]],
            "facts": " ".join(said[:6])[:3000],
            "holdings": [
                {"rule": rule[:800], "reasoning": reasons[i % len(reasons)][:800]}
                for i, rule in enumerate(rules[:4])
            ],
        }
    }


def referee(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to review a round, from the numbers in its packet."""
    packet, draw = prompt.inputs.get("packet", ""), stream(*key, "referee")
    weak, strong = _grades(packet, "weak"), _grades(packet, "strong")
    if not weak or not strong:
        return _said("0 of the attempts", "0 of the attempts", "rubric", "low", "improve", draw)
    spread = (stdev(weak) if len(weak) > 1 else 0.0) + draw.gauss(0.0, EYE)
    low, high = fmean(weak), fmean(strong)
    suitability = "high" if spread >= HIGH else "medium" if spread >= MEDIUM else "low"
    if low >= TOP_WEAK or high >= TOP_STRONG:
        cause, suitability = SATURATION, "low" if low >= TOP_WEAK else suitability
    elif low < LOW_WEAK:
        cause = FLOOR
    else:
        cause = "flat in the middle" if suitability != "high" else "reasoning"
    if high - low < NEAR or high < _STRONG_FLOOR or max(weak) < 0.1:
        suitability = "low"
    enough = suitability == "medium" and cause not in (FLOOR, SATURATION)
    fine = suitability == "high" or (enough and draw.random() < CONTENT)
    if draw.random() < WRONG:
        fine = not fine
    return _said(
        f"{_listed(weak)}: mean {low:.2f}, spread {spread:.2f}",
        f"{_listed(strong)}: mean {high:.2f}",
        cause,
        suitability,
        "accept" if fine else "improve",
        draw,
        _weakest(packet),
    )


_ADVICE = {
    FLOOR: "Supply the facts and reward reasoning from them; drop recall of {capability}.",
    SATURATION: "Add a step and a doctrine that nearly applies; {capability} is worn out.",
}


def _said(
    weak: str,
    strong: str,
    cause: str,
    suitability: str,
    verdict: str,
    draw: random.Random,
    capability: str = "the rule",
) -> dict[str, Any]:
    """Put a review into words."""
    other = "Take another angle on the same source, away from {capability}."
    suggestion = _ADVICE.get(cause, other).format(capability=capability)
    concern = "One criterion could be read either way." if draw.random() < 0.1 else ""
    return {
        "weak_pattern": f"The weak attempts earned {weak}.",
        "strong_pattern": f"The strong attempts earned {strong}.",
        "gap_interpretation": f"What separates them: {cause}.",
        "rubric_concerns": [concern] if concern else [],
        "suitability": suitability,
        "verdict": verdict,
        "reason": f"Suitability is {suitability}: the weak attempts earned {weak} ({cause}).",
        "suggestion": "" if verdict == "accept" else suggestion,
    }


def _grades(packet: str, solver: str) -> list[float]:
    """Read a solver's grades; the last line of the kind is the packet's own."""
    lines = re.findall(rf"^{solver}: ([\d., ]+)$", packet, re.MULTILINE)
    return [float(one) for one in re.findall(r"\d\.\d+", lines[-1])] if lines else []


def _listed(grades: list[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in grades)


def _weakest(packet: str) -> str:
    found = re.search(r"^- (.{3,80}?): \d+ criteria, weak \d", packet, re.MULTILINE)
    return found[1] if found else "the rule"
