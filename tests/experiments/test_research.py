"""The research preset over HTTP: the real client against a server in a process of its own."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import Server, error, page
from typer.testing import CliRunner

from autodata.cli import app
from autodata.programs import PROPOSER, ROLES

KEY = "sk-planted-4711-never-write-me-down"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def arguments(server: Server, folder: Path) -> list[str]:
    settings = {
        "runs": str(folder / "runs"),
        "documents.limit": "8",
        "search.trials": "2",
        "search.instructions": "1",
        "search.finalists": "1",
        "loop.rounds": "2",
        "test_repeats": "1",
        "models.default.api_base": server.url,
        "models.default.api_key_env": "TEST_MODEL_KEY",
        **{f"models.{role}.model": role for role in (*ROLES, PROPOSER)},
        **{f"models.{role}.api_base": server.url for role in ("weak", "strong")},
    }
    return ["research", *(f"--set={key}={value}" for key, value in settings.items())]


def test_the_research_preset_runs_over_http_with_retries_and_schemas(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MODEL_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    server.script(error(429), error(503), page(200), error(500))
    done = CliRunner().invoke(app, ["optimize", *arguments(server, tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["trials"]["complete"] + result["trials"]["pruned"] == 2
    assert result["baseline"]["failures"] == 0
    requests = server.requests
    # Every request got through one pool per endpoint, not a connection a call.
    assert len(requests) > 10 * server.connections
    assert {one.authorization for one in requests} == {f"Bearer {KEY}"}
    for one in requests:
        form = one.body.get("response_format", {}).get("type")
        constrained = one.body["model"] not in ("weak", "strong", PROPOSER)
        assert form == ("json_schema" if constrained else None), one.body["model"]


def test_the_key_of_a_run_is_written_nowhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MODEL_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["optimize", *arguments(server, tmp_path)])
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    for root, _, names in os.walk(tmp_path):
        for name in names:
            assert KEY.encode() not in (Path(root) / name).read_bytes(), name


def test_check_tells_the_forms_that_a_server_follows_and_a_missing_key(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(app, ["check", *arguments(server, tmp_path)])
    assert missing.exit_code == 2
    assert "TEST_MODEL_KEY" in missing.stderr
    monkeypatch.setenv("TEST_MODEL_KEY", KEY)
    found = CliRunner().invoke(app, ["check", *arguments(server, tmp_path), "--json"])
    assert found.exit_code == 0, found.output
    models = json.loads(found.stdout)["models"]
    assert all(one["reachable"] for one in models)
    assert {one["independent"] for one in models if one["role"] in ("weak", "strong")} == {True}
    assert all(one["structured"] is not None for one in models)
