"""Documents over a Ray cluster: the same tasks as here, each document once, whoever dies."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Cast
from ray.cluster_utils import Cluster
from ray.exceptions import ActorUnavailableError

from autodata.experiments import ray_engine
from autodata.experiments.config import load_config
from autodata.experiments.engines import open_engine
from autodata.experiments.errors import InputError
from autodata.experiments.progress import Reporter
from autodata.optimizers import Candidate
from autodata.programs import Autodata, Document, Episode, background

WORDS = (
    "documents.limit=10",
    "loop.rounds=2",
    "in_flight=4",
    "models.challenger.extra={latency=0.6}",
)
DOCUMENT = Document(id="d", text="Pressure and yield. " * 20)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Two nodes on this machine, with room for a worker each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", str(made.address))
    yield made
    made.shutdown()


def generating(runs: Path, *more: str) -> subprocess.Popen[str]:
    sets = [word for one in (*WORDS, f"runs={runs}") for word in ("--set", one)]
    return subprocess.Popen(
        [sys.executable, "-m", "autodata", "generate", "demo", *sets, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{runs / 'mlflow.db'}"},
    )


def journal(runs: Path) -> list[str]:
    file = runs / "demo" / "journal.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line)["key"] for line in lines]


@pytest.mark.timeout(300)
def test_a_cluster_that_loses_a_node_writes_the_tasks_that_one_process_writes(
    cluster: Cluster, tmp_path: Path
) -> None:
    alone = generating(tmp_path / "alone")
    runs = tmp_path / "cluster"
    spread = generating(runs, "--engine", "ray", "--workers", "2")
    deadline = time.monotonic() + 120
    while len(journal(runs)) < 2:
        assert spread.poll() is None, spread.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    assert len(journal(runs)) < 10
    out, err = spread.communicate(timeout=120)
    assert spread.returncode == 0, err
    assert "2 Ray workers on " in err
    _, said = alone.communicate(timeout=120)
    assert alone.returncode == 0, said
    assert out.replace("cluster", "alone").splitlines()[-1].startswith("tasks: ")
    assert sorted(journal(runs)) == sorted(journal(tmp_path / "alone"))
    files = [tmp_path / name / "demo" / "tasks.jsonl" for name in ("cluster", "alone")]
    assert files[0].read_bytes() == files[1].read_bytes() != b""


Answer = Callable[[int], Coroutine[Any, Any, str]]


class Hand:
    """A worker's handle, as Ray has it: it answers, or not, by the number of the call."""

    def __init__(self, answer: Answer) -> None:
        self.calls = 0
        self._answer = answer
        self.episode = self

    def remote(self, candidate: str, document: str, rollout: str) -> Coroutine[Any, Any, str]:
        self.calls += 1
        return self._answer(self.calls)


def gone() -> ActorUnavailableError:
    return ActorUnavailableError("its node died", b"0" * 16)


def answers() -> str:
    return Autodata(Cast().models)(document=DOCUMENT).episode.model_dump_json()


def run(*hands: Hand, patience: float = 1.0, times: int = 1) -> list[Episode]:
    engine = ray_engine.RayEngine(list(hands), patience=patience)
    one = engine.ready(Candidate(instructions={}))

    async def all_of_them() -> list[Episode]:
        return list(await asyncio.gather(*(one(DOCUMENT, "r") for _ in range(times))))

    return background.run(all_of_them())


def well(text: str) -> Answer:
    async def answer(number: int) -> str:
        await asyncio.sleep(0.01)
        return text

    return answer


async def lost(number: int) -> str:
    raise gone()


def test_documents_go_to_the_worker_that_has_the_fewest() -> None:
    hands = [Hand(well(answers())) for _ in range(3)]
    assert len(run(*hands, times=9)) == 9
    assert [hand.calls for hand in hands] == [3, 3, 3]


def test_what_a_lost_worker_had_is_run_by_another() -> None:
    text = answers()
    away, there = Hand(lost), Hand(well(text))
    assert [one.model_dump_json() for one in run(away, there, times=4)] == [text] * 4
    assert there.calls == 4
    assert away.calls == 1  # It is left alone for a while.


def test_a_cluster_without_workers_is_waited_for_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_engine, "PAUSE", 0.02)
    away = Hand(lost)
    with pytest.raises(RuntimeError, match="no Ray worker has answered for 0 s") as raised:
        run(away, patience=0.1)
    assert "run the same command again" in str(raised.value)
    assert away.calls > 2


def test_a_document_that_workers_die_of_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "PAUSE", 0.01)

    async def dies(number: int) -> str:
        await asyncio.sleep(0.03)
        raise gone()

    with pytest.raises(RuntimeError, match="document d: 3 Ray workers died"):
        run(Hand(dies), Hand(dies))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--engine", "spark"], "--engine spark: expected local or ray"),
        (["--workers", "2"], "--workers 2: only counts with --engine ray"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_with_the_remedy(
    words: list[str], told: str, tmp_path: Path
) -> None:
    process = generating(tmp_path, *words)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told in err
    assert "Traceback" not in err


def test_a_budget_is_refused_as_several_processes_cannot_count_it(tmp_path: Path) -> None:
    process = generating(tmp_path, "--engine", "ray", "--budget", "100calls")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "budget='100calls': is counted by one process" in err


def test_a_cluster_that_is_not_there_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # It does not listen.
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        process = generating(tmp_path, "--engine", "ray")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"no cluster at RAY_ADDRESS='{address}'" in err
    assert "ray start --head" in err


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"install autodata-dspy\[ray\]"),
        open_engine("ray", load_config("demo"), None, Reporter(quiet=True)),
    ):
        pass
