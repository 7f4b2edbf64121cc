"""MLflow's server under us: what it refuses to start with, and that nothing of it stays behind."""

import os
import signal
import socket
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodata.experiments.errors import InputError
from autodata.experiments.result import Tracked
from autodata.experiments.server import serve, serve_runs
from tests.experiments import trials
from tests.experiments.pages import Pages, free_port


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database without tables, which the server makes."""
    file = tmp_path / "mlflow.db"
    file.touch()
    return file


def test_without_a_database_the_user_is_told_to_run_something_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mlflow\.db: nothing is recorded.*`autodata optimize`"):
        serve(f"sqlite:///{tmp_path}/mlflow.db", None)
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_not_served_again_but_named_with_the_run_s_page(tmp_path: Path) -> None:
    config = trials.config(tmp_path, tracking={"uri": "http://me:secret@host/"})
    with pytest.raises(InputError, match=r"^http://host: is a server already; open http://host/#"):
        serve_runs(config)
    config.folder.mkdir()
    run = Tracked(tracking_uri="http://host", experiment_id="7", run_id="abc")
    (config.folder / "mlflow.json").write_text(run.model_dump_json())
    with pytest.raises(InputError, match=r"experiments/7/runs.*viewStateShareKey=autodata-abc"):
        serve_runs(config)


def test_a_taken_port_is_named_with_the_remedy(database: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} on 127\.0\.0\.1.*--port"):
            serve(f"sqlite:///{database}", None, port=port)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70000), ("no-such-host.invalid", 5000), ("192.0.2.1", 5000)]
)
def test_an_impossible_host_or_port_is_refused(database: Path, host: str, port: int) -> None:
    with pytest.raises(InputError, match=f"port {port} on {host}: cannot be used"):
        serve(f"sqlite:///{database}", None, host=host, port=port)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "mlflow.db"
    garbage.write_text("this is no database, however long one looks at it\n" * 20)
    with pytest.raises(InputError, match=r"mlflow\.db: cannot be used .*file is not a database"):
        serve(f"sqlite:///{garbage}", None)


def test_a_server_that_cannot_start_is_refused_with_its_last_words(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('from the future')")
    connection.close()
    with pytest.raises(InputError, match=r"ended at once: .*Can't locate revision"):
        serve(f"sqlite:///{database}", None, port=free_port())


@pytest.fixture
def pages(database: Path) -> Iterator[Pages]:
    with Pages(f"sqlite:///{database}", database.parent / "artifacts", "#/experiments") as started:
        yield started


def test_the_pages_answer_and_all_processes_end_with_us(pages: Pages, database: Path) -> None:
    assert pages.url == f"{pages.base}#/experiments"
    with urllib.request.urlopen(f"{pages.base}health", timeout=10) as answer:
        assert answer.read() == b"OK"
    group = pages.servers()
    assert group
    pages.process.send_signal(signal.SIGTERM)
    assert pages.process.wait(30) == 0
    last = time.monotonic() + 10
    while any(map(alive, group)) and time.monotonic() < last:
        time.sleep(0.1)
    assert not any(map(alive, group))
    assert {path.name.partition("-")[0] for path in database.parent.iterdir()} == {"mlflow.db"}


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
