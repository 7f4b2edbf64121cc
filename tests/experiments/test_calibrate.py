"""A calibrated gate: proposed by `check`, used and frozen by runs, and nothing else left behind."""

import itertools
import json
import tomllib
from pathlib import Path
from statistics import fmean

import pytest

from autodata.experiments.calibrate import NotCalibratedError
from autodata.experiments.check import Checked, check
from autodata.experiments.compiled import load_manifest
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.errors import InputError
from autodata.experiments.gate_file import gate_file, gate_table, kept_gate
from autodata.experiments.progress import Reporter
from autodata.experiments.runner import optimize
from autodata.experiments.session import open_session
from autodata.metrics import GATES, Gate, exact
from autodata.metrics.calibration import CALIBRATED
from autodata.optimizers import Candidate, measured
from tests.experiments.conftest import SMALL, Command, sets

PAIR_B = ("models.weak.model=simulation/weak-b", "models.strong.model=simulation/strong-b")
QUIET = Reporter(quiet=True)


def configured(tmp_path: Path, *overrides: str) -> ExperimentConfig:
    common = [f"runs={tmp_path / 'runs'}", "documents.limit=6", "loop.rounds=2"]
    return load_config("demo", [*common, "gate=calibrated", *overrides])


def started(config: ExperimentConfig) -> tuple[ExperimentConfig, int]:
    """Open the run as a command does; return its configuration and the calls that this took."""
    with open_session(config, QUIET) as session:
        return session.config, session.models.ledger.total.calls


def checked(config: ExperimentConfig, documents: int = 6) -> Checked:
    return check(config, QUIET, calibrate=documents)


