"""What a comparison found out about every document, as it stands in `documents.jsonl`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .compare_result import MEASURES, SELECTION, Work


def documents_text(works: Sequence[Work]) -> str:
    """Return one JSON object a line for each method and document."""
    rows = (row for work in works for row in _rows(work))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _rows(work: Work) -> Iterator[dict[str, Any]]:
    """Yield what a method made of each document: grades of fresh attempts, and of the gate's."""
    fresh = {name: measure(work) for name, measure in MEASURES.items()}
    for episode in work.episodes:
        id = episode.document_id
        kept = work.kept.get(id)
        yield {
            "method": work.method,
            "document": id,
            "stopped": episode.stopped,
            "rounds": len(episode.rounds),
            "calls": episode.usage.calls,
            "tokens": episode.usage.tokens,
            "kept": kept is not None,
            **{name: _rounded(values.get(id)) for name, values in fresh.items()},
            **{
                f"selection_{name}": _rounded(of(kept)) if kept is not None else None
                for name, of in SELECTION.items()
            },
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
