"""The storages of a study: the run's folder, SQLite, PostgreSQL, or Optuna's gRPC proxy."""

import os
import sqlite3
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import (
    BaseStorage,
    GrpcStorageProxy,
    InMemoryStorage,
    JournalStorage,
    RDBStorage,
)
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from ..files import cut_torn_tail
from .address import shown

ANSWER_TIMEOUT = 5
"""Seconds to wait for a server when a search begins."""
BUSY_TIMEOUT = 60
"""Seconds to wait for another process that is writing to a SQLite file."""


def open_storage(address: str | None, folder: Path | None) -> BaseStorage:
    """Open the storage of a run's studies.

    Args:
        address: An address of the forms in `address.py`; without one the folder's `study.log`.
        folder: The run's folder; without one and without an address the memory.

    Raises:
        RuntimeError: If a driver is missing or nothing answers; names the remedy and no password.
    """
    if address is None:
        return InMemoryStorage() if folder is None else _journal(folder / "study.log")
    try:
        if address.startswith("grpc://"):
            return _proxy(address)
        return _file(address) if address.startswith("sqlite") else _database(address)
    except ImportError as error:
        extra = "grpc" if address.startswith("grpc://") else "postgres"
        raise RuntimeError(
            f"search.storage={shown(address)!r}: its driver is not installed; install this package "
            f"with the extra [{extra}]"
        ) from error
    except (OSError, SQLAlchemyError, sqlite3.Error, optuna.exceptions.OptunaError) as error:
        # What a driver says may quote the address as it was given.
        raise RuntimeError(
            f"search.storage={shown(address)!r}: cannot be used ({type(error).__name__}); start "
            "the server, or mend address, user and password"
        ) from None


def faults() -> tuple[type[Exception], ...]:
    """Return what a storage raises when its server is gone."""
    grpc = sys.modules.get("grpc")
    own = (optuna.exceptions.StorageInternalError, SQLAlchemyError)
    return own if grpc is None else (*own, grpc.RpcError)


@contextmanager
def kept_at(address: str | None) -> Iterator[None]:
    """Say in a line, without the password, that the storage is gone, if it goes inside.

    Raises:
        RuntimeError: If it does.
    """
    try:
        yield
    except faults() as error:
        raise RuntimeError(
            f"search.storage={shown(address or '')!r}: was lost ({type(error).__name__}); run the "
            "same command again once it is back, nothing finished is lost"
        ) from None


def _journal(path: Path) -> BaseStorage:
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_Lock(str(path))))


def _proxy(address: str) -> BaseStorage:
    host, _, port = address.removeprefix("grpc://").rpartition(":")
    with warnings.catch_warnings():
        # Optuna calls it experimental: its interface may change, and the version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = GrpcStorageProxy(host=host, port=int(port))
    storage.wait_server_ready(timeout=ANSWER_TIMEOUT)
    return storage


def _file(address: str) -> BaseStorage:
    """Open a SQLite file, written ahead so that readers and a writer do not wait for each other."""
    path = Path(address.removeprefix("sqlite:///")).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that begin together must not both make the tables.
    with FileLock(f"{path}.lock"):
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as connection:
            connection.execute("pragma journal_mode=wal")
        arguments = {"connect_args": {"timeout": BUSY_TIMEOUT}}
        storage = RDBStorage(f"sqlite:///{path}", engine_kwargs=arguments)
    _one_at_a_time(storage.engine)
    return storage


def _one_at_a_time(engine: Engine) -> None:
    """Let every transaction lock the file when it begins.

    Optuna takes a queued trial by reading its state and then writing it. SQLite would let two
    processes read before either writes, and both would have the trial.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # Leaves it to us to begin.
        # Syncs now and then: with a file that is written ahead, a crash of ours loses nothing.
        connection.execute("pragma synchronous=normal")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    engine.dispose()  # What is open already was opened without it.


def _database(address: str) -> BaseStorage:
    arguments = {"pool_pre_ping": True, "connect_args": {"connect_timeout": ANSWER_TIMEOUT}}
    for left in (2, 1, 0):
        try:
            return RDBStorage(address, engine_kwargs=arguments)
        except (SQLAlchemyError, optuna.exceptions.OptunaError):
            # Another process may have been making the same tables.
            if not left:
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


class _Lock(JournalFileOpenLock):
    """A lock on the study's file that the operating system frees when its holder dies.

    Optuna's own locks stay behind after a `kill -9`, and hold up the next start for half a minute.
    A line that the dead holder has left unfinished is cut off before the next one is written.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path = Path(path)
        self._held = FileLock(f"{path}.held", thread_local=False)
        with self._held:
            cut_torn_tail(self._path)

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        self._held.acquire()
        if _torn(self._path):
            cut_torn_tail(self._path)
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._held.release()


def _torn(path: Path) -> bool:
    """Tell whether a file's last line has no end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        return bool(size) and os.pread(file.fileno(), 1, size - 1) != b"\n"
