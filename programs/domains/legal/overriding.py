"""What nobody can lift once code has found it in a legal question.

In the paper the overrides come after the referee and turn an acceptance around (arXiv 2606.25996,
Figs 12 and 13). Here they come before the solvers: since no verdict can save such a task, its
attempts would be paid for and thrown away. A task that is written without a gate keeps its wording.
"""

import re
from collections.abc import Iterator

from ...records import CapabilityTask
from .extract import captions, forbidden

LONGEST = 1000
"""Characters of the longest question."""

PHRASES = (
    "court of appeals",
    "supreme court of",
    "in the case of",
    "in re",
    "you are an",
    "act as",
    "as a law clerk",
    "draft the arguments",
    "draft the brief",
    "the trial court held",
    "on appeal",
)
"""Words of case reports and of instructions to a model (arXiv 2606.25996, Fig. 12)."""

# Not part of a longer word: "in re-opening the shop" cites no case.
_PHRASES = {
    phrase: re.compile(r"\b" + r"\s+".join(phrase.split()) + r"(?![\w-])", re.IGNORECASE)
    for phrase in PHRASES
}
# A sum of money such as $1850 or 1850.00 is no year.
_YEAR = re.compile(r"(?<![\w$€£])(?<!\d[.,])(?:18\d\d|19[0-3]\d)(?!\d|[.,]\d)")


def overrides(material: str, task: CapabilityTask) -> list[str]:
    """Return why a task is refused whatever solvers and referee make of it; empty if it is not.

    Args:
        material: What the reader made of the document, with the names to avoid.
        task: The task.
    """
    return [*wording(task.question), *_recaps(material, task.question)]


def wording(question: str) -> list[str]:
    """Return what is wrong with a question's length and words; empty if nothing is.

    Args:
        question: What the solvers would see.
    """
    found = []
    if len(question) > LONGEST:
        found.append(
            f"The question has {len(question)} characters: at most {LONGEST} are allowed; "
            f"shorten it by {len(question) - LONGEST}."
        )
    found += [
        f"The question says {phrase!r}, as a case report or an instruction does: let the person "
        "speak in everyday words."
        for phrase, pattern in _PHRASES.items()
        if pattern.search(question)
    ]
    years = sorted(set(_YEAR.findall(question)))
    if years:
        found.append(
            f"The question mentions {', '.join(years)}: no year from 1800 to 1939 is allowed; "
            "move the story to the present."
        )
    return found


def _recaps(extracted: str, question: str) -> Iterator[str]:
    repeated = [name for name in forbidden(extracted) if _says(question, name)]
    if repeated:
        yield (
            f"The question repeats {', '.join(map(repr, repeated))} from the document: a case "
            "recap; invent other people and another situation."
        )
    cited = captions(question)
    if cited:
        yield (
            f"The question names the case {cited[0]!r:.80}: the person knows no case; tell only "
            "what happened to them."
        )


def _says(question: str, name: str) -> bool:
    """Look for a name; a single word counts only with its capital, as it may be a plain word."""
    words = name.split()
    pattern = r"\s+".join(re.escape(word) for word in words)
    flags = re.IGNORECASE if len(words) > 1 else re.NOFLAG
    return re.search(rf"(?<!\w){pattern}(?!\w)", question, flags) is not None
