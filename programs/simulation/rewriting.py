"""How the simulated proposer rewrites an instruction: advice by chance, swayed by feedback.

It knows the advice that helps, but not that it helps: good, neutral and harmful advice is drawn by
chance, and feedback only shifts the odds.
"""

import random
import re
from collections.abc import Mapping

from .phrases import ADVICE, BRIEFINGS, NEUTRAL, OPENINGS
from .principles import HARMFUL, LONG, PRINCIPLES, SKILLS, recognise

_GOOD = tuple(sorted(PRINCIPLES.keys() - HARMFUL))
_TEMPTING = ("obscure", "exact_numbers", "generous_context", "very_long")
_KINDS = {"good": 0.45, "neutral": 0.35, "harmful": 0.20}
_ATTENTION = 0.65
"""Chance that feedback decides the first piece of advice."""
_DROP = 0.15
"""Chance that a piece of advice is given up."""
SIGNS: dict[str, re.Pattern[str]] = {
    "easy": re.compile(r"TOO[ _]EASY"),
    "recall": re.compile(r"\bRECALL\b"),
    "leak": re.compile(r"LEAKS_ANSWER|leaked its answer"),
    "strong": re.compile(r"FAILED ON STRONG"),
    "form": re.compile(r"malformed|AdapterParseError|rubric:|could not be read", re.IGNORECASE),
}
_ANSWERS: dict[str, dict[str, int]] = {
    "easy": {"specific": 3, "reasoning": 3, "mistakes": 3, "obscure": 1, "exact_numbers": 1},
    "recall": {"reasoning": 3, "specific": 1},
    "leak": {"setup_only": 1},
    "strong": {"focused": 2, "positive_rubric": 2},
    "form": {"strict_form": 2, "positive_rubric": 1},
}
"""What a proposer tries against a kind of failure, with odds; not all of it is wise."""

_SENTENCE = re.compile(r"(?<=[.!?;])\s+")


def revise(
    current: str, evidence: str, rng: random.Random, *, tip: str = "", briefing: bool = False
) -> str:
    """Rewrite an instruction: keep its substance, perhaps give up something, add advice.

    Args:
        current: The instruction to start from; empty starts a new one.
        evidence: Feedback and examples, if the prompt had any.
        rng: Decides everything.
        tip: A wish about the style, such as DSPy's `TIPS`.
        briefing: The instruction is for the orchestrator even if it mentions no writer.
    """
    briefing = briefing or "writer" in current.lower()
    paragraphs = paragraphs_of(current) or [[rng.choice(BRIEFINGS if briefing else OPENINGS)]]
    if rng.random() < (0.8 if "concise" in tip else 0.3):
        paragraphs = _compact(paragraphs)
    topic = _dominant(evidence)
    if rng.random() < _DROP:
        _drop(paragraphs, None, rng)
    if topic == "strong" and rng.random() < _ATTENTION:
        _drop(paragraphs, HARMFUL, rng)
    text = "\n\n".join(" ".join(sentences) for sentences in paragraphs)
    count = 1 if "concise" in tip else 3 if "descriptive" in tip else rng.randint(1, 3)
    pieces = advice(recognise(text), evidence, rng, count=count, briefing=briefing)
    pieces = [piece for piece in pieces if piece not in text]
    if "persona" in tip and "You are" not in text:
        text = f"{NEUTRAL[7]}\n\n{text}"
    bullets = rng.random() < 0.25
    return text + "\n\n" + ("\n".join(f"- {p}" for p in pieces) if bullets else " ".join(pieces))


def advice(
    known: frozenset[str],
    evidence: str,
    rng: random.Random,
    *,
    count: int,
    briefing: bool = False,
) -> list[str]:
    """Draw pieces of advice of which none is `known`; feedback shifts the odds of the first.

    Returns:
        Sentences; more than `count` only if the draw fell on making the instruction very long.
    """
    given, pieces = set(known), list[str]()
    topic = _dominant(evidence)
    for number in range(count):
        odds = _ANSWERS.get(topic, {}) if number == 0 and rng.random() < _ATTENTION else {}
        choice = _choose(odds, given, rng) or _choose(_odds(briefing, rng), given, rng)
        if choice is None:
            fresh = [text for text in NEUTRAL if text not in pieces]
            pieces += [rng.choice(fresh)] if fresh else []
        elif choice == "very_long":
            pieces += _padding(rng)
        else:
            pieces.append(rng.choice(ADVICE[choice]))
        given |= {choice} if choice else set()
    return pieces


def _odds(briefing: bool, rng: random.Random) -> dict[str, int]:
    """Draw the kind of advice; no odds at all mean neutral advice."""
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    if kind == "neutral":
        return {}
    if kind == "harmful":
        return {rng.choices(_TEMPTING, (3, 3, 3, 1))[0]: 1}
    skills = dict.fromkeys(sorted(SKILLS), 4) if briefing else {}
    return dict.fromkeys(_GOOD, 1) | skills


def _choose(odds: Mapping[str, int], given: set[str], rng: random.Random) -> str | None:
    open_ones = {name: weight for name, weight in odds.items() if name not in given}
    if not open_ones:
        return None
    return rng.choices(list(open_ones), list(open_ones.values()))[0]


def _dominant(evidence: str) -> str:
    """Return the most frequent kind of failure in some feedback; empty if it has none."""
    counts = {topic: len(sign.findall(evidence)) for topic, sign in SIGNS.items()}
    topic = max(counts, key=lambda one: counts[one])
    return topic if counts[topic] else ""


def _padding(rng: random.Random) -> list[str]:
    """Return so much well-meant but empty advice that an instruction is very long."""
    leads = ("", "Once more: ", "Above all: ")
    lines = [lead + line for lead in leads for line in rng.sample(NEUTRAL, len(NEUTRAL))]
    words = 0
    for end, line in enumerate(lines, 1):
        words += len(line.split())
        if words > LONG:
            return lines[:end]
    return lines


def paragraphs_of(text: str) -> list[list[str]]:
    """Split into paragraphs of sentences, without what an answer's form would take for its own."""
    clean = text.replace("```", "").replace("[[ ##", "[ ##").strip()
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*[-*] )", clean)]
    return [_SENTENCE.split(part) for part in parts if part]


def _compact(paragraphs: list[list[str]]) -> list[list[str]]:
    """Keep the first paragraph, and of the others the sentences that give advice."""
    kept = [[line for line in lines if recognise(line)] for lines in paragraphs[1:]]
    return [paragraphs[0], *(lines for lines in kept if lines)]


def _drop(paragraphs: list[list[str]], names: frozenset[str] | None, rng: random.Random) -> None:
    """Give up one sentence that advises one of `names`, or anything at all."""
    found = [
        (lines, line)
        for lines in paragraphs
        for line in lines
        if (recognise(line) if names is None else recognise(line) & names)
    ]
    if found and sum(map(len, paragraphs)) > 1:
        lines, line = rng.choice(found)
        lines.remove(line)
        paragraphs[:] = [lines for lines in paragraphs if lines]
