"""The filters of Self-Instruct that look at words: of an instruction, and of its instance."""

import re

from ...metrics.similarity import Pool, rouge_l

KEYWORDS = (
    "image",
    "images",
    "picture",
    "pictures",
    "photo",
    "photos",
    "video",
    "audio",
    "music",
    "graph",
    "graphs",
    "diagram",
    "flowchart",
    "map",
    "maps",
    "file",
    "files",
    "draw",
    "plot",
    "go to",
)
"""Words that ask for what a model of texts cannot see or do (arXiv 2212.10560, section 2.2)."""
FEWEST, MOST = 4, 150
"""Words of an instruction."""
ALIKE = 0.7
"""ROUGE-L to any instruction of the pool, from which a new one is not new."""

_KEYWORD = re.compile(rf"\b(?:{'|'.join(KEYWORDS)})\b", re.IGNORECASE)


def instruction_fault(instruction: str, pool: Pool, alike: float = ALIKE) -> str:
    """Say which filter refuses an instruction, with the number that decided; empty if none does.

    Args:
        instruction: The new one.
        pool: All before it.
        alike: The similarity from which it counts as known, above 0 and at most 1.
    """
    count = len(instruction.split())
    if not FEWEST <= count <= MOST:
        return f"length filter: the instruction has {count} words, {FEWEST} to {MOST} are wanted"
    if found := _KEYWORD.findall(instruction):
        return f"keyword filter: {len(found)} of the words not wanted, such as {found[0].lower()!r}"
    near = pool.nearest(instruction)
    if near is not None and near.similarity >= alike:
        return (
            f"ROUGE-L filter: {near.similarity:.3f} to an earlier instruction, less than {alike} "
            f"is wanted: {near.text:.80}"
        )
    return ""


def instance_fault(given: str, result: str) -> str:
    """Say which filter refuses an instance, with the number that decided; empty if none does."""
    if not result.strip():
        return "length filter: the output has 0 words, at least 1 is wanted"
    if (same := rouge_l(given, result)) == 1:
        return f"copy filter: the output repeats the input (ROUGE-L {same:.3f})"
    return ""
