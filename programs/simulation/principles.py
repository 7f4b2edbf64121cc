"""What advice does to the tasks that a challenger writes, and how advice is recognised in a text.

The table and its numbers are the simulation's ground truth (docs/simulation.md): a prompt changes a
task only through the principles that it really gives as advice.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from itertools import pairwise, product
from operator import or_
from typing import NamedTuple

from .phrases import CONCEPTS, GRAMMAR, MISFITS, RULES, SPELLINGS

LONG = 450
"""More words than this make an instruction `very_long`."""


class Effect(NamedTuple):
    """What a principle adds to a task's parameters, all on the logit scale."""

    insight: float = 0.0
    """How many criteria need insight rather than fluency."""
    difficulty: float = 0.0
    """Ability at which an insight criterion is met half of the time."""
    log_a: float = 0.0
    """Logarithm of the discrimination."""
    leak: float = 0.0
    """How much of the answer the context gives away."""
    clarity: float = 0.0
    """How much the wording helps; a strong solver gains most."""
    valid: float = 0.0
    """Whether the task is well-formed."""


PRINCIPLES: dict[str, Effect] = {
    "specific": Effect(insight=1.6, difficulty=0.15, log_a=0.10, leak=0.2),
    "setup_only": Effect(difficulty=0.10, leak=-1.6),
    "reasoning": Effect(insight=0.5, difficulty=0.35, log_a=0.20),
    "positive_rubric": Effect(clarity=0.35, valid=0.3),
    "strict_form": Effect(valid=1.2),
    "focused": Effect(difficulty=-0.05, log_a=0.05, clarity=0.35),
    "mistakes": Effect(insight=0.3, difficulty=0.25, log_a=0.20, valid=-0.1),
    "obscure": Effect(difficulty=1.2, log_a=-0.10, clarity=-0.4),
    "exact_numbers": Effect(insight=0.4, difficulty=0.9, log_a=-0.20, clarity=-0.2),
    "generous_context": Effect(difficulty=-0.3, leak=1.5, clarity=0.1),
    "very_long": Effect(difficulty=0.1, log_a=-0.05, leak=0.3, clarity=-0.1, valid=-0.4),
}
"""Effect of each writing principle on a task of the challenger."""

HARMFUL = frozenset({"obscure", "exact_numbers", "generous_context", "very_long"})
"""Principles that sound plausible and narrow the gap or spoil the task."""

SKILLS = frozenset({"root_cause", "new_angle", "evidence"})
"""What an orchestrator can be told; each raises its skill. Without effect on a challenger."""

_INTERACTIONS: dict[tuple[str, str], Effect] = {
    ("specific", "setup_only"): Effect(difficulty=0.1, log_a=0.15, leak=-0.3),
    ("reasoning", "exact_numbers"): Effect(difficulty=0.3, log_a=-0.1, clarity=-0.2),
    ("mistakes", "positive_rubric"): Effect(difficulty=-0.1, log_a=-0.1),
}


def combined(weights: Mapping[str, float]) -> Effect:
    """Add up principles, with their interactions and the dilution of too much advice.

    Args:
        weights: How much each principle counts: 1 where an instruction or a brief gives it, 0.5
            where only a demonstration shows it. Skills count for nothing.

    Raises:
        ValueError: If a name is neither a principle nor a skill.
    """
    unknown = weights.keys() - PRINCIPLES.keys() - SKILLS
    if unknown:
        raise ValueError(f"weights has {sorted(unknown)}: use names of PRINCIPLES or SKILLS")
    force = {name: weights[name] for name in PRINCIPLES if name in weights}
    parts = [(PRINCIPLES[name], weight) for name, weight in force.items()]
    parts += [
        (effect, force[one] * force[other])
        for (one, other), effect in _INTERACTIONS.items()
        if one in force and other in force
    ]
    dilution = 1 + 0.08 * max(0.0, sum(force.values()) - 5)
    return Effect(
        *(sum(effect[i] * weight for effect, weight in parts) / dilution for i in range(6))
    )


