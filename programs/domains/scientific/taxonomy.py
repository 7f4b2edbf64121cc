"""The classes that a problem can belong to: the top levels of MSC2020 and PhySH."""

import importlib.resources
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import get_args

from ....metrics.coverage import Coverage, coverage
from ...tasks import AnswerTask

TYPES: tuple[str, ...] = get_args(AnswerTask.model_fields["answer_type"].annotation)
"""The six answer types."""

_MSC = re.compile(r"MSC(?:\s*2020)?[\s:]*(\d{2})\b(.*)", re.IGNORECASE | re.DOTALL)
_PHYSH = re.compile(r"PhySH[\s:]+(.+)", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=1)
def classes() -> Mapping[str, str]:
    """Return every class with its name: `MSC 34`, or `PhySH` and the discipline."""
    file = importlib.resources.files("autodata.programs.domains") / "taxonomy.json"
    table = json.loads(file.read_text(encoding="utf-8"))
    found = {f"MSC {code}": str(name) for code, name in table["MSC2020"].items()}
    return found | {f"PhySH {name}": str(name) for name in table["PhySH"]}


def canonical(topic: str) -> str | None:
    """Return the class that a topic names; `None` if there is none.

    Args:
        topic: As a writer puts it: `MSC 34`, `MSC2020: 34 Ordinary differential equations`, or
            `PhySH` and a discipline's name. A name that stands behind an MSC code must be its own.
    """
    if found := _MSC.fullmatch(topic.strip()):
        name = f"MSC {found[1]}"
        stated = _plain(re.sub(r"^\s*-?XX\b", "", found[2], flags=re.IGNORECASE))
        return name if name in classes() and stated in ("", _plain(classes()[name])) else None
    if found := _PHYSH.fullmatch(topic.strip()):
        return _disciplines().get(_plain(found[1]))
    return None


@lru_cache(maxsize=1)
def _disciplines() -> Mapping[str, str]:
    return {_plain(name): key for key, name in classes().items() if key.startswith("PhySH")}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower().replace("&", " and ")).strip()


def covered(tasks: Iterable[AnswerTask]) -> Coverage:
    """Measure how much of the taxonomy and of the answer types some problems cover.

    Raises:
        ValueError: If a problem's topic is in no class, which the rules refuse.
    """
    pairs = [(canonical(task.topic) or task.topic, task.answer_type) for task in tasks]
    return coverage(pairs, classes().keys(), TYPES)