def files(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_check_leaves_the_gate_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    config = configured(tmp_path)
    found = checked(config)
    assert found.fine
    assert found.calibrated is not None
    assert files(tmp_path) == [gate_file(config).relative_to(tmp_path).as_posix()]
    assert not list((tmp_path / "temporary").iterdir())
    assert kept_gate(config) == found.calibrated.calibration.gate
    # Two solvers with three attempts each, answered and judged, and three roles before them.
    assert found.calibrated.calls >= 4 * (3 + 2 * 2 * 3)


def test_without_the_option_a_calibrated_gate_is_neither_needed_nor_made(tmp_path: Path) -> None:
    found = check(configured(tmp_path), QUIET)
    assert found.fine
    assert found.calibrated is None
    assert files(tmp_path) == []


def test_people_see_the_reasons_every_gates_share_and_a_table_to_paste(
    cli: Command, tmp_path: Path
) -> None:
    words = sets(f"runs={tmp_path / 'runs'}", "documents.limit=8")
    answer = cli("check", "demo", "--calibrate", "--documents", "5", *words)
    assert answer.code == 0, answer.err
    assert "gate calibrated on single shots: " in answer.out
    assert "lower quartile" in answer.out
    assert "each gate accepts: calibrated " in answer.out
    assert all(f"{name} " in answer.out for name in GATES)
    table = answer.out[answer.out.index("[gate]") :]
    own = tmp_path / "own.toml"
    own.write_text(f'run = "own"\n[models.default]\nmodel = "simulation/x"\n{table}')
    pasted = load_config(str(own)).rule
    kept = next((tmp_path / "runs" / "gates").iterdir())
    assert pasted == Gate.model_validate(tomllib.loads(kept.read_text())["gate"])
    assert pasted.name == CALIBRATED


def test_what_was_measured_is_part_of_the_json(cli: Command, tmp_path: Path) -> None:
    words = sets(f"runs={tmp_path / 'runs'}", "documents.limit=6")
    found = json.loads(cli("check", "demo", "--calibrate", "--json", *words).out)
    gate = Gate.model_validate(found["calibrated"]["calibration"]["gate"])
    assert gate == kept_gate(configured(tmp_path))
    assert set(found["calibrated"]["calibration"]["acceptance_now"]) == {CALIBRATED, *GATES}


def test_the_first_start_calibrates_says_so_and_freezes_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    with open_session(config, Reporter()) as session:
        calls, first = session.models.ledger.total.calls, session.config
    assert f"calibrated with {calls} calls on " in capsys.readouterr().err
    frozen = tomllib.loads((config.folder / "config.toml").read_text())["gate"]
    assert Gate.model_validate(frozen) == first.rule == kept_gate(config)
    assert frozen["name"] == CALIBRATED
    assert session.program.gate == first.rule


def test_a_second_start_uses_the_frozen_numbers_whatever_else_has_changed(tmp_path: Path) -> None:
    config = configured(tmp_path)
    first, _ = started(config)
    other = first.rule.model_copy(update={"gap_min": GATES["scientific"].weak_mean_max})
    gate_file(config).write_text(gate_table(other))
    assert started(config) == (first, 0)
    gate_file(config).unlink()
    assert started(config) == (first, 0)
    assert not gate_file(config).exists()


def test_a_run_uses_what_check_has_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    gate = Gate.model_validate(
        {
            "name": CALIBRATED,
            "weak_mean_max": {"limit": "0.41"},
            "strong_mean_min": {"limit": "0.52"},
            "gap_min": {"limit": "0.13"},
        }
    )
    gate_file(config).parent.mkdir(parents=True)
    gate_file(config).write_text(gate_table(gate))
    with open_session(config, Reporter()) as session:
        assert session.config.rule == gate
        assert session.models.ledger.total.calls == 0
    told = "gate: weak mean at most 0.41, strong mean at least 0.52, gap at least 0.13, as calib"
    assert told in capsys.readouterr().err


def test_check_and_the_first_run_come_to_the_same_numbers(tmp_path: Path) -> None:
    asked, own = configured(tmp_path / "check"), configured(tmp_path / "run")
    found = checked(asked)
    assert found.calibrated is not None
    assert found.calibrated.calibration.gate == started(own)[0].rule


def test_the_kept_configuration_repeats_the_run_without_calibrating(tmp_path: Path) -> None:
    config = configured(tmp_path)
    first, _ = started(config)
    again = load_config(str(config.folder / "config.toml"), [f"runs={tmp_path / 'elsewhere'}"])
    assert again.gate == first.gate
    assert started(again)[1] == 0
    assert ExperimentConfig.model_validate(tomllib.loads(first.to_toml())) == first


def test_runs_of_other_names_share_a_calibration_and_other_solvers_do_not(tmp_path: Path) -> None:
    config = configured(tmp_path)
    same = ("run=other", "seed=9", "loop.rounds=5", "models.weak.timeout=9", "documents.limit=7")
    assert {gate_file(configured(tmp_path, one)) for one in same} == {gate_file(config)}
    other = (PAIR_B[0], PAIR_B[1], "models.weak.temperature=0.5", "loop.weak_attempts=4")
    other += ("models.judge.extra={judge_error=0.1}", "documents.min_characters=9")
    assert len({gate_file(configured(tmp_path, one)) for one in (*other, "seed=9")}) == 7


def test_a_run_with_another_gate_is_refused_before_anything_is_paid(tmp_path: Path) -> None:
    started(configured(tmp_path, "gate=meta"))
    with pytest.raises(InputError, match="holds a run with another gate; choose another name"):
        started(configured(tmp_path))
    started(configured(tmp_path, "run=new"))
    with pytest.raises(InputError, match="another gate"):
        started(configured(tmp_path, "run=new", "gate=meta"))
    with pytest.raises(InputError, match="another seed"):
        started(configured(tmp_path, "run=new", "seed=9"))


def test_an_exported_program_has_the_numbers(tmp_path: Path) -> None:
    config = load_config("demo", [*SMALL, f"runs={tmp_path / 'runs'}", "gate=calibrated"])
    optimize(config, QUIET)
    gate = load_manifest(config.folder / "compiled").gate
    assert gate == kept_gate(config)
    assert gate.name == CALIBRATED


def test_another_pair_gets_few_tasks_from_the_papers_gate_and_more_from_its_own(
    tmp_path: Path,
) -> None:
    shares: dict[str, list[float]] = {"deployed": [], CALIBRATED: []}
    for seed, gate in itertools.product((7, 8, 9), shares):
        overrides = ("documents.limit=20", "loop.rounds=5", f"seed={seed}", *PAIR_B)
        config = configured(tmp_path / str(seed), *overrides, f"gate={gate}", f"run={gate}")
        with open_session(config, QUIET) as session:
            episodes = session.objective.episodes(
                Candidate.of(session.program), session.documents, "generate"
            )
        shares[gate].append(measured(episodes).acceptance or 0.0)
    assert fmean(shares["deployed"]) <= 0.35
    assert 0.45 <= fmean(shares[CALIBRATED]) <= 0.9


def test_the_numbers_are_not_there_before_a_run_has_begun(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no numbers yet; `autodata check CONFIG --calibrate"):
        _ = configured(tmp_path).rule


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("models.challenger.extra={faults={malformed=1.0}}", "mostly: failed quality check, chal"),
        ("models.weak.extra={faults={truncated=1.0}}", "mostly: failed quality check, untruncated"),
        ("models.judge.extra={faults={malformed=1.0}}", "mostly: judge: "),
    ],
)
def test_too_few_graded_tasks_are_one_line_with_reason_and_remedy(
    override: str, told: str, tmp_path: Path
) -> None:
    config = configured(tmp_path, override)
    with pytest.raises(NotCalibratedError) as caught:
        started(config)
    message = str(caught.value)
    assert "0 of 6 probed documents gave a task with graded answers, and a gate is made" in message
    assert told in message
    assert "probe more documents with `autodata check CONFIG --calibrate --documents N`" in message
    assert 'or name a gate of the paper, such as gate = "deployed"' in message
    assert "\n" not in message
    assert not (config.folder / "config.toml").exists()


def test_check_tells_that_no_gate_could_be_made_and_ends_with_1(
    cli: Command, tmp_path: Path
) -> None:
    words = sets(f"runs={tmp_path / 'runs'}", "documents.limit=6", "loop.rounds=1")
    faulty = sets("models.challenger.extra={faults={malformed=0.9}}", "seed=3")
    answer = cli("check", "demo", "--calibrate", *words, *faulty)
    told = [line for line in answer.out.splitlines() if line.startswith("no gate was calibrated: ")]
    assert (answer.code, len(told)) == (1, 1)
    assert " of 6 probed documents gave" in told[0]
    assert files(tmp_path) == []


def test_no_gate_is_calibrated_with_a_model_that_cannot_be_used(
    cli: Command, tmp_path: Path
) -> None:
    words = sets(f"runs={tmp_path / 'runs'}", "documents.limit=6")
    identical = sets("models.weak.extra={faults={identical=1.0}}")
    answer = cli("check", "demo", "--calibrate", *words, *identical)
    assert answer.code == 1
    assert "no gate was calibrated: mend the model of weak first" in answer.out
    assert files(tmp_path) == []


def test_an_outage_ends_the_probing(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "documents.limit=30",
        "models.weak.extra={faults={server_error=1.0}}",
        "models.weak.retries=0",
    )
    with pytest.raises(NotCalibratedError, match=r"^0 of 8 probed documents .* \(mostly: weak: "):
        started(config)


def test_too_few_documents_are_refused(cli: Command, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 documents: a calibrated gate needs 4 tasks"):
        started(configured(tmp_path, "documents.limit=3"))
    with pytest.raises(InputError, match="--documents 3: a gate is made of 4 tasks or more"):
        checked(configured(tmp_path), documents=3)
    answer = cli("check", "demo", "--documents", "6", *sets(f"runs={tmp_path / 'runs'}"))
    assert (answer.code, answer.out) == (2, "")
    assert "--documents 6: only counts with --calibrate; add it" in answer.err


@pytest.mark.parametrize("content", ["[gate", "", '[gate]\nname = "x"\ngap_mim = 1\n'])
def test_a_damaged_file_is_one_line_with_the_remedy(content: str, tmp_path: Path) -> None:
    config = configured(tmp_path)
    gate_file(config).parent.mkdir(parents=True)
    gate_file(config).write_text(content)
    with pytest.raises(InputError, match=r"\.toml: damaged \(.*\); remove it, or calibrate") as one:
        started(config)
    assert "\n" not in str(one.value)


def test_damaged_frozen_numbers_are_one_line_with_the_remedy(tmp_path: Path) -> None:
    config = configured(tmp_path)
    started(config)
    file = config.folder / "config.toml"
    file.write_text(file.read_text().replace("gap_min", "gap_mim"))
    with pytest.raises(InputError, match=r"config\.toml: damaged \(.*\); remove the folder"):
        started(config)


def test_a_table_that_is_written_is_the_one_that_is_read() -> None:
    bounds = {"weak_mean_max": "1/3", "strong_mean_min": "0.6", "gap_min": "5%"}
    rules = {rule: {"limit": exact(limit)} for rule, limit in bounds.items()}
    gate = Gate.model_validate({"name": "own", **rules})
    assert Gate.model_validate(tomllib.loads(gate_table(gate))["gate"]) == gate
    assert 'limit = "0.60"' in gate_table(gate)


def test_what_stands_in_a_comment_cannot_break_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "evil\x7f\n[gate]"
    folder.mkdir()
    for number in range(6):
        text = f"What {number} does to the yield of the reactor was measured twice. " * 10
        (folder / f"{number}.md").write_text(text)
    config = configured(tmp_path, f"documents.path={json.dumps(str(folder))}")
    assert started(config)[0].rule == kept_gate(config)
