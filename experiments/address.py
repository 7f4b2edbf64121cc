"""Where MLflow keeps its records: the address, without what must not be shown, and its defaults."""

import hashlib
import os
import platform
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from ..optimizers.joint.address import shown
from .config import ExperimentConfig
from .errors import InputError
from .result import Tracked
from .source import one_line

__all__ = [
    "DEFAULTS",
    "artifact_root",
    "database",
    "default_uri",
    "impatient",
    "login",
    "note",
    "noted",
    "place",
    "prepare",
    "refused",
    "secrets",
    "shown",
    "tracking_uri",
]

DEFAULTS = {
    # Writing a run holds two connections at once; MLflow's own pool of 15 runs dry.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "64",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "64",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "20000",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # The background jobs cost 13 processes and import litellm, which waits for the network.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
"""MLflow's environment, for our process and for the server, where the user has set nothing."""

CONNECT_TIMEOUT = 5
"""Seconds to wait for a database."""
ANSWER_TIMEOUT = 10
"""Seconds to wait for a server when a run begins."""


def tracking_uri(config: ExperimentConfig) -> str:
    """Return the tracking address as the user gave it, credentials included."""
    return config.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri(config.runs)


def default_uri(runs: str | Path) -> str:
    """Return the address of the database in the runs folder."""
    return f"sqlite:///{Path(runs).absolute() / 'mlflow.db'}"


def database(uri: str) -> Path | None:
    """Return the file of a SQLite address, `None` for any other."""
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)).absolute() if uri.startswith(prefix) else None


def artifact_root(uri: str) -> Path | None:
    """Return the folder of artifacts, beside the database; `None` where there is no file."""
    file = database(uri)
    return None if file is None else file.parent / "artifacts"


def note(folder: Path, part: str = "") -> Path:
    """Return the file that says where a run is recorded, or a part of what its folder holds."""
    return folder / f"mlflow{part and f'-{part}'}.json"


def noted(folder: Path, part: str = "") -> Tracked | None:
    """Return where a run says that it is recorded; `None` if its folder says nothing."""
    try:
        return Tracked.model_validate_json(note(folder, part).read_text())
    except (FileNotFoundError, UnicodeDecodeError, ValidationError):
        return None


def place(folder: Path) -> str:
    """Return what tells a folder on this host from all others, without its name."""
    return hashlib.sha256(f"{platform.node()}:{folder.absolute()}".encode()).hexdigest()[:16]


def refused(uri: str, error: Exception | str) -> InputError:
    """Return the error for an address that cannot be used."""
    reason = error if isinstance(error, str) else _reason(error)
    return InputError(
        f"MLflow at {shown(uri)}: cannot be used ({reason}); mend it, or set `tracking.uri` or "
        "MLFLOW_TRACKING_URI to a server that runs or a database that can be written"
    )


def _reason(error: Exception) -> str:
    """Name what the network or the disk said, which MLflow wraps in layers of its own."""
    found: BaseException = error
    below: BaseException | None = error
    while below is not None:
        found = below if isinstance(below, OSError) else found
        below = below.__cause__ or below.__context__
    return f"{type(found).__name__}: {one_line(found)[:160]}"


def prepare(uri: str) -> None:
    """Open a database once, so that MLflow, which tries ten times, finds no closed door.

    SQLite is set to write ahead, which lets the pages be read while a run is recorded.

    Raises:
        InputError: If the database cannot be opened.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    file = database(uri)
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(file)) as connection:
                _write_ahead(connection)
        elif uri.startswith(("postgresql", "mysql", "mssql")):
            key = "timeout" if uri.startswith("mssql") else "connect_timeout"
            engine = create_engine(uri, connect_args={key: CONNECT_TIMEOUT})
            engine.connect().close()
            engine.dispose()
    except (ImportError, OSError, SQLAlchemyError, sqlite3.Error, ValueError) as error:
        raise refused(uri, error) from error


def secrets(config: ExperimentConfig, uri: str) -> list[str]:
    """Return what this process knows and must never record: keys and passwords."""
    names = [model.api_key_env for model in config.models.values() if model.api_key_env]
    names += ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"]
    known = {os.environ.get(name, "") for name in names}
    known |= _passwords(uri) | _passwords(config.search.storage or "")
    return sorted((secret for secret in known if len(secret) >= 6), key=len, reverse=True)


def _passwords(address: str) -> set[str]:
    """Return an address's password as it is written there and as it is."""
    login = re.search(r"(?<=://).*(?=@)", address)
    written = login.group().partition(":")[2] if login else ""
    return {written, unquote(written)}


def login(uri: str) -> str:
    """Return a server's address without user and password, which go where MLflow looks for them.

    MLflow's error messages quote the address.
    """
    if not uri.startswith(("http://", "https://")) or "@" not in uri:
        return uri
    parts = urlsplit(uri)
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username or "")
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@contextmanager
def impatient() -> Iterator[None]:
    """Let MLflow give up at once on a server that does not answer; later it may retry for long."""
    given = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    given["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(ANSWER_TIMEOUT)
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let a database be read while it is written, unless it is too busy to be switched now."""
    try:
        connection.execute("pragma journal_mode=wal")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
