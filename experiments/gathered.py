"""What `generate` remembers of episodes, which are too many to be held."""

import json
import math
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from ..optimizers import Candidate, Measurement, Tally, score
from ..programs import Episode
from .entries import measured_points, task_row, tasks_table
from .entry import LIMITS, Entry, Failures, as_tables, by_document
from .markdown import clip

SHOWN = 1000
"""Most tasks in the table of a run in MLflow. All of them are in `tasks.jsonl`."""


class Gathered:
    """Takes a run's episodes one by one, and gives their accepted tasks as lines of a file.

    Args:
        candidate: What was run.
    """

    def __init__(self, candidate: Candidate) -> None:
        self.accepted = 0
        """Number of accepted tasks."""
        self.failures: dict[str, str] = {}
        """Why documents could not be scored, by document id."""
        self.unsuitable: dict[str, str] = {}
        """Why documents were turned away, by document id."""
        self._candidate = candidate.id
        self._tally, self._reasons = Tally(), Failures()
        self._scores = array("d")
        self._shown: list[tuple[Any, ...]] = []

    def lines(self, episodes: Iterable[Episode]) -> Iterator[str]:
        """Take episodes, and yield a line of JSON for each accepted task."""
        for episode in episodes:
            self._add(episode)
            row = _row(episode, self._candidate)
            if row is not None:
                self.accepted += 1
                yield json.dumps(row, ensure_ascii=False) + "\n"

    def measurement(self) -> Measurement:
        """Summarize what was taken."""
        return self._tally.measurement()

    def entry(self, program: str) -> Entry:
        """Return what is recorded of it.

        Args:
            program: Folder of the compiled program; empty for the shipped prompts.
        """
        tables = as_tables(
            {"tasks.json": tasks_table(self._shown), "failures.json": self._reasons.table()}
        )
        params = {"candidate": self._candidate, "program": program or "shipped prompts"}
        scores = [None if math.isnan(value) else value for value in self._scores]
        return Entry(
            params={name: clip(value, LIMITS["param"]) for name, value in params.items()},
            points=[*measured_points(self.measurement()), *by_document(scores)],
            tags=tables.tags,
            files=tables.files,
        )

    def _add(self, episode: Episode) -> None:
        self._tally.add(episode)
        self._reasons.add(episode)
        value = score(episode)
        self._scores.append(math.nan if value is None else value)
        if episode.failure is not None:
            self.failures[episode.document_id] = str(episode.failure)
        if episode.stopped == "unsuitable":
            self.unsuitable[episode.document_id] = episode.reason
        shown = task_row(episode) if len(self._shown) < SHOWN else None
        if shown is not None:
            self._shown.append(shown)


def _row(episode: Episode, candidate: str) -> dict[str, Any] | None:
    """Return an accepted task with what is known about it; `None` if there is none."""
    accepted = episode.accepted
    if accepted is None or accepted.task is None:
        return None
    return {
        "document_id": episode.document_id,
        **accepted.task.model_dump(mode="json"),
        "weak": [float(grade) for grade in accepted.grades("weak")],
        "strong": [float(grade) for grade in accepted.grades("strong")],
        "gap": None if accepted.gap is None else float(accepted.gap),
        "round": accepted.number,
        "candidate": candidate,
    }
