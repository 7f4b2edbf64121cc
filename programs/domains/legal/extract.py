"""What the reader takes out of a legal document, and the text that the other roles get of it."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

HEAD = "EXTRACT OF A LEGAL DOCUMENT"
"""First line of every extract."""
_NAMES = "Names that must not be used: "
_NONE = "none"

_FROZEN = ConfigDict(frozen=True, extra="forbid")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


# The descriptions below are shown to the model: speak to the model only.
class Holding(BaseModel):
    """A rule that the document lays down or applies."""

    model_config = _FROZEN

    rule: Text = Field(description="the rule, in general words")
    reasoning: Text = Field(description="the reasons that the document gives for it")


class Extract(BaseModel):
    """What a legal document holds for a writer of exercises."""

    model_config = _FROZEN

    suitable: bool = Field(description="true in doubt")
    note: str = Field(
        max_length=600, description="why it is suitable or is not, in one or two sentences"
    )
    document_type: str = Field(
        max_length=80, description="such as decision, contract or memorandum"
    )
    topics: list[Text] = Field(max_length=5, description="three to five key words of the topic")
    issues: list[Text] = Field(max_length=20, description="the concrete questions to be decided")
    facts: str = Field(max_length=8000, description="the facts, in two or three paragraphs")
    holdings: list[Holding] = Field(max_length=20, description="rules with their reasoning")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.suitable:
            missing = [] if self.note.strip() else ["a note that says why it is not suitable"]
        else:
            missing = [
                what
                for what, there in (
                    ("three to five topics", len(self.topics) >= 3),
                    ("an issue", self.issues),
                    ("the facts", self.facts.strip()),
                    ("a holding with its reasoning", self.holdings),
                )
                if not there
            ]
        if missing:
            raise ValueError(f"suitable={self.suitable}: add {', '.join(missing)}")
        return self


def material(extract: Extract, document: str) -> str:
    """Write an extract down for the other roles.

    The parties' names are found by code in the document itself: a writer has to know them to avoid
    them, and the check for a case recap has nothing else to go by.

    Args:
        extract: Of a suitable document.
        document: The document's text.
    """
    found = "; ".join(names(document)) or _NONE
    holdings = (f"{one.rule}\n   Reasoning: {one.reasoning}" for one in extract.holdings)
    return "\n\n".join(
        (
            f"{HEAD}\n{_NAMES}{found}",
            f"Document type: {extract.document_type}\nTopics: {', '.join(extract.topics)}",
            f"Issues\n{_numbered(extract.issues)}",
            f"Facts\n{extract.facts}",
            f"Holdings\n{_numbered(holdings)}",
        )
    )


def forbidden(extracted: str) -> tuple[str, ...]:
    """Read back the names that a task from this material must not use."""
    lines = extracted.split("\n", 2)
    if len(lines) < 2 or lines[0] != HEAD or not lines[1].startswith(_NAMES):
        return ()
    listed = lines[1].removeprefix(_NAMES)
    return () if listed == _NONE else tuple(listed.split("; "))


def _numbered(texts: Iterable[str]) -> str:
    return "\n".join(f"{i}. {text}" for i, text in enumerate(texts, 1))


# A full stop ends a name unless it abbreviates; a comma ends it unless a kind of company follows.
# A word is taken whole (`+`) and has a length, so that no text takes more than linear time.
_LONGEST = 80
"""Characters of a name's word."""
_FORMS = r"(?:Inc|Ltd|LLC|LLP|Co|Corp|PLC|GmbH|Company|Corporation|Limited)"
_WORD = rf"(?:(?:[A-Z]|St|Dr|Mr|Mrs|Ms|Bros)\.|[A-Z][\w'&-]{{0,{_LONGEST - 1}}}+)"
_NAME = rf"{_WORD}(?: (?:(?:of|and|the|de|van|&) ){{0,2}}{_WORD}){{0,7}}(?:, {_FORMS}\b)?"
_CAPTION = re.compile(rf"\b({_NAME})\.? (?:v|vs)\.? ({_NAME})")
_IN_RE = re.compile(rf"\b(?:In re|In the Matter of|Matter of|Ex parte) ({_NAME})")
_BETWEEN = re.compile(rf"\bbetween ({_NAME})\.?(?: ?\([^()]{{0,80}}\))?,? and ({_NAME})")
_OPENING = 800
"""Characters in which a contract names its parties."""
_SUFFIX = re.compile(rf",? {_FORMS}$", re.IGNORECASE)
_GENERIC = frozenset(
    re.findall(
        r"\w+",
        "agency appellant association authority bank board bureau city commission commissioner "
        "committee commonwealth council county court crown defendant department director "
        "district employment estate ex federal fund group in insurance insurer matter minister "
        "ministry mutual national office others people plaintiff prosecutor province public re "
        "regional registrar republic respondent review school services society state states "
        "superintendent the town township tribunal trust union united university works",
    )
)
_SHORTEST = 4
"""Letters of a word that can stand for a party by itself."""
_MOST = 40
"""Parties that are looked at, in the order of the document."""


def captions(text: str) -> list[str]:
    """Return the names of cases that a text cites, as it writes them."""
    return [found[0] for pattern in (_CAPTION, _IN_RE) for found in pattern.finditer(text)]


def names(document: str) -> tuple[str, ...]:
    """Return what would give a document's parties away: whole names, and words that are theirs.

    A word of a name stands for its party if it is no word of the language as far as the document
    shows: it is not generic, and never written without its capital.
    """
    found: dict[str, None] = {}
    plain = {word.removesuffix("s") for word in re.findall(r"\b[a-z][\w-]+", document)}
    for party in islice(dict.fromkeys(_parties(document)), _MOST):
        bare = _SUFFIX.sub("", party).strip(" ,.")
        words = re.findall(r"[A-Z][\w'-]{2,}", bare)
        own = [word.removesuffix("'s") for word in words if word.lower() not in _GENERIC]
        if own and " " in bare:
            found[bare] = None
        for word in own:
            if len(word) >= _SHORTEST and word.lower().removesuffix("s") not in plain:
                found[word] = None
    return tuple(found)


def _parties(document: str) -> Iterator[str]:
    for match in _CAPTION.finditer(document):
        yield from match.groups()
    for match in _IN_RE.finditer(document):
        yield match[1]
    for match in _BETWEEN.finditer(document[:_OPENING]):
        yield from (name for name in match.groups() if " " in name)
