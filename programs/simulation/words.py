"""Words of a document, and the key phrases that criteria and answers share."""

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from .codec import Latent
from .irt import CRITERION_SPREAD
from .seeds import stream

TERMS = 10
"""Salient words that a task names."""

_WORD = re.compile(r"[a-z]{5,16}")
_NO_NOUN = ("ed", "ly")
_COMMON = frozenset(
    re.findall(
        r"[a-z]+",
        "about above across after again against almost alone along already although always "
        "among another because become before began being below better between beyond cannot "
        "cases comes could degree degrees different doing during early either enough every "
        "example except fewer finally first found further given gives going great hence "
        "higher hour hours instead itself known large larger later least level levels lines "
        "little longer lower makes many measured might minute minutes moment month months "
        "nearly needed never nothing number often only other others paper percent percentage "
        "perhaps rather reason report result results round second seconds seems seven several "
        "shall should showed shown since small smaller some still studies study taken tested "
        "their there therefore these thing things third those though three through times "
        "today together total toward tried under unless until using usual usually value "
        "values weeks where whether which while whole whose within without would years",
    )
)
_SPARE = ("condition", "mechanism", "constraint", "baseline", "measure", "feedback")
_LISTED = re.compile(r"At stake are ([a-z]+(?:, [a-z]+)+) and ([a-z]+)\.")

_RELATIONS = (
    "saturates well before",
    "is masked by",
    "trades off against",
    "sets the pace for",
    "only matters beyond",
    "undoes the gain from",
    "lags behind",
    "depends less on",
    "is limited by",
    "reverses the sign of",
    "shields against",
    "is a proxy for",
    "competes directly with",
    "builds up through",
    "breaks down without",
    "outweighs the loss in",
    "cannot compensate for",
    "hides the drift in",
    "amplifies errors in",
    "stays flat despite",
    "decouples late from",
    "follows rather than drives",
    "is spent first on",
    "narrows the choice of",
    "carries over into",
    "is confounded with",
    "scales faster than",
    "removes the need for",
    "turns harmful under",
    "is bought with",
    "vanishes once averaged over",
    "is set upstream of",
)


class Keys(NamedTuple):
    """What follows from a code's seed, the same for whoever reads the code."""

    phrases: tuple[str, ...]
    """One per criterion, three to six words, each different."""
    offsets: tuple[float, ...]
    """Each criterion's own part of the difficulty, in logits."""
    terms: tuple[str, ...]
    """The salient words that the phrases are made of."""


@lru_cache(maxsize=1024)
def salient(text: str) -> tuple[str, ...]:
    """Return the words that a text returns to, the most telling first; at least six."""
    counts = Counter(
        word
        for word in _WORD.findall(text.lower())
        if word not in _COMMON and not word.endswith(_NO_NOUN)
    )
    # A plural stands for its singular as well: two forms of one word would make hollow phrases.
    stems = {word.removesuffix("s"): word for word in counts}
    ranked = sorted(stems.values(), key=lambda word: (-counts[word] * min(len(word), 9), word))
    found = ranked[:TERMS]
    return tuple(found) if len(found) >= 6 else (*found, *_SPARE[: 6 - len(found)])


def salient_set(text: str) -> frozenset[str]:
    """Return all words of a text that say what it is about."""
    return frozenset(_WORD.findall(text.lower())) - _COMMON


def listed(terms: tuple[str, ...]) -> str:
    """Write the sentence of a context that names its terms."""
    return f"At stake are {', '.join(terms[:-1])} and {terms[-1]}."


def named(text: str) -> tuple[str, ...]:
    """Read the terms that a context names; those of the whole text if it names none."""
    found = _LISTED.search(text)
    return (*found[1].split(", "), found[2]) if found else salient(text)


@lru_cache(maxsize=8192)
def keys(seed: int, count: int, terms: tuple[str, ...]) -> Keys:
    """Return key phrases and difficulties of a task's criteria."""
    draw = stream("keys", seed)
    relations = draw.sample(_RELATIONS, count)
    phrases = []
    for relation in relations:
        one, other = draw.sample(terms, 2)
        phrases.append(f"{one} {relation} {other}")
    offsets = tuple(draw.gauss(0.0, CRITERION_SPREAD) for _ in range(count))
    return Keys(tuple(phrases), offsets, terms)


def keys_of(latent: Latent, text: str) -> Keys:
    """Return the keys of a task as its reader can know them."""
    return keys(latent.seed, latent.criteria, named(text))
