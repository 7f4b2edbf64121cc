"""Sentences of the simulated tasks and answers, around terms and key phrases."""

import random
from collections.abc import Sequence

from .codec import LABEL
from .words import listed

_AREAS = (
    "This question comes from applied work in which {a} is observed and {b} is controlled.",
    "Practitioners who deal with {a} usually reason about it through {b}.",
    "A team works on {a} and has to decide how far {b} can be trusted.",
    "In this field {a} is easy to observe, while {b} has to be inferred.",
)
_PROBLEMS = (
    "Two readings of the same observations of {c} are both defensible at first sight.",
    "The obvious way to treat {c} has been tried and the outcome surprised everybody.",
    "What looks like an effect of {c} may be produced by something that changes along with it.",
    "Changing {c} has a benefit and a price, and the two do not appear at the same time.",
)
_QUESTIONS = (
    "Suppose {a} is changed while {b} is held as described. Which outcome do you expect for {c}, "
    "and which competing explanation has to be given up?",
    "You may intervene on {a} or on {b}, not on both. Which do you choose in view of {c}, and "
    "under which condition would you choose the other?",
    "{A} suggests one conclusion about {c} and {b} suggests the opposite. Which of them holds, "
    "and how can both observations be right?",
    "A colleague proposes to ignore {a} because {b} is already controlled. What happens to {c} if "
    "this is done, and what would show it first?",
)
_CLOSINGS = (
    "Decide, and say what would make you change your mind.",
    "Commit to one answer and say what it rests on.",
    "Name the step of the reasoning that everything else depends on.",
)
_REWARDS = (
    "Argues that “{phrase}” and draws a consequence for {term}.",
    "Recognises that “{phrase}” instead of treating {term} in isolation.",
    "States that “{phrase}” as a step of the reasoning about {term}.",
    "Makes clear that “{phrase}”, and under which condition this concerns {term}.",
    "Uses the fact that “{phrase}” to rule out an alternative account of {term}.",
)
_ERRORS = (
    "Claims that “{phrase}”, which mistakes the role of {term}.",
    "Concludes that “{phrase}” although {term} speaks against it.",
    "Takes for granted that “{phrase}” and so misreads {term}.",
)
_STATEMENTS = (
    "What decides the matter is that {phrase}, which leaves {term} no room.",
    "It has to be seen that {phrase}, and this is why {term} cannot be read alone.",
    "Because {phrase}, I would not rely on {term} by itself.",
    "I take it that {phrase} once {term} has settled.",
    "The step that matters here: {phrase}, whatever {term} seems to say.",
    "Given the set-up, {phrase}, so that {term} follows and does not lead.",
)
_OPENINGS = (
    "I would start from what the set-up fixes and what it leaves open, because the two are easily "
    "confused when {a} is in view.",
    "The tempting answer treats {a} as the cause of everything that is seen; I do not think that "
    "this holds.",
    "Two accounts fit the description of {a}, and they part ways only when one asks what happens "
    "next.",
)
_FILLERS = (
    "None of this follows from a single observation; it takes the comparison.",
    "I would check this first in the simplest case before trusting it in the full one.",
    "The size of the effect is uncertain, its direction is not.",
    "A careful reader will object that other factors vary too, and that is a fair point.",
    "If the opposite were seen, I would have to revise the whole account.",
    "This is also the part of the argument that is most often skipped.",
    "An average over all cases would hide the difference that counts.",
)
_ENDINGS = (
    "So my decision stands, with the reservation about {a} just given.",
    "On balance I commit to this reading and would look at {a} to refute it.",
    "That is the answer that I would defend, and {a} is where I would test it.",
)

_SHORTEST = 120
"""Words of the shortest answer."""


def context_of(draw: random.Random, terms: Sequence[str], given_away: Sequence[str]) -> str:
    """Write a context that names its terms, and with a leak what the answer should say."""
    a, b, c = draw.sample(terms, 3)
    parts = [draw.choice(_AREAS), draw.choice(_PROBLEMS)]
    text = " ".join(parts).format(a=a, b=b, c=c) + " " + listed(tuple(terms))
    if given_away:
        text += " As the study found, " + "; ".join(given_away) + "."
    return text


def question_of(draw: random.Random, terms: Sequence[str], code: str) -> str:
    """Write a question that carries a code."""
    a, b, c = draw.sample(terms, 3)
    text = draw.choice(_QUESTIONS).format(a=a, b=b, c=c, A=a.capitalize())
    return f"{text} {draw.choice(_CLOSINGS)} ({LABEL}{code}.)"


def criterion_of(draw: random.Random, phrase: str, terms: Sequence[str], good: bool) -> str:
    """Write a criterion around its key phrase."""
    template = draw.choice(_REWARDS if good else _ERRORS)
    return template.format(phrase=phrase, term=_another(draw, phrase, terms))


def reference_of(draw: random.Random, phrases: Sequence[str], terms: Sequence[str]) -> str:
    """Write the answer that says everything that is rewarded."""
    return " ".join(_statements(draw, phrases, terms))


def answer_of(draw: random.Random, phrases: Sequence[str], terms: Sequence[str]) -> str:
    """Write an answer that says what `phrases` say and nothing else of substance."""
    said = _statements(draw, phrases, terms)
    opening = draw.choice(_OPENINGS).format(a=draw.choice(terms))
    ending = draw.choice(_ENDINGS).format(a=draw.choice(terms))
    words = sum(text.count(" ") + 1 for text in (opening, *said, ending))
    for filler in draw.sample(_FILLERS, len(_FILLERS)):
        if words >= _SHORTEST:
            break
        said.insert(draw.randint(0, len(said)), filler)
        words += filler.count(" ") + 1
    half = (len(said) + 1) // 2
    return f"{opening} {' '.join(said[:half])}\n\n{' '.join(said[half:])} {ending}"


def _statements(draw: random.Random, phrases: Sequence[str], terms: Sequence[str]) -> list[str]:
    """Write one sentence per phrase; no form of sentence comes twice in a row."""
    forms = draw.sample(_STATEMENTS, len(_STATEMENTS))
    return [
        forms[i % len(forms)].format(phrase=phrase, term=_another(draw, phrase, terms))
        for i, phrase in enumerate(phrases)
    ]


def _another(draw: random.Random, phrase: str, terms: Sequence[str]) -> str:
    """Draw a term, rather one that the phrase does not have."""
    term = draw.choice(terms)
    return draw.choice(terms) if term in phrase else term
