"""`autodata compare`: what is run, what is refused, what is left, and what MLflow has of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from killing import empty_database
from mlflow import MlflowClient
from mlflow.entities import Run

from autodata.experiments.compare import compare, method_names
from autodata.experiments.compare_result import Comparison
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.errors import InputError
from autodata.experiments.progress import Reporter
from autodata.programs import Episode
from autodata.programs.baselines import METHODS
from tests.experiments.conftest import OPEN_GATE, Command, sets

NAMES = ("cot", "best-of-n", "agentic")
SMALL = ("documents.limit=4", "loop.rounds=2", OPEN_GATE)
UNRECORDED = r"compare/compare\.md is written, but MLflow did not record cot"
OUTAGE = ("models.weak.extra={faults={server_error=1.0}}", "models.weak.retries=0")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_database(tmp_path_factory.getbasetemp().parent)


@pytest.fixture
def runs(tmp_path: Path, database: Path) -> Path:
    """Return a runs folder with an empty database, because making one takes seconds."""
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copyfile(database, folder / "mlflow.db")
    return folder


def config(runs: Path, *overrides: str) -> ExperimentConfig:
    return load_config("demo", [*SMALL, f"runs={runs}", *overrides])


def compared(
    runs: Path, *overrides: str, methods: Sequence[str] = NAMES, calls: int | None = None
) -> Comparison:
    reporter = Reporter(quiet=True)
    return compare(config(runs, *overrides), reporter, methods=methods, calls=calls)


def told(found: Comparison) -> dict[str, Any]:
    """Return what two starts must agree on."""
    return found.model_dump(exclude={"seconds", "mlflow", "folder"})


def journal(runs: Path) -> dict[str, Episode]:
    lines = (runs / "demo-compare" / "journal.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return {one["key"]: Episode.model_validate(one["episode"]) for one in entries}


def tracked(found: Comparison) -> tuple[Run, dict[str, Run]]:
    """Return the parent run and the child runs by name."""
    client = MlflowClient(tracking_uri=found.mlflow.tracking_uri)
    parent = client.get_run(found.mlflow.run_id)
    query = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    children = client.search_runs([found.mlflow.experiment_id], query)
    return parent, {run.info.run_name or "": run for run in children}


def artifacts(run: Run) -> Path:
    return Path(unquote(urlsplit(run.info.artifact_uri or "").path))


def test_methods_are_compared_on_the_same_documents_in_the_order_given(runs: Path) -> None:
    found = compared(runs)
    assert [row.method for row in found.methods] == list(NAMES)
    assert [one.method for one in found.differences] == ["best-of-n", "agentic"]
    assert {one.reference for one in found.differences} == {"cot"}
    assert {row.documents for row in found.methods} == {found.documents} == {4}
    assert (found.run, found.domain, found.gate) == ("demo-compare", "research", "open")
    folder = runs / "demo-compare"
    assert json.loads((folder / "compare.json").read_text()) == found.model_dump(mode="json")
    assert "![Weak and strong means" in (folder / "compare.md").read_text()
    assert (folder / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert not (runs / "demo").exists()


def test_best_of_n_gets_the_calls_that_the_loop_made_on_the_same_document(runs: Path) -> None:
    compared(runs)
    calls: dict[str, dict[str, Episode]] = defaultdict(dict)
    for key, episode in journal(runs).items():
        calls[key.split("/")[1].rsplit("-", 1)[0]][episode.document_id] = episode
    loop = calls["agentic"]
    best = {
        name: one
        for method, episodes in calls.items()
        if method.startswith("best-of-n")
        for name, one in episodes.items()
    }
    assert len(best) == len(loop) == 4
    for name, episode in best.items():
        budget, made = loop[name].usage.calls, episode.usage.calls
        # The last task may be begun with one call left: planned, written, checked, 6 times tried.
        assert budget <= made < budget + 3 + 2 * 6
        assert [key for key in journal(runs) if key.endswith(f"-{budget}/{name}")]


def test_a_number_of_calls_replaces_the_loop_s(runs: Path) -> None:
    found = compared(runs, methods=["best-of-n"], calls=1)
    (row,) = found.methods
    assert row.rounds is not None
    assert row.rounds.value == 1
    assert found.differences == []


def test_every_kept_task_is_tried_afresh_and_as_often_whoever_wrote_it(runs: Path) -> None:
    found = compared(runs)
    entries = journal(runs)
    fresh = {key: one for key, one in entries.items() if key.startswith("measure/")}
    # The first task of best-of-n is the one that cot wrote, and the same task is tried once.
    assert 4 < len(fresh) <= sum(row.kept for row in found.methods)
    for episode in fresh.values():
        (one,) = episode.rounds
        assert (len(one.weak), len(one.strong)) == (3, 3) == tuple(found.attempts.values())
    # No answer that accepted a task is there again among those that measure it.
    accepting = {
        attempt.answer
        for key, episode in entries.items()
        if key not in fresh
        for one in episode.rounds
        for attempt in (*one.weak, *one.strong)
    }
    measuring = {attempt.answer for one in fresh.values() for attempt in (*one.rounds[0].weak,)} | {
        attempt.answer for one in fresh.values() for attempt in one.rounds[0].strong
    }
    assert accepting
    assert len(measuring) == 6 * len(fresh)
    assert not accepting & measuring
    for row in found.methods:
        assert row.measuring_calls == 12 * row.kept
        assert row.calls_per_accepted == pytest.approx(row.calls / row.kept)
    written = [one.usage.calls for key, one in entries.items() if key not in fresh]
    assert sum(row.calls for row in found.methods) == sum(written)
    assert found.calls == sum(row.calls + row.measuring_calls for row in found.methods)


def test_a_filter_over_all_tasks_decides_what_is_measured(runs: Path) -> None:
    found = compared(runs, "documents.limit=8", methods=["cot"])
    written = [one for key, one in journal(runs).items() if key.startswith("compare/")]
    measured = [one for key, one in journal(runs).items() if key.startswith("measure/")]
    accepted = sum(one.accepted is not None for one in written)
    assert len(measured) == found.methods[0].kept < accepted


def test_the_same_start_again_asks_no_model_and_finds_the_same(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compared(runs, methods=[*NAMES, "self-instruct"])
    before = (runs / "demo-compare" / "journal.jsonl").read_bytes()
    shutil.rmtree(runs / "cache")

    async def asked(*_: Any) -> None:
        raise AssertionError("a model was asked")

    monkeypatch.setattr("autodata.programs.endpoint.Endpoint.acomplete", asked)
    second = compared(runs, methods=[*NAMES, "self-instruct"])
    assert told(second) == told(first)
    assert (runs / "demo-compare" / "journal.jsonl").read_bytes() == before


def test_one_seed_repeats_exactly_and_two_differ(runs: Path, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copyfile(runs / "mlflow.db", folder / "mlflow.db")
        # The documents stay the same: only what the models answer depends on the seed here.
        documents = ("documents.limit=38", f"seed={seed}", "loop.rounds=1")
        found.append(told(compared(folder, *documents, methods=["agentic"])))
    assert found[0] == found[1]
    del found[2]["seed"], found[1]["seed"]
    assert found[2] != found[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--methods", "cot,agentik"], "agentik: known are .*; did you mean 'agentic'"),
        (["--methods", "cot,agentic,cot"], "cot: stands twice; name every method once"),
        (["--methods", " , "], "no method; choose from self-instruct, grounded, cot"),
        (["--methods", "cot,best-of-n"], "as agentic made; add agentic to .* --calls"),
        (["--methods", "cot", "--calls", "9"], "only best-of-n has a budget; add it"),
        (["--methods", "self-challenging"], "self-challenging: domain='research'.* code domain"),
        (["--set", f"run={'x' * 60}"], "choose a name of at most 56 characters"),
        (["--set", "documents.path=nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_is_asked(
    words: list[str], why: str, cli: Command, runs: Path
) -> None:
    answer = cli("compare", "demo", *sets(*SMALL, f"runs={runs}"), *words)
    assert (answer.code, answer.out) == (2, "")
    lines = [line for line in answer.err.splitlines() if line.startswith("autodata: ")]
    assert len(lines) == 1
    with pytest.raises(InputError, match=why):
        raise InputError(lines[0])
    assert list(runs.glob("*/mlflow.json")) == []
    assert json.loads(cli("compare", "demo", "--json", *sets(f"runs={runs}"), *words).out)["error"]


def test_every_method_may_be_named() -> None:
    assert method_names(" , ".join(METHODS)) == list(METHODS)
    assert method_names("best-of-n", calls=3) == ["best-of-n"]


def test_a_folder_with_another_comparison_is_refused(runs: Path) -> None:
    compared(runs, methods=["grounded"])
    with pytest.raises(InputError, match=r"holds a run with another documents\.limit; choose"):
        compared(runs, "documents.limit=5", methods=["grounded"])
    # Methods may come and go: each is kept by its own name.
    again = compared(runs, methods=["grounded", "agentic"])
    assert [row.method for row in again.methods] == ["grounded", "agentic"]


def test_mlflow_has_a_run_for_each_method_below_one_for_all(runs: Path) -> None:
    found = compared(runs)
    parent, children = tracked(found)
    assert (parent.info.run_name, parent.info.status) == ("demo-compare", "FINISHED")
    assert parent.data.tags["kind"] == "comparison"
    assert parent.data.tags["methods"] == "cot,best-of-n,agentic"
    assert "fresh attempts at every task kept" in parent.data.tags["mlflow.note.content"]
    assert parent.data.params["documents.limit"] == "4"
    kept = {path.name for path in artifacts(parent).iterdir()}
    assert kept == {"compare.json", "compare.md", "compare.png", "config.toml", "documents.jsonl"}
    assert set(children) == set(NAMES)
    for row in found.methods:
        run = children[row.method]
        assert (run.info.status, run.data.tags["kind"]) == ("FINISHED", "method")
        assert run.data.params["method"] == row.method
        assert {"domain", "gate", "seed", "weak", "strong", "judge"} <= set(run.data.params)
        assert run.data.params["strong"] == "simulation/strong"
        assert row.gap is not None
        assert run.data.metrics["gap"] == pytest.approx(row.gap.value, abs=1e-5)
        assert run.data.metrics["gap_low"] == pytest.approx(row.gap.low, abs=1e-5)
        assert run.data.metrics["kept"] == row.kept
        assert parent.data.metrics[f"{row.method}/gap"] == run.data.metrics["gap"]
        assert ("difference/gap" in run.data.metrics) == (row.method != "cot")
        table = json.loads((artifacts(run) / "tasks.json").read_text())
        assert len(table["data"]) == row.kept
        assert table["columns"][:3] == ["document", "question_type", "question"]
        assert (artifacts(run) / "failures.json").is_file()
    assert parent.data.metrics["difference/agentic/objective"] == pytest.approx(
        found.differences[1].objective.value if found.differences[1].objective else None, abs=1e-5
    )


def test_a_second_start_leaves_one_child_a_method_and_replaces_what_has_changed(runs: Path) -> None:
    first = compared(runs)
    _, before = tracked(first)
    second = compared(runs)
    parent, after = tracked(second)
    assert second.mlflow == first.mlflow
    assert {n: run.info.run_id for n, run in after.items()} == {
        n: run.info.run_id for n, run in before.items()
    }
    # Compared with another method, the loop's differences are others, and cot has some.
    _, turned = tracked(compared(runs, methods=["agentic", "best-of-n", "cot"]))
    assert set(turned) == set(NAMES)
    assert "difference/gap" in turned["cot"].data.metrics
    assert "difference/gap" not in turned["agentic"].data.metrics
    assert parent.info.status == "FINISHED"


def test_a_tracking_server_that_dies_loses_nothing_that_was_paid_for(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise OSError("connection refused")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match=UNRECORDED):
        patched.setattr("autodata.experiments.store.Store.record", _later(gone))
        compared(runs, methods=["cot"])
    assert json.loads((runs / "demo-compare" / "compare.json").read_text())["run"]
    written = (runs / "demo-compare" / "journal.jsonl").read_bytes()
    _, children = tracked(compared(runs, methods=["cot"]))
    assert set(children) == {"cot"}
    assert (runs / "demo-compare" / "journal.jsonl").read_bytes() == written


def _later(fault: Any) -> Any:
    """Return a `Store.record` that works once, when the run begins, and not again."""
    from autodata.experiments.store import Store

    whole, calls = Store.record, iter(range(1000))
    return lambda *args: whole(*args) if next(calls) == 0 else fault(*args)


def test_an_outage_is_no_evidence_and_is_tried_again(runs: Path) -> None:
    found = compared(runs, *OUTAGE, methods=["agentic", "best-of-n", "cot"])
    loop, best, cot = found.methods
    assert (loop.kept, len(loop.failures), loop.acceptance) == (0, 4, None)
    assert best.failures.keys() == loop.failures.keys()
    assert "agentic could not be scored here" in next(iter(best.failures.values()))
    # This one asks the weak solver only when its tasks are measured.
    assert cot.failures == {}
    assert cot.unmeasured == cot.kept > 0
    assert cot.gap is None
    assert [key for key in journal(runs) if key.startswith("measure/")] == []
    assert "NaN" not in found.model_dump_json()
    assert found.problem == ""


def test_an_outage_everywhere_ends_with_1(cli: Command, runs: Path) -> None:
    words = ["--methods", "agentic", *sets(*SMALL, *OUTAGE, f"runs={runs}")]
    answer = cli("compare", "demo", "--json", *words)
    assert answer.code == 1
    assert "failed: no document could be scored (weak: " in answer.err
    assert json.loads(answer.out)["methods"][0]["kept"] == 0


def test_one_json_object_or_a_table_is_printed(cli: Command, runs: Path) -> None:
    words = ["--methods", "cot,agentic", "--documents", "3", "--set", f"runs={runs}"]
    words += sets("loop.rounds=2", OPEN_GATE)
    as_json = cli("compare", "demo", *words, "--json")
    assert as_json.code == 0
    assert as_json.out.count("\n") == 1
    found = json.loads(as_json.out, parse_constant=pytest.fail)
    assert set(found) == set(Comparison.model_fields)
    assert found["documents"] == 3
    assert set(found["methods"][0]["gap"]) == {"value", "low", "high", "documents"}
    assert Comparison.model_validate(found).methods[1].method == "agentic"
    assert "cot: fresh attempts (" in as_json.err
    plain = cli("compare", "demo", *words)
    for part in ("weak mean", "strong mean", "minus cot, on the same documents", "fresh attempts"):
        assert part in plain.out
    told = plain.out.splitlines()
    assert told[-1].startswith("compare the runs: autodata ui demo --set runs=")
    assert told[-1].endswith("--set documents.limit=3 --set run=demo-compare")


def test_the_help_shows_an_example_and_the_methods(cli: Command) -> None:
    answer = cli("compare", "--help")
    assert answer.code == 0
    assert "Example: autodata compare demo --methods cot,agentic" in answer.out
    assert all(name in answer.out for name in METHODS)


def test_an_interrupt_keeps_what_is_finished(cli: Command, runs: Path) -> None:
    words = ["--methods", "grounded,self-instruct", *sets(*SMALL, f"runs={runs}", "in_flight=1")]
    slow = "models.challenger.extra={latency=0.3}"
    file = runs / "demo-compare" / "journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "autodata", "compare", "demo", *words, "--set", slow],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    deadline = time.monotonic() + 120
    while not (file.exists() and file.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    done = file.read_bytes().count(b"\n")
    assert f"stopped with {done} finished episodes and measurements" in err
    assert "interrupted: run the same command again" in err
    kept = file.read_bytes()
    again = cli("compare", "demo", *words, "--set", slow)
    assert again.code == 0, again.err
    assert f"going on with {done} finished episodes" in again.err
    assert file.read_bytes().startswith(kept)
