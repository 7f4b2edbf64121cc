"""How widely a set of problems is spread: over the classes of a taxonomy and over answer types."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Coverage(NamedTuple):
    """What a set of problems covers."""

    share: float
    """Classes touched, of all classes, in [0, 1]."""
    touched: tuple[str, ...]
    """The classes with at least one problem, in order."""
    untouched: tuple[str, ...]
    """The others, in order."""
    types: Mapping[str, int]
    """Problems of each answer type, those without any included."""
    evenness: float | None
    """1 if every type is as frequent as every other, 0 if there is one type only; `None` without
    problems, or if only one type is possible."""


def coverage(
    problems: Iterable[tuple[str, str]], classes: Collection[str], types: Collection[str]
) -> Coverage:
    """Measure what a set of problems covers.

    Args:
        problems: Class and answer type of each problem.
        classes: All classes that there are, such as the top level of a taxonomy; at least one.
        types: All answer types that there are; at least one.

    Raises:
        ValueError: If there are no classes or types, or a problem has one that is not listed.
    """
    for name, known in (("classes", classes), ("types", types)):
        if not known:
            raise ValueError(f"{name}=[]: nothing to cover; list all {name} that there are")
    found: Counter[str] = Counter()
    touched: set[str] = set()
    for topic, kind in problems:
        for name, value, known in (("class", topic, classes), ("type", kind, types)):
            if value not in known:
                raise ValueError(f"{name}={value!r:.60}: not one of those listed; check the topic")
        touched.add(topic)
        found[kind] += 1
    counts = {kind: found[kind] for kind in types}
    return Coverage(
        share=len(touched) / len(set(classes)),
        touched=tuple(sorted(touched)),
        untouched=tuple(sorted(set(classes) - touched)),
        types=counts,
        evenness=evenness(list(counts.values())),
    )


def evenness(counts: Collection[int]) -> float | None:
    """Return the entropy of a distribution as a share of the largest there could be.

    This is Pielou's J (The measurement of diversity in different types of biological collections,
    1966): Shannon's entropy divided by the logarithm of the number of kinds. Kinds that do not
    occur count as possible, so that leaving one out lowers the value.

    Args:
        counts: How often each kind occurs, 0 or more.

    Returns:
        A value in [0, 1]; higher is more even. `None` if nothing occurs or there is one kind only.

    Raises:
        ValueError: If a count is negative.
    """
    if any(count < 0 for count in counts):
        raise ValueError(f"counts={list(counts)!r:.60}: a count is 0 or more; check the tally")
    total = sum(counts)
    if total == 0 or len(counts) < 2:
        return None
    shares = [count / total for count in counts if count]
    entropy = -sum(share * math.log(share) for share in shares)
    return min(max(entropy / math.log(len(counts)), 0.0), 1.0)
