"""How alike texts are: ROUGE-L, the nearest text of a pool, and near-duplicates among many.

The longest common subsequence comes from rapidfuzz, which is compiled. The numbers are those of
Google's `rouge-score` without stemming, as a test shows, which is slower by far.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+")
_ROWS = 256
"""Texts compared with all others at a time: bounds the memory without changing the result."""
_SLACK = 1e-3
"""Taken off a threshold for rapidfuzz, which loses pairs that lie exactly on it; what it then finds
too much is left out by exact division."""


class Near(NamedTuple):
    """The text of a pool that is most like another one."""

    similarity: float
    """ROUGE-L, in [0, 1]."""
    text: str


class Pair(NamedTuple):
    """Two texts that are alike, by their places in the list."""

    first: int
    second: int
    """Always after `first`."""
    similarity: float
    """ROUGE-L, in [0, 1]."""


def words(text: str) -> list[str]:
    """Split a text into its words: letters and digits of any script, without case."""
    return _WORD.findall(text.casefold())


def rouge_l(a: str, b: str) -> float:
    """Return the F-measure of ROUGE-L (Lin 2004): how much of two texts is a common subsequence.

    Twice the length of the longest common subsequence of words over the words of both. The order
    of the arguments does not matter.

    Returns:
        A number in [0, 1]: 1 for the same words in the same order, 0 for no common word. A text
        without words is like none.
    """
    return _alike(words(a), words(b))


class Pool:
    """Texts that new ones are compared with, such as the instructions of Self-Instruct."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: list[str] = []
        self._words: list[list[str]] = []
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> None:
        """Put a text into the pool."""
        self._texts.append(text)
        self._words.append(words(text))

    def nearest(self, text: str) -> Near | None:
        """Return the text with the highest ROUGE-L, the oldest of equals; `None` if all have 0."""
        from rapidfuzz import process
        from rapidfuzz.distance import Indel

        wanted = words(text)
        if not wanted:
            return None
        found = process.extractOne(wanted, self._words, scorer=Indel.normalized_similarity)
        if found is None or found[1] == 0:
            return None
        place = int(found[2])
        return Near(_alike(wanted, self._words[place]), self._texts[place])


def duplicates(texts: Sequence[str], threshold: float = 0.7) -> list[Pair]:
    """Find every pair of texts with a ROUGE-L of at least a threshold.

    All pairs are looked at, so that none is missed: about 10 s for 10,000 short texts.

    Args:
        texts: The texts.
        threshold: Lowest ROUGE-L of a pair, above 0 and at most 1.

    Returns:
        The pairs by their places in `texts`, in order.

    Raises:
        ValueError: If the threshold is outside its range.
    """
    import numpy as np
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold}: must be above 0 and at most 1, such as 0.7")
    places = [place for place, text in enumerate(texts) if words(text)]
    split = [words(texts[place]) for place in places]
    found = []
    for start in range(0, len(split), _ROWS):
        scores = process.cdist(
            split[start : start + _ROWS],
            split[start:],
            scorer=Indel.normalized_similarity,
            score_cutoff=max(threshold - _SLACK, 0.0),
            dtype=np.float64,
        )
        for row, column in np.argwhere(np.triu(scores, 1) > 0):
            one, other = start + int(row), start + int(column)
            similarity = _alike(split[one], split[other])
            if similarity >= threshold:
                found.append(Pair(places[one], places[other], similarity))
    return found


def _alike(a: Sequence[str], b: Sequence[str]) -> float:
    """Divide whole numbers, so that 7 common words of 10 and 10 are 0.7 and not nearly so."""
    from rapidfuzz.distance import LCSseq

    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0
