"""The command line: exit codes, what goes where, and help that answers at once."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autodata.experiments.report import verdict
from tests.experiments.conftest import OPEN_GATE, PLANTED, SMALL, Command, Finished, sets

VERBS = ("check", "generate", "optimize", "evaluate", "compare", "export", "ui")
HELP = """
import json, sys
sys.argv = ["autodata", *json.loads(sys.argv[1])]
from autodata.cli import main
try:
    main()
finally:
    heavy = {name.partition(".")[0] for name in sys.modules}
    print(json.dumps(sorted(heavy & {"dspy", "mlflow", "optuna", "datasets", "pydantic", "rich"})))
"""


def finish(cli: Command, finished: Finished, *words: str) -> tuple[int, str, str]:
    """Start the finished run again: everything is there, and only the end is told again."""
    planted = 'models.default={api_key_env="PLANTED"}'
    again = sets(*SMALL, OPEN_GATE, planted, f"runs={finished.folder.parent}")
    return cli("optimize", "demo", *again, *words)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)


@pytest.mark.parametrize("words", [["--help"], *([verb, "--help"] for verb in VERBS)])
def test_help_shows_an_example(cli: Command, words: list[str]) -> None:
    answer = cli(*words)
    assert answer.code == 0
    assert "autodata optimize demo" in answer.out or f"Example: autodata {words[0]} " in answer.out
    if words == ["--help"]:
        assert all(f"\n  {verb} " in answer.out for verb in VERBS)


def test_without_a_verb_the_help_is_shown(cli: Command) -> None:
    answer = cli()
    assert answer.code == 2
    assert "autodata optimize demo" in answer.out + answer.err


def test_help_answers_at_once_and_imports_nothing_heavy() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HELP, '["--help"]'], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert json.loads(out.splitlines()[-1]) == []
    # Processor time, because other tests may keep the machine busy.
    assert used.ru_utime + used.ru_stime < 1


def test_a_configuration_is_read_without_mlflow_and_optuna() -> None:
    code = (
        "import sys, autodata; autodata.load_config('demo');"
        "print([name for name in ('mlflow', 'optuna', 'datasets') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_a_finished_run_tells_its_result_again(cli: Command, finished: Finished) -> None:
    answer = finish(cli, finished, "--json")
    assert answer[0] == 0
    found, before = json.loads(answer[1]), json.loads(finished.result.model_dump_json())
    assert {**found, "seconds": 0} == {**before, "seconds": 0}
    assert answer[1].count("\n") == 1
    assert "going on with" in answer[2]


def test_the_end_of_a_run_shows_the_comparison_and_the_way_to_the_ui(
    cli: Command, finished: Finished
) -> None:
    code, out, _ = finish(cli, finished)
    assert code == 0
    for part in ("baseline", "winner", "gap, all documents", "compiled program:"):
        assert part in out
    assert verdict(finished.result) in out
    line = next(line for line in out.splitlines() if line.startswith("compare the trials: "))
    assert line.startswith("compare the trials: autodata ui demo --set seed=7 --set ")
    assert "'gate={name=\"open\"}'" in line


def test_what_a_verb_found_is_one_json_object_and_logs_go_elsewhere(
    cli: Command, finished: Finished, tmp_path: Path
) -> None:
    program = finished.folder / "compiled"
    words = ["--json", *sets("documents.limit=3", "loop.rounds=1", "test_repeats=1")]
    words += sets(f"runs={tmp_path / 'runs'}", "in_flight=1")
    for command in (["check", "demo"], ["generate", "demo"], ["evaluate", "demo", "--program"]):
        given = [*command, program] if command[-1] == "--program" else command
        answer = cli(*given, *words)
        assert answer.code == 0, answer.err
        assert answer.out.count("\n") == 1
        assert json.loads(answer.out)["run"] == "demo"
        assert answer.err != ""


def test_people_are_told_what_was_found(cli: Command, finished: Finished, tmp_path: Path) -> None:
    words = sets("documents.limit=3", "loop.rounds=1", "test_repeats=1", OPEN_GATE)
    words += sets(f"runs={tmp_path / 'runs'}")
    generated = cli("generate", "demo", *words)
    assert " tasks from 3 documents (0 could not be scored)" in generated.out
    assert f"tasks: {tmp_path / 'runs' / 'demo' / 'tasks.jsonl'}" in generated.out
    evaluated = cli("evaluate", "demo", "--program", finished.folder / "compiled", *words)
    assert "on 1 test documents" in " ".join(evaluated.out.split())
    assert "difference " in evaluated.out


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "demos"],
        ["optimize", "demo", "--set", "seed"],
        ["check", "demo", "--set", "documents.path=nowhere"],
        ["evaluate", "demo", "--program", "nowhere", "--set", "documents.limit=3"],
        ["export", "nowhere", "--to", "x"],
    ],
)
def test_bad_input_ends_with_2_and_in_json_is_an_object(
    cli: Command, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = cli(*words)
    assert (plain.code, plain.out) == (2, "")
    told = [line for line in plain.err.splitlines() if line.startswith("autodata: ")]
    assert len(told) == 1
    as_json = cli(*words, "--json")
    assert as_json.code == 2
    assert json.loads(as_json.out) == {"error": told[0].removeprefix("autodata: ")}
    assert as_json.out.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["conquer"], "No such command"),
        (["generate"], "Missing argument"),
        (["generate", "demo", "--sets", "x=1"], "No such option"),
        (["export", "runs/demo"], "Missing option"),
        (["export", "runs/demo", "--to", "x", "--trial", "best"], "--trial"),
    ],
)
def test_a_command_that_is_none_ends_with_2(cli: Command, words: list[str], why: str) -> None:
    answer = cli(*words)
    assert (answer.code, answer.out) == (2, "")
    assert why in answer.err


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "failed: [Errno 28] No space left"),
        (RuntimeError("no episode can be scored;\nrun `autodata check`"), "scored; run `autodata"),
    ],
)
def test_what_goes_wrong_on_the_way_ends_with_1(
    error: Exception,
    told: str,
    cli: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("autodata.experiments.journal.Journal.put", fails)
    words = sets("documents.limit=2", "loop.rounds=1", f"runs={tmp_path / 'runs'}")
    answer = cli("generate", "demo", "--json", *words)
    assert answer.code == 1
    assert told in json.loads(answer.out)["error"]
    assert told in answer.err


def test_a_bug_of_ours_is_not_dressed_up(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **options: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("autodata.experiments.journal.Journal.put", fails)
    with pytest.raises(KeyError, match="a bug"):
        cli("generate", "demo", *sets("documents.limit=1", f"runs={tmp_path / 'runs'}"))


def test_python_m_autodata_is_the_command() -> None:
    command = [sys.executable, "-m", "autodata", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "autodata optimize demo" in ended.stdout


def test_public_names_are_loaded_on_first_use() -> None:
    import autodata

    assert {name: getattr(autodata, name).__name__ for name in autodata.__all__} == {
        name: name for name in autodata.__all__
    }
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        autodata.nothing  # noqa: B018