@lru_cache(maxsize=4096)
def recognise(text: str) -> frozenset[str]:
    """Return the principles and skills that a text gives as advice.

    Works sentence by sentence: a sentence counts if it reads like one and has the words of a rule
    in order, close together and with the right sign. Loose keywords and repetition gain nothing.
    """
    found: set[str] = set()
    for sentence in _sentences(text):
        found |= _advice(sentence)
    if len(text.split()) > LONG:
        found.add("very_long")
    return frozenset(found)


_BREAK = re.compile(r"\n\s*\n|\n\s*(?:[-*•#]+|\d+[.)])\s|(?<=[.!?;])[\"')\]*_]*\s+")
_TOKEN = re.compile(r"[a-z0-9]+|[,:()\u2013\u2014]|(?<=\s)-{1,2}(?=\s)")
_PLAIN = str.maketrans({mark: None for mark in '`*_"\u201c\u201d'} | {"\u2019": "'"})


def _sentences(text: str) -> Iterator[str]:
    """Split a text at full stops, blank lines and bullets, in one spelling."""
    for part in _BREAK.split(text.lower().replace("e.g.", "eg").replace("i.e.", "ie")):
        sentence = " ".join(part.translate(_PLAIN).split())
        for old, new in SPELLINGS:
            sentence = sentence.replace(old, new)
        if " but " in sentence:
            sentence = re.sub(r"\bnot (?:only|just|merely|simply)\b", "also", sentence)
        if sentence:
            yield sentence


class _Rule(NamedTuple):
    advice: str
    negated: bool
    steps: tuple[int, ...]
    gaps: tuple[int, ...]
    mask: int


def _compiled() -> tuple[dict[int, list[_Rule]], dict[str, int], dict[str, int]]:
    """Compile the rules. A concept is a bit, so that a word is an integer and a rule a mask."""
    bits: dict[str, int] = {}
    rules: dict[int, list[_Rule]] = {}
    for advice, texts in RULES.items():
        for text in texts:
            steps: list[int] = []
            gaps: list[int] = []
            gap = 0
            for part in text.removeprefix("!").split():
                if part.strip("."):
                    words = " ".join(CONCEPTS.get(name, name) for name in part.split("|"))
                    steps.append(bits.setdefault(words, 1 << len(bits)))
                    gaps.append(gap)
                gap = {"..": 4, "...": 9}.get(part, 0)
            mask = reduce(or_, steps)
            rule = _Rule(advice, text[0] == "!", tuple(steps), tuple(gaps), mask)
            rules.setdefault(max(steps), []).append(rule)
    exact: dict[str, int] = {}
    stems: dict[str, int] = {}
    for words, bit in bits.items():
        for word in words.split():
            table = stems if word.endswith("*") else exact
            table[word.rstrip("*")] = table.get(word.rstrip("*"), 0) | bit
    return rules, exact, stems


_RULES, _EXACT, _STEMS = _compiled()
"""Rules by the concept that was met last among them, hence is mostly a rare one."""


@lru_cache(maxsize=16384)
def _concepts(word: str) -> int:
    found = _EXACT.get(word, 0)
    for end in range(3, len(word) + 1):
        found |= _STEMS.get(word[:end], 0)
    return found


_WORDS = {name: frozenset(words.split()) for name, words in GRAMMAR.items()}
_NOT = _WORDS["not"]


class _Sentence(NamedTuple):
    words: tuple[str, ...]
    """Words and the punctuation between them."""
    clauses: tuple[int, ...]
    """For each word, the clause that a negation in it reaches."""


def _parse(sentence: str) -> _Sentence:
    words: list[str] = []
    clauses: list[int] = []
    clause = start = 0
    aside = False
    for token in _TOKEN.findall(sentence):
        if not token[0].isalnum() or token in _WORDS["turn"]:
            # "do not, under any circumstances, ask": what stands aside ends no clause.
            opens = token == "," and bool(words) and words[-1] in _NOT
            clause += not (opens or (aside and token == ","))
            aside = opens
            if token != ",":
                start = len(words)
        elif token in ("or", "nor") and words and words[-1] == ",":
            # "do not A, B, or C": the negation reaches the whole list.
            clauses[start:] = [clause] * (len(clauses) - start)
        words.append(token)
        clauses.append(clause)
    return _Sentence(tuple(words), tuple(clauses))


