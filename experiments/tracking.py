"""Records a run in MLflow: one parent run, a child run for every trial, from one writer thread."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from ..optimizers import Candidate, Trial
from . import address
from .compiled import load_manifest
from .config import ExperimentConfig
from .entries import IDENTITY, STATUS, outcome, study, trial_entry, trial_name, trial_params
from .entry import LIMITS, Entry, Point
from .markdown import clip
from .result import Result, Tracked
from .store import FAULTS, NUMBER, PARENT, PLACE, Store, now
from .view import every_view, saved_view, view_path
from .writer import Writer

__all__ = ["Tracker"]

CHART = ("trial/gap", "best_gap")
"""Metrics of the parent run, by trial."""
PAUSE_MS = 10_000
"""Between two writes of the parent run's chart, at least: each costs a third of a trial's."""


class Tracker:
    """Writes a run to MLflow: one parent run, one child run per trial, from one writer thread.

    A second start of a run goes on with the parent run of the first, and records only the trials
    that the first has not recorded whole.

    Args:
        config: The run.
        kind: What the parent run is, as its tag says.
        part: Tells runs that share a folder apart; empty for the one that the folder is named for.

    Raises:
        InputError: If the tracking server or database cannot be used.
    """

    def __init__(self, config: ExperimentConfig, *, kind: str = "study", part: str = "") -> None:
        self._config = config
        uri = address.tracking_uri(config)
        address.prepare(uri)
        try:
            with address.impatient():
                self._store = Store(config, uri)
                self._run_id = self._opened(kind, part)
                self._known = self._store.children(self._run_id)
                self._drawn = self._store.steps(self._run_id, CHART) if self._known else set()
        except FAULTS as error:
            raise address.refused(uri, error) from error
        self._candidates: dict[int, Candidate] = {}
        self._best: float | None = None
        self._ended = False
        self._viewed = False
        self._points: list[Point] = []
        self._last = self._told = now()
        self._writer = Writer()

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            reason = str(error) or type(error).__name__
            self.fail(reason, killed=not isinstance(error, Exception))
            self.close()
        except RuntimeError as fault:  # The error that ended the run is the one to show.
            error.add_note(str(fault))

    @property
    def location(self) -> Tracked:
        """Where the run is recorded, without credentials."""
        return Tracked(
            tracking_uri=self._store.shown,
            experiment_id=self._store.experiment_id,
            run_id=self._run_id,
        )

    @property
    def view_url(self) -> str:
        """The part of the saved view's address that follows the server's."""
        return view_path(self._store.experiment_id, self._run_id)

    def trial(self, trial: Trial, baseline: Candidate) -> None:
        """Record a trial that has ended. Returns at once; a trial recorded before is left alone.

        Args:
            trial: The trial.
            baseline: What to show the difference of its prompts from.

        Raises:
            RuntimeError: If something before it could not be recorded.
        """
        self._candidates[trial.number] = trial.candidate
        began, self._last = self._last, now()
        ended = self._last
        self._writer.put(
            f"trial {trial.number}", lambda: self._record(trial, baseline, began, ended)
        )
        self._writer.check()

    def finish(self, result: Result, files: Mapping[str, Path]) -> None:
        """Record how the run ended, and wait until everything is recorded.

        Args:
            result: What the run found out.
            files: Files and folders to keep, by the name that they get.

        Raises:
            RuntimeError: If something could not be recorded.
        """
        self._ended = True
        self._writer.put("the result", lambda: self._finish(result, files))
        self._writer.flush()

    def child(self, number: int, name: str, kind: str, entry: Entry) -> None:
        """Record a child run that has ended. Returns at once.

        One that an earlier start has recorded is left alone if it says the same, else replaced.

        Args:
            number: Tells it from the other child runs.
            name: What the pages call it.
            kind: What it is, as its tag says.
            entry: All that is recorded of it.

        Raises:
            RuntimeError: If something before it could not be recorded.
        """
        self._writer.put(name, lambda: self._replace(number, name, kind, entry))
        self._writer.check()

    def conclude(self, entry: Entry, files: Mapping[str, Path]) -> None:
        """Record how a run other than a search ended, and wait until everything is recorded.

        Args:
            entry: What the run found out.
            files: Files and folders to keep, by the name that they get.

        Raises:
            RuntimeError: If something could not be recorded.
        """
        self._ended = True

        def job() -> None:
            self._store.keep(self._run_id, files)
            self._store.record(self._run_id, entry)
            self._store.end(self._run_id, "FINISHED")

        self._writer.put("the result", job)
        self._writer.flush()

    def fail(self, reason: str, *, killed: bool = False) -> None:
        """Record that the run ended without a result.

        Args:
            reason: Why, in one line.
            killed: Somebody stopped it, as opposed to a fault.
        """
        self._ended = True
        status = "KILLED" if killed else "FAILED"

        def job() -> None:
            self._tell()
            self._store.record(self._run_id, Entry(tags={"reason": clip(reason, LIMITS["tag"])}))
            self._store.end(self._run_id, status)

        self._writer.put("the end of the run", job)

    def close(self) -> None:
        """Record what is still queued and end the writer.

        Raises:
            RuntimeError: If something could not be recorded.
        """
        if not self._ended:
            self.fail("closed without a result", killed=True)
        self._writer.close()

    def _opened(self, kind: str, part: str) -> str:
        """Return the parent run of an earlier start, or a new one."""
        file = address.note(self._config.folder, part)
        entry = study(self._config)
        before = address.noted(self._config.folder, part)
        earlier = None if before is None else self._store.reopened(before.run_id)
        if earlier is not None:
            new = {k: v for k, v in entry.params.items() if k not in earlier.data.params}
            self._store.record(earlier.info.run_id, replace(entry, params=new))
            return earlier.info.run_id
        # A kill may have come after the run was made and before that was noted here.
        place = address.place(self._config.folder / part)
        tags = {"kind": kind, PLACE: place}
        name = f"{self._config.run} {part}".strip()
        self._run_id = self._store.unnoted(place) or self._store.begin(name, tags, now())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.location.model_dump_json(indent=1) + "\n")
        self._store.record(self._run_id, entry)
        return self._run_id

    def _record(self, trial: Trial, baseline: Candidate, began: int, ended: int) -> None:
        if trial.state == "complete" and trial.value is not None:
            self._best = trial.value if self._best is None else max(self._best, trial.value)
        if trial.number not in self._known:
            self._known[trial.number] = self._child(trial, baseline, began, ended)
        self._draw(trial)
        if not self._viewed:
            first, _ = self._known.get(0, ("", ""))
            name, params = (
                f"{self._config.run}: trials",
                trial_params(trial, baseline, self._config),
            )
            axes = [one for one in params if one not in IDENTITY]
            self._store.save_view(*saved_view(name, self._run_id, axes, first))
            self._store.save_view(*every_view())
            self._viewed = True

    def _child(self, trial: Trial, baseline: Candidate, began: int, ended: int) -> tuple[str, str]:
        """Write a child run, its end last: a run that has ended is whole."""
        tags = {
            "kind": "trial",
            PARENT: self._run_id,
            NUMBER: str(trial.number),
            "origin": trial.origin,
            "candidate": trial.candidate.id,
        }
        run_id = self._store.begin(trial_name(trial), tags, began)
        parent = self._candidates.get(trial.parent or 0, baseline)
        self._store.record(run_id, trial_entry(trial, baseline, parent, self._config))
        self._store.end(run_id, STATUS[trial.state], ended)
        return run_id, trial.candidate.id

    def _draw(self, trial: Trial) -> None:
        """Add a trial to the parent run's chart, which is written from time to time."""
        if trial.number not in self._drawn:
            self._drawn.add(trial.number)
            self._points += [
                Point(name, value, trial.number)
                for name, value in zip(CHART, (trial.value, self._best), strict=True)
                if value is not None
            ]
        if now() - self._told >= PAUSE_MS:
            self._tell()

    def _tell(self) -> None:
        """Write what the parent run's chart still lacks."""
        if self._points:
            self._store.record(self._run_id, Entry(points=self._points))
        self._points, self._told = [], now()

    def _replace(self, number: int, name: str, kind: str, entry: Entry) -> None:
        """Write a child run, its end last, unless it stands there with the same content."""
        content = entry.hash
        earlier, before = self._known.get(number, ("", ""))
        if earlier and before != content:
            self._store.remove(earlier)
        if before != content:
            tags = {"kind": kind, PARENT: self._run_id, NUMBER: str(number), "candidate": content}
            run_id = self._store.begin(name, tags, now())
            self._store.record(run_id, entry)
            self._store.end(run_id, "FINISHED")
            self._known[number] = (run_id, content)
        if not self._viewed:
            title = f"{self._config.run}: {kind}s"
            self._store.save_view(
                *saved_view(title, self._run_id, list(entry.params), self._known[number][0])
            )
            self._viewed = True

    def _finish(self, result: Result, files: Mapping[str, Path]) -> None:
        self._tell()
        self._store.keep(self._run_id, files)
        self._store.record(self._run_id, outcome(result))
        if "compiled" in files:
            winner = load_manifest(files["compiled"]).candidate
            for number in sorted(self._known):
                run_id, candidate = self._known[number]
                if candidate == winner:
                    self._store.record(run_id, Entry(tags={"winner": "yes"}))
                    break
        self._store.end(self._run_id, "FINISHED")
