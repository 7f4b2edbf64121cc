"""The held-out solvers: they try what was accepted, once, and no outage becomes a zero."""

import json
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from autodata.experiments import runner
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.heldout import held_out, held_out_cost
from autodata.experiments.limits import Limits
from autodata.experiments.progress import Reporter
from autodata.experiments.report import findings
from autodata.experiments.runner import optimize
from autodata.experiments.session import Session, open_session
from autodata.optimizers import Candidate, Choice, choose
from autodata.programs import Episode, ModelConfig, Program, Round
from autodata.programs.budget import Amount, BudgetError
from autodata.programs.meter import Meter
from autodata.programs.records import AnyTask
from tests.experiments.conftest import OPEN_GATE, SMALL

PAIR = {
    "heldout_weak": ModelConfig(model="simulation/weak-b"),
    "heldout_strong": ModelConfig(model="simulation/strong-b"),
}
DOWN = {
    **PAIR,
    "heldout_weak": PAIR["heldout_weak"].model_copy(
        update={"extra": {"faults": {"server_error": 1.0}}, "retries": 0}
    ),
}


def config(runs: Path, pair: dict[str, ModelConfig] = PAIR, *more: str) -> ExperimentConfig:
    plain = load_config("demo", [*SMALL, OPEN_GATE, f"runs={runs}", *more])
    return plain.model_copy(update={"models": {**plain.models, **pair}})


def opened(config: ExperimentConfig) -> AbstractContextManager[Session]:
    return open_session(config, Reporter(quiet=True))


def on_test(session: Session, sample: str = "test-1") -> list[list[Episode]]:
    """Return one repeat of the baseline on the test documents."""
    own = Candidate.of(session.program)
    return [session.objective.episodes(own, session.split().test, sample)]


def kept(session: Session) -> dict[str, Episode]:
    """Return the held-out measurements in the journal."""
    lines = [json.loads(line) for line in session.journal.path.read_text().splitlines()]
    return {
        one["key"]: Episode.model_validate(one["episode"])
        for one in lines
        if one["key"].startswith("heldout/")
    }


def test_without_held_out_models_nothing_is_asked(tmp_path: Path) -> None:
    with opened(config(tmp_path, {})) as session:
        repeats = on_test(session)
        before = session.models.ledger.total
        assert held_out(session, repeats, repeats) is None
        assert session.models.ledger.total == before
        assert held_out_cost(session, repeats[0]) == Amount()


def test_both_try_every_accepted_task_and_the_run_s_judge_grades_them(tmp_path: Path) -> None:
    with opened(config(tmp_path)) as session:
        before, after = on_test(session), on_test(session, "test-2")
        asked = session.models.ledger.roles
        found = held_out(session, before, after)
        assert found is not None
        accepted = [one for one in (*before[0], *after[0]) if one.accepted is not None]
        assert len(accepted) == found.baseline.tasks + found.winner.tasks > 3
        roles, settings = session.models.ledger.roles, session.config.settings
        assert roles["heldout_weak"].calls == len(accepted) * settings.weak_attempts
        assert roles["heldout_strong"].calls == len(accepted) * settings.strong_attempts
        grading = roles["judge"].calls - asked["judge"].calls
        assert grading == roles["heldout_weak"].calls + roles["heldout_strong"].calls
        assert {name: roles[name] for name in ("weak", "strong")} == {
            name: asked[name] for name in ("weak", "strong")
        }
        assert found.calls == 2 * grading
        assert found.tokens > 0


def test_what_is_kept_for_the_held_out_solvers_is_by_their_own_prices(tmp_path: Path) -> None:
    def priced(price: int) -> dict[str, ModelConfig]:
        update = {"input_price": price, "output_price": price}
        return {role: model.model_copy(update=update) for role, model in PAIR.items()}

    with opened(config(tmp_path, priced(2))) as session:
        repeats = on_test(session)
        cost = held_out_cost(session, repeats[0])
        found = held_out(session, repeats, repeats)
        assert found is not None
        settings, tested = session.config.settings, len(repeats[0])
        # Baseline and winner, each attempt and its grading, wherever a task is accepted.
        assert cost.calls == 2 * tested * 2 * (settings.weak_attempts + settings.strong_attempts)
        assert found.calls == cost.calls * found.winner.tasks / (2 * tested)
        assert found.tokens < cost.tokens
        roles = session.models.ledger.roles
        paid = Decimal(2 * sum(roles[role].tokens for role in PAIR)).scaleb(-6)
        share = Decimal(found.winner.tasks) / (2 * tested)
        assert float(cost.usd * share) == pytest.approx(float(paid), rel=0.15)
    dear = config(tmp_path, priced(20))
    with opened(dear) as session:
        assert held_out_cost(session, on_test(session)[0]).usd == 10 * cost.usd


