"""Where MLflow is: what is shown of its address, and what happens when nobody is there."""

import os
import socket
import time
from pathlib import Path

import pytest

from autodata.experiments import address
from autodata.experiments.errors import InputError
from autodata.experiments.tracking import Tracker
from tests.experiments import trials
from tests.experiments.pages import free_port


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:pa55word@host:5000", "http://host:5000"),
        ("postgresql://me:p@ss/word@host/db?password=x", "postgresql://host/db"),
        ("sqlite:////runs/mlflow.db", "sqlite:////runs/mlflow.db"),
        ("databricks", "databricks"),
    ],
)
def test_addresses_are_shown_without_credentials(uri: str, shown: str) -> None:
    assert address.shown(uri) == shown


def test_a_server_gets_the_password_and_no_message_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    port = free_port()
    config = trials.config(tmp_path, tracking={"uri": f"http://me:pa55%20word@127.0.0.1:{port}"})
    with pytest.raises(InputError) as caught:
        Tracker(config)
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "pa55 word"
    chain, error = "", caught.value
    while error is not None:
        chain += str(error)
        error = error.__cause__
    assert "pa55" not in chain


def unusable(kind: str, folder: Path) -> str:
    """Return a tracking address that leads nowhere."""
    if kind == "a closed port":
        return f"http://127.0.0.1:{free_port()}"
    if kind == "a closed database":
        return f"postgresql://me:secret@127.0.0.1:{free_port()}/mlflow"
    if kind == "no such host":
        return "http://no-such-host.invalid:5000"
    if kind == "an unknown scheme":
        return "gopher://host/1"
    if kind == "a folder":
        return f"sqlite:///{folder}"
    garbage = folder / "garbage.db"
    garbage.write_text("this is no database, however long one looks at it\n" * 20)
    return f"sqlite:///{garbage}"


@pytest.mark.parametrize(
    "kind",
    [
        "a closed port",
        "a closed database",
        "no such host",
        "an unknown scheme",
        "a folder",
        "garbage",
    ],
)
def test_an_unusable_address_is_refused_in_one_line_and_in_seconds(
    tmp_path: Path, kind: str
) -> None:
    config = trials.config(tmp_path, tracking={"uri": unusable(kind, tmp_path)})
    began = time.monotonic()
    with pytest.raises(InputError, match=r"set `tracking\.uri` or MLFLOW_TRACKING_URI") as caught:
        Tracker(config)
    assert time.monotonic() - began < 15
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (config.folder / "mlflow.json").exists()


def test_a_server_that_never_answers_is_refused_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "ANSWER_TIMEOUT", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        config = trials.config(tmp_path, tracking={"uri": f"http://127.0.0.1:{port}"})
        began = time.monotonic()
        with pytest.raises(InputError, match="cannot be used"):
            Tracker(config)
        assert time.monotonic() - began < 5


def test_the_environment_gives_the_address_where_the_configuration_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host")
    assert address.tracking_uri(trials.config(tmp_path)) == "http://host"
    own = trials.config(tmp_path, tracking={"uri": "http://own"})
    assert address.tracking_uri(own) == "http://own"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert address.tracking_uri(trials.config(tmp_path)) == f"sqlite:///{tmp_path}/mlflow.db"
