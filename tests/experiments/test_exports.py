"""Export: the program of any trial of a finished run, after the fact."""

import json
import shutil
from pathlib import Path

import pytest

import autodata
from autodata.experiments.compiled import load_manifest, read_candidate
from autodata.experiments.errors import InputError
from autodata.experiments.exports import export_trial
from autodata.optimizers import Candidate
from tests.experiments.conftest import PLANTED, Command, Finished


def candidates(finished: Finished) -> list[Candidate]:
    trials = json.loads((finished.folder / "trials.json").read_text())
    return [Candidate.model_validate(trial["candidate"]) for trial in trials]


def refusal(run: Path, to: Path, number: int | None = None) -> str:
    with pytest.raises(InputError) as caught:
        export_trial(run, to, number)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_a_number_the_winner_is_written(finished: Finished, tmp_path: Path) -> None:
    exported = export_trial(finished.folder, tmp_path / "mine", None)
    own, copy = finished.folder / "compiled", tmp_path / "mine"
    assert exported["candidate"] == load_manifest(own).candidate
    assert candidates(finished)[exported["trial"]].id == exported["candidate"]
    for name in ("program.json", "manifest.json", "README.md"):
        assert (copy / name).read_text() == (own / name).read_text()


def test_any_trial_can_be_written_and_loaded(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    for number, candidate in enumerate(candidates(finished)):
        folder = tmp_path / str(number)
        assert export_trial(finished.folder, folder, number)["trial"] == number
        assert read_candidate(folder) == candidate
        autodata.load(folder)


def test_numbers_of_the_winner_are_not_claimed_for_another_trial(
    finished: Finished, tmp_path: Path
) -> None:
    won = export_trial(finished.folder, tmp_path / "won", None)["trial"]
    other = next(
        n for n, one in enumerate(candidates(finished)) if one != candidates(finished)[won]
    )
    export_trial(finished.folder, tmp_path / "other", other)
    assert load_manifest(tmp_path / "other").metrics == {}
    assert load_manifest(tmp_path / "won").metrics != {}


def test_a_trial_that_there_is_not_is_refused(finished: Finished, tmp_path: Path) -> None:
    for number in (3, -1):
        message = refusal(finished.folder, tmp_path / "x", number)
        assert f"--trial {number}: the run has trials 0 to 2" in message
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_in_it_is_not_touched(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for to in (tmp_path, tmp_path / "file"):
        assert "exists already; choose an empty folder with --to" in refusal(finished.folder, to)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    export_trial(finished.folder, tmp_path / "empty", 0)


def test_a_run_that_has_not_finished_is_refused(tmp_path: Path) -> None:
    assert "trials.json is missing" in refusal(tmp_path, tmp_path / "x")


def test_damaged_records_are_one_clear_line(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.folder, run)
    for content in ("", "{}", "[]", '[{"number": 0}]', "[1]", '{"a": 1}'):
        (run / "trials.json").write_text(content)
        assert "trials.json: damaged" in refusal(run, tmp_path / "x")


def test_a_winner_that_is_none_of_the_trials_is_one_clear_line(
    finished: Finished, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.folder, run)
    manifest = run / "compiled" / "manifest.json"
    manifest.write_text(
        manifest.read_text().replace(load_manifest(run / "compiled").candidate, "0")
    )
    assert "name one with --trial" in refusal(run, tmp_path / "x")
    assert export_trial(run, tmp_path / "x", 1)["trial"] == 1


def test_the_command_says_what_it_wrote(cli: Command, finished: Finished, tmp_path: Path) -> None:
    answer = cli("export", finished.folder, "--trial", "1", "--to", tmp_path / "a", "--json")
    assert answer.code == 0
    assert json.loads(answer.out) == {
        "program": str(tmp_path / "a"),
        "trial": 1,
        "candidate": candidates(finished)[1].id,
    }
    answer = cli("export", finished.folder, "--to", tmp_path / "b")
    assert answer.out.startswith(f"{tmp_path / 'b'}: trial ")