def test_a_budget_keeps_what_dear_held_out_solvers_cost_and_is_not_overshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = config(tmp_path, {}, "search.trials=60", "search.finalists=1")
    models = {
        role: model.model_copy(update={"input_price": 4, "output_price": 4})
        for role, model in plain.models.items()
    }
    models |= {
        role: model.model_copy(update={"input_price": 100, "output_price": 100})
        for role, model in PAIR.items()
    }
    dear = plain.model_copy(update={"models": models, "budget": "4.5usd"})
    before = list[Decimal]()

    def paid() -> Decimal:
        return Meter(tally=dear.folder / "spent.log").spent.usd

    def choosing(*given: Any, **named: Any) -> Choice:
        before.append(paid())
        return choose(*given, **named)

    monkeypatch.setattr(runner, "choose", choosing)
    result = optimize(dear, Reporter(quiet=True))
    assert result.heldout is not None and result.heldout.winner.unmeasured == 0
    assert json.loads((dear.folder / "plan.json").read_text())["struck"]
    reserve = Limits.model_validate_json((dear.folder / "limits.json").read_text()).kept.usd
    limit, follows = Decimal("4.5"), paid() - before[0]
    assert before[0] >= limit - reserve  # The search had all that was not kept.
    assert follows <= reserve
    assert paid() <= limit
    # Most of it is theirs: counted as episodes of the run's own, it would not have been kept.
    assert follows / 2 < heldout_usd(dear) < follows


def heldout_usd(config: ExperimentConfig) -> Decimal:
    """Return what the held-out solvers were paid, by the journal."""
    with (config.folder / "journal.jsonl").open() as file:
        lines = [json.loads(line) for line in file]
    found = [Episode.model_validate(one["episode"]) for one in lines if "heldout/" in one["key"]]
    tokens = sum(one.roles[role].tokens for one in found for role in PAIR)
    return 100 * Decimal(tokens).scaleb(-6)


def test_the_gap_is_that_of_the_held_out_grades_and_0_without_a_task(tmp_path: Path) -> None:
    with opened(config(tmp_path)) as session:
        (episodes,) = on_test(session)
        without = episodes[0].model_copy(update={"rounds": (), "stopped": "rounds"})
        found = held_out(session, [episodes], [[without, *episodes[1:]]])
        assert found is not None
        gaps = {
            one.document_id: float(gap)
            for one in kept(session).values()
            if (gap := one.rounds[0].gap) is not None
        }
        values = [gaps.get(one.document_id, 0.0) for one in episodes]
        assert found.baseline.gap == pytest.approx(fmean(values))
        less = [0.0, *values[1:]]
        assert found.winner.gap == pytest.approx(fmean(less))
        assert found.difference.gap == pytest.approx(fmean(less) - fmean(values))
        first = next(iter(kept(session).values())).rounds[0]
        assert (len(first.weak), len(first.strong)) == (3, 3)
        weak = [g for one in kept(session).values() for g in one.rounds[0].grades("weak")]
        assert found.baseline.weak == pytest.approx(fmean(map(float, weak)))


def test_a_second_start_pays_for_nothing_and_finds_the_same(tmp_path: Path) -> None:
    with opened(config(tmp_path)) as session:
        first = held_out(session, on_test(session), on_test(session, "test-2"))
    with opened(config(tmp_path)) as session:
        repeats = on_test(session), on_test(session, "test-2")
        assert held_out(session, *repeats) == first
        assert session.models.ledger.total.calls == 0


def test_a_task_that_both_programs_have_is_tried_once(tmp_path: Path) -> None:
    with opened(config(tmp_path)) as session:
        repeats = on_test(session)
        found = held_out(session, repeats, repeats)
        assert found is not None
        assert found.baseline == found.winner
        assert (found.difference.gap, found.difference.low, found.difference.high) == (0, 0, 0)
        assert len(kept(session)) == found.winner.tasks


def test_an_outage_is_counted_kept_out_of_averages_and_tried_again(tmp_path: Path) -> None:
    with opened(config(tmp_path, DOWN)) as session:
        repeats = on_test(session)
        found = held_out(session, repeats, repeats)
        assert found is not None
        assert found.winner.unmeasured == found.winner.tasks > 0
        assert (found.winner.weak, found.winner.strong) == (None, None)
        tasks = [one for one in repeats[0] if one.accepted is not None]
        rest = None if len(tasks) == len(repeats[0]) else 0
        assert found.winner.gap == rest
        assert kept(session) == {}


def test_a_used_up_budget_ends_it_and_loses_nothing_that_is_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seen = Program.attempted, list[AnyTask]()

    async def attempted(program: Program, task: AnyTask) -> Round:
        seen.append(task)
        if len(seen) == 2:
            raise BudgetError("used up")
        return await whole(program, task)

    with opened(config(tmp_path)) as session:
        repeats = on_test(session)
        monkeypatch.setattr(Program, "attempted", attempted)
        with pytest.raises(BudgetError, match="used up"):
            held_out(session, repeats, repeats)
        assert len(kept(session)) == len(seen) - 1 > 0


def test_a_run_with_held_out_solvers_reports_their_finding(tmp_path: Path) -> None:
    models = [f'models.{role}.model="{model.model}"' for role, model in PAIR.items()]
    settings = load_config("demo", [*SMALL, OPEN_GATE, f"runs={tmp_path}", *models])
    result = optimize(settings, Reporter(quiet=True))
    assert result.heldout is not None
    assert result.heldout.winner.tasks > 0
    assert result.calls > result.heldout.calls > 0
    assert any("Held-out solvers" in line for line in findings(result))
    assert "Held-out solvers" in (settings.folder / "report" / "report.md").read_text()
    assert optimize(settings, Reporter(quiet=True)).heldout == result.heldout
