"""One MLflow experiment, written in plain values. Nothing else imports MLflow.

It is written through its client with explicit run ids only: its active run belongs to a thread.
"""

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError

from . import address
from .config import ExperimentConfig
from .entry import Entry

# MLflow reads a part of its environment while it is imported.
os.environ.update({name: os.environ.get(name, value) for name, value in address.DEFAULTS.items()})

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

__all__ = ["FAULTS", "NUMBER", "PARENT", "PLACE", "Store", "now"]

logger = logging.getLogger(__name__)

FAULTS = (MlflowException, SQLAlchemyError, sqlite3.Error, ImportError, OSError)
"""What MLflow raises when a server or a database cannot be used."""
PARENT = "mlflow.parentRunId"
NUMBER = "autodata.trial"
PLACE = "autodata.place"
METRICS_PER_BATCH, TEXTS_PER_BATCH = 800, 100


class Store:
    """One MLflow experiment. The secrets that this process knows are never written.

    Raises:
        InputError: If the experiment cannot be written from here.
    """

    def __init__(self, config: ExperimentConfig, uri: str) -> None:
        self.shown = address.shown(uri)
        self._secrets = address.secrets(config, uri)
        self._root = address.artifact_root(uri)
        self._folders: dict[str, str] = {}
        file = address.database(uri)
        # Two runs that begin together must not both make the tables.
        with nullcontext() if file is None else FileLock(f"{file}.lock"):
            if file is not None:
                _make_tables(file)
            self._client = MlflowClient(tracking_uri=address.login(uri))
            self.experiment_id = self._experiment(config.tracking.experiment, uri)

    def unnoted(self, place: str) -> str | None:
        """Return a run that was made for a place and never written to; `None` if there is none."""
        runs = self._client.search_runs([self.experiment_id], f"tags.`{PLACE}` = '{place}'")
        return next((run.info.run_id for run in runs if not run.data.params), None)

    def reopened(self, run_id: str) -> Run | None:
        """Let an earlier run go on; `None` if it is not there, or was deleted."""
        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        if (run.info.lifecycle_stage, run.info.experiment_id) != ("active", self.experiment_id):
            return None
        self._client.update_run(run_id, status="RUNNING")
        if "reason" in run.data.tags:
            self._client.delete_tag(run_id, "reason")
        return run

    def children(self, run_id: str) -> dict[int, tuple[str, str]]:
        """Return run and candidate of every recorded trial; those cut short are removed."""
        known: dict[int, tuple[str, str]] = {}
        token = None
        while token is None or token:
            page = self._client.search_runs(
                [self.experiment_id], f"tags.`{PARENT}` = '{run_id}'", page_token=token
            )
            for run in page:
                if run.info.status == "RUNNING":
                    self._client.delete_run(run.info.run_id)
                elif (number := run.data.tags.get(NUMBER, "")).isdecimal():
                    known[int(number)] = (run.info.run_id, run.data.tags.get("candidate", ""))
            token = page.token or ""
        return known

    def begin(self, name: str, tags: dict[str, str], start: int) -> str:
        """Make a run and return its id."""
        run = self._client.create_run(self.experiment_id, start, self._clean(tags), name)
        location = run.info.artifact_uri or ""
        if location.startswith("file:"):
            self._folders[run.info.run_id] = location
        return run.info.run_id

    def steps(self, run_id: str, metrics: Iterable[str]) -> set[int]:
        """Return the steps at which a run has a value of one of the metrics."""
        histories = (self._client.get_metric_history(run_id, metric) for metric in metrics)
        return {point.step for history in histories for point in history}

    def record(self, run_id: str, entry: Entry) -> None:
        """Write an entry: the files, then everything else in one batch, or several if too big."""
        if entry.files:
            with tempfile.TemporaryDirectory(prefix="autodata-") as folder:
                for name, text in self._clean(entry.files).items():
                    Path(folder, name).write_text(text)
                self._upload(run_id, folder)
        moment = now()
        metrics = [Metric(point.name, point.value, moment, point.step) for point in entry.points]
        params = [Param(name, value) for name, value in self._clean(entry.params).items()]
        tags = [RunTag(name, value) for name, value in self._clean(entry.tags).items()]
        for batch in zip_longest(
            _parts(metrics, METRICS_PER_BATCH),
            _parts(params, TEXTS_PER_BATCH),
            _parts(tags, TEXTS_PER_BATCH),
            fillvalue=(),
        ):
            self._client.log_batch(run_id, *batch)

    def keep(self, run_id: str, files: Mapping[str, Path]) -> None:
        """Copy files and folders into a run under the names given."""
        with tempfile.TemporaryDirectory(prefix="autodata-") as folder:
            for name, path in files.items():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
            self._upload(run_id, folder)

    def end(self, run_id: str, status: str, at: int | None = None) -> None:
        """Close a run."""
        self._client.set_terminated(run_id, status, at)

    def remove(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it in its bin."""
        self._client.delete_run(run_id)

    def save_view(self, name: str, value: str) -> None:
        """Keep a saved view; where MLflow refuses it, the pages are only less ready to read."""
        try:
            self._client.set_experiment_tag(self.experiment_id, name, value)
        except MlflowException as error:
            logger.warning("MLflow refused the saved view: %s", error)

    def _upload(self, run_id: str, folder: str) -> None:
        """Put a folder's content among a run's artifacts."""
        location = self._folders.get(run_id)
        if location is None:
            self._client.log_artifacts(run_id, folder)
        else:  # The client would ask the database first where they are.
            get_artifact_repository(location).log_artifacts(folder)

    def _experiment(self, name: str, uri: str) -> str:
        """Find the experiment or make it, with its artifacts beside a database file."""
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            location = None if self._root is None else self._root.as_uri()
            return self._client.create_experiment(name, artifact_location=location)
        other = "set `tracking.experiment` to another name"
        if experiment.lifecycle_stage != "active":
            raise address.refused(uri, f"experiment {name!r} was deleted; {other}")
        if self._root is not None and experiment.artifact_location.startswith("mlflow-artifacts:"):
            raise address.refused(
                uri, f"experiment {name!r} was made through a server, which has its files; {other}"
            )
        return experiment.experiment_id

    def _clean(self, texts: Mapping[str, str]) -> dict[str, str]:
        cleaned = dict(texts)
        for secret in self._secrets:
            cleaned = {name: text.replace(secret, "[hidden]") for name, text in cleaned.items()}
        return cleaned


def _make_tables(file: Path) -> None:
    """Give a new database its tables in one step.

    MLflow takes many, and refuses a database in which a kill left some of its tables.
    """
    with closing(sqlite3.connect(file)) as database:
        if database.execute("select 1 from sqlite_master").fetchone() is not None:
            return
        with tempfile.TemporaryDirectory(prefix="autodata-") as folder:
            made = Path(folder, "mlflow.db")
            MlflowClient(tracking_uri=f"sqlite:///{made}")
            with closing(sqlite3.connect(made)) as source:
                source.backup(database)


def _parts(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def now() -> int:
    """Return the time as MLflow counts it, in milliseconds."""
    return int(time.time() * 1000)
