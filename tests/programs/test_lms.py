import asyncio
import copy
import json
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dspy
import pytest
from fakes import TASK
from server import Server, chat, error

from autodata.programs import LanguageModels, ModelConfig, Task, background
from autodata.programs.lms import RoleLM
from autodata.programs.role import ask
from autodata.programs.solver import Solver
from autodata.programs.usage import Call, observing

SECRET = "sk-secret-7d1f"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable that holds a key."""
    monkeypatch.setenv("AUTODATA_TEST_KEY", SECRET)
    return "AUTODATA_TEST_KEY"


def connected(
    server: Server, *roles: str, cache: Path | None = None, **options: Any
) -> LanguageModels:
    config = ModelConfig(model="m", api_base=server.url, **options)
    return LanguageModels(dict.fromkeys(roles or ("weak",), config), cache)


def fresh(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that shows every warning."""
    command = [sys.executable, "-X", "dev", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_the_key_is_sent_and_kept_nowhere_else(server: Server, secret: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    models = connected(server, cache=cache, api_key_env=secret)
    lm = models["weak"]
    solver = Solver("weak", lm)
    solver.solve.lm = lm
    assert lm("why?") == lm.copy(rollout_id=1)("why?")
    assert {request.authorization for request in server.requests} == {f"Bearer {SECRET}"}
    solver.save(str(tmp_path / "solver.json"))
    models.close()
    copied = solver.deepcopy()
    shown = [repr(lm), repr(solver), repr(models), repr(lm.config), str(lm.history), str(vars(lm))]
    shown += [json.dumps(lm.dump_state()), json.dumps(copied.dump_state())]
    assert not [text for text in shown if SECRET in text]
    blobs = [pickle.dumps(lm), pickle.dumps(copied)]
    blobs += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(blobs) > 3
    assert not [blob for blob in blobs if SECRET.encode() in blob]


def test_an_error_of_the_server_does_not_show_the_key(server: Server, secret: str) -> None:
    server.script(error(401))
    reply = background.run(
        ask(
            Solver("weak", connected(server, api_key_env=secret)["weak"]),
            task=Task.model_validate(TASK),
        )
    )
    assert "HTTP 401" in str(reply.failure)
    assert SECRET not in str(reply.failure)


def test_a_server_without_a_key_gets_a_placeholder(server: Server) -> None:
    connected(server)["weak"]("why?")
    assert server.requests[0].authorization == "Bearer EMPTY"


def test_every_call_is_metered_by_role_across_threads_and_tasks(server: Server) -> None:
    models = connected(server, "weak", "strong")
    seen: list[Call] = []

    async def tasks() -> None:
        with observing(seen.append):
            await asyncio.gather(*(models["weak"].acall(f"a {n}") for n in range(5)))

    threads = [threading.Thread(target=models["strong"], args=(f"b {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    roles = models.ledger.roles
    assert (roles["weak"].calls, roles["strong"].calls) == (5, 4)
    assert roles["weak"].input_tokens == 10
    assert [call.role for call in seen] == ["weak"] * 5
    assert len(server.requests) == 9


def test_failed_requests_are_counted_and_are_no_calls(server: Server) -> None:
    models = connected(server)
    server.script(error(500), error(429), chat(answer="yes"))
    models["weak"]("why?")
    assert models.ledger.total.calls == 1
    assert models.ledger.total.failed == 2


def test_cached_calls_are_counted_as_such(server: Server, tmp_path: Path) -> None:
    models = connected(server, "weak", "judge", cache=tmp_path)
    models["weak"]("why?")
    models["judge"]("why?")
    roles = models.ledger.roles
    assert (roles["weak"].calls, roles["weak"].cached) == (1, 0)
    assert (roles["judge"].calls, roles["judge"].cached) == (1, 1)
    assert roles["judge"].tokens == roles["weak"].tokens > 0


def test_roles_of_one_configuration_share_connections(server: Server) -> None:
    models = connected(server, "weak", "strong")
    for role in ("weak", "strong", "weak"):
        models[role]("why?")
    assert server.connections == 1


def test_copies_stay_metered_cached_and_connected(server: Server, tmp_path: Path) -> None:
    models = connected(server, cache=tmp_path)
    lm = models["weak"]
    lm("why?")
    assert copy.deepcopy(lm) is lm
    for other in (copy.copy(lm), lm.copy(), lm.copy(temperature=0.3)):
        assert isinstance(other, RoleLM)
        other("why?")
    assert lm.kwargs["temperature"] is None
    assert len(server.requests) == 2
    assert server.connections == 1
    assert models.ledger.total.calls == 4
    assert models.ledger.total.cached == 2


@pytest.mark.parametrize("how", ["call", "copy", "acall"])
def test_a_rollout_id_asks_for_a_sample_of_its_own(
    server: Server, tmp_path: Path, how: str
) -> None:
    lm = connected(server, cache=tmp_path, temperature=1.0)["weak"]

    def say(rollout_id: int) -> None:
        if how == "call":
            lm("why?", rollout_id=rollout_id)
        elif how == "copy":
            lm.copy(rollout_id=rollout_id)("why?")
        else:
            background.run(lm.acall("why?", rollout_id=rollout_id))

    lm("why?")
    for rollout_id, requests in [(1, 2), (1, 2), (2, 3), (2, 3)]:
        say(rollout_id)
        assert len(server.requests) == requests
    assert "rollout_id" not in server.requests[-1].body


def test_a_pickled_model_connects_again(server: Server, secret: str) -> None:
    lm = connected(server, api_key_env=secret, temperature=0.5)["weak"]
    lm("why?")
    again = pickle.loads(pickle.dumps(lm))
    assert (again.config, again.role) == (lm.config, lm.role)
    assert not again.history
    again("why?")
    assert server.requests[-1].authorization == f"Bearer {SECRET}"


def test_a_saved_model_connects_again_if_its_file_is_trusted(server: Server) -> None:
    lm = connected(server)["weak"]
    state = json.loads(json.dumps(lm.dump_state()))
    with pytest.raises(ValueError, match="allow_unsafe_lm_state"):
        dspy.BaseLM.load_state(state)
    loaded = dspy.BaseLM.load_state(state, allow_custom_lm_class=True)
    assert loaded("why?") == lm("why?")


def test_nothing_is_left_open_at_exit(server: Server, tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from autodata.programs import LanguageModels, ModelConfig\n"
        "config = ModelConfig(model='m', api_base=sys.argv[1], retries=0)\n"
        "models = LanguageModels({'weak': config}, cache=pathlib.Path(sys.argv[2]))\n"
        "models['weak']('why?')\n"
        "asyncio.run(models['weak'].acall('who?'))\n"
        "from autodata.programs import background\n"
        "background.run(models['weak'].acall('where?'))\n"
        "models.close()\n"
    )
    done = fresh(code, server.url, str(tmp_path))
    assert len(server.requests) == 3
    assert done.stdout == ""
    assert not [word for word in ("Resource", "unclosed", "Traceback") if word in done.stderr]
