"""Check: what stands in the way of a run is said before it begins, and nothing is left behind."""

import json
import time
from pathlib import Path

import pytest

from autodata.experiments.check import Checked, check
from autodata.experiments.config import load_config
from autodata.experiments.errors import InputError
from autodata.experiments.progress import Reporter
from autodata.experiments.show import show_check
from autodata.programs import PROPOSER, ROLES
from tests.experiments.conftest import Command, sets

DEAD = 'models.weak={model="qwen", api_base="http://127.0.0.1:9/v1", retries=0}'
IDENTICAL = "models.weak.extra={faults={identical=1.0}}"


def checked(tmp_path: Path, *overrides: str) -> Checked:
    config = load_config("demo", [f"runs={tmp_path / 'runs'}", "loop.rounds=2", *overrides])
    return check(config, Reporter(quiet=True))


def problems(found: Checked) -> dict[str, str]:
    return {model.role: model.problem for model in found.models if model.problem}


def test_the_demonstration_is_fine(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert found.fine
    assert (found.run, found.documents) == ("demo", 36)
    assert {model.role for model in found.models} == {*ROLES, PROPOSER}
    assert all(model.reachable for model in found.models)
    assert {m.role for m in found.models if m.independent} == {"weak", "strong"}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    checked(tmp_path)
    with pytest.raises(InputError):
        checked(tmp_path, "models.weak.model=simulation/nobody")
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_no_answer_of_an_earlier_check_hides_a_model_that_has_gone(tmp_path: Path) -> None:
    assert checked(tmp_path).fine
    found = checked(
        tmp_path, "models.weak.extra={faults={server_error=1.0}}", "models.weak.retries=0"
    )
    assert set(problems(found)) == {"weak"}


def test_a_solver_that_repeats_itself_is_reported(tmp_path: Path) -> None:
    found = checked(tmp_path, IDENTICAL)
    assert not found.fine
    assert set(problems(found)) == {"weak"}
    assert "three attempts were identical; raise temperature" in problems(found)["weak"]
    assert found.estimate is None
    assert "identical" in found.round


def test_a_dead_server_is_reported_with_the_remedy_within_seconds(
    cli: Command, tmp_path: Path
) -> None:
    started = time.monotonic()
    answer = cli("check", "demo", *sets(DEAD, f"runs={tmp_path / 'runs'}"))
    assert time.monotonic() - started < 30
    assert answer.code == 1
    told = next(line for line in answer.out.splitlines() if line.startswith("weak: "))
    assert "[qwen]" in told
    assert "is the server at http://127.0.0.1:9/v1 running, and does it serve 'qwen'?" in told


def test_what_was_found_is_one_json_object(cli: Command, tmp_path: Path) -> None:
    answer = cli("check", "demo", "--json", *sets(IDENTICAL, f"runs={tmp_path / 'runs'}"))
    found = json.loads(answer.out)
    assert (answer.code, found["fine"], found["estimate"]) == (1, False, None)
    weak = next(model for model in found["models"] if model["role"] == "weak")
    assert weak["independent"] is False


def test_the_estimate_is_one_round_scaled_up_to_the_whole_run(tmp_path: Path) -> None:
    overrides = ("documents.limit=10", "train=0.2", "validation=0.4", "test_repeats=2")
    overrides += ("loop.weak_attempts=2", "loop.strong_attempts=3")
    overrides += ("search.trials=5", "search.generation=3", "search.lessons=1")
    found = checked(tmp_path, *overrides, "search.finalists=1")
    assert found.estimate is not None
    # 2 train in the first of 2 generations and 1 in the other, (5 trials + 1 finalist + the
    # baseline) times 4 validation, twice 2 repeats of 4 test documents.
    assert found.estimate.episodes == 2 + 1 + 7 * 4 + 2 * 2 * 4
    low, high = found.estimate.calls
    # Three roles speak once, and each attempt of both solvers is answered and judged.
    assert low == found.estimate.episodes * (3 + 2 * (2 + 3))
    assert high == 2 * low
    assert found.estimate.tokens[1] == 2 * found.estimate.tokens[0]
    assert found.estimate.cost is None


def test_the_cost_follows_the_prices(tmp_path: Path) -> None:
    one = checked(tmp_path, "models.default={input_price=1.0, output_price=1.0}").estimate
    assert one is not None
    assert one.cost == pytest.approx([tokens / 1e6 for tokens in one.tokens])
    other = checked(tmp_path, "models.default={input_price=0.0, output_price=3.0}").estimate
    assert other is not None
    assert other.cost is not None
    assert 0 < other.cost[0] < 3 * one.tokens[0] / 1e6


def test_the_cost_is_unknown_if_one_price_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = [f"models.{role}.input_price=1" for role in ROLES]
    prices += [f"models.{role}.output_price=1" for role in ROLES if role != "judge"]
    found = checked(tmp_path, *prices)
    assert found.estimate is not None
    assert found.estimate.cost is None
    show_check(found)
    assert "cost unknown (give input_price and output_price)" in capsys.readouterr().out


def test_the_structured_output_of_a_server_is_found_out(tmp_path: Path) -> None:
    from server import Server

    with Server() as server:
        weak = f'models.weak={{model="weak", api_base="{server.url}", retries=0}}'
        found = checked(tmp_path, weak)
        asked = [one.body.get("response_format", {}) for one in server.requests]
    forms = {model.role: model.structured for model in found.models}
    assert forms.pop("weak") in ("json_schema", "json_object", "none")
    assert set(forms.values()) == {None}
    assert "json_schema" in {form.get("type") for form in asked}


def test_documents_that_cannot_be_read_are_refused_first(cli: Command, tmp_path: Path) -> None:
    answer = cli("check", "demo", *sets(f"documents.path={tmp_path / 'none'}"))
    assert answer.code == 2
    assert "no such file or folder" in answer.err