@lru_cache(maxsize=8192)
def _advice(text: str) -> frozenset[str]:
    """Return what one sentence advises. A question advises nothing."""
    sentence = _parse(text)
    if text.endswith("?") or not _is_sentence(sentence.words):
        return frozenset()
    masks = [_concepts(word) for word in sentence.words]
    present = reduce(or_, masks, 0)
    return frozenset(
        rule.advice
        for bit, rules in _RULES.items()
        if bit & present
        for rule in rules
        if rule.mask & present == rule.mask
        and any(_says(rule, path, sentence) for path in _paths(rule, masks))
    )


def _paths(rule: _Rule, masks: list[int]) -> list[tuple[int, ...]]:
    """Return every way to find a rule's steps among the words."""
    paths = [(i,) for i, mask in enumerate(masks) if mask & rule.steps[0]]
    for step, gap in zip(rule.steps[1:], rule.gaps[1:], strict=True):
        paths = [
            (*path, i)
            for path in paths
            for i in range(path[-1] + 1, min(path[-1] + gap + 2, len(masks)))
            if masks[i] & step
        ]
    return paths


def _says(rule: _Rule, path: tuple[int, ...], sentence: _Sentence) -> bool:
    """Decide whether the words found are advice, and with the sign that the rule wants."""
    words, clauses = sentence
    first, last = path[0], path[-1]
    before = range(max(0, first - 12), first)
    if any(words[i] in _WORDS["if"] and clauses[i] == clauses[first] for i in range(first)):
        return False
    signs = sum(words[i] in _NOT and clauses[i] == clauses[first] for i in before)
    signs += sum(
        words[i] in _NOT and i not in path and clauses[i] == clauses[last]
        for i in range(first, last)
    )
    return (signs + _undone(sentence, last)) % 2 == rule.negated


def _undone(sentence: _Sentence, last: int) -> bool:
    """Tell whether the clause goes on to call the advice wrong ("... is a mistake")."""
    words, clauses = sentence
    be = False
    for i in range(last + 1, min(last + 9, len(words))):
        if clauses[i] != clauses[last] or words[i] in _WORDS["relative"]:
            return False
        if be and words[i] in _WORDS["undo"]:
            return True
        be = be or words[i] in _WORDS["be"]
    return False


_SMALL = frozenset(
    word
    for kind in ("article", "preposition", "verb", "join", "pronoun", "other")
    for word in _WORDS[kind]
)
_MISFITS = frozenset(
    pair for left, right in MISFITS for pair in product(left.split(), right.split())
)
_VOWELS, _CONSONANTS = frozenset("aeio"), frozenset("bcdfgjklmnpqrstvwxyz")


def _is_sentence(words: tuple[str, ...]) -> bool:
    """Tell prose from loose or shuffled words by its small words and their neighbours."""
    if len(words) < 3 or len(words) > 80:
        return False
    small = [word in _SMALL for word in words]
    share = sum(small) / len(words)
    if len(words) == 3 or share < 0.1:
        return len(words) <= 6 and words[0] in _WORDS["imperative"] and "," not in words
    if len(words) >= 10 and (share < 0.2 or _longest(words, small) > 6):
        return False
    slips = words[-1] in _WORDS["loose end"]
    slips += sum(
        left == right
        or (left, right) in _MISFITS
        or (left == "a" and right[0] in _VOWELS and right != "one")
        or (left == "an" and right[0] in _CONSONANTS)
        for left, right in pairwise(words)
    )
    return slips <= len(words) // 25


def _longest(words: tuple[str, ...], small: list[bool]) -> int:
    """Return the most words in a row without a small word or punctuation between them."""
    longest = run = 0
    for word, is_small in zip(words, small, strict=True):
        run = 0 if is_small or not word[0].isalnum() else run + 1
        longest = max(longest, run)
    return longest
