"""A budget divided: the search gets what the finalists and the test leave, and ends in time."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

from autodata.experiments import runner
from autodata.experiments.afford import (
    MOST,
    affordable_trials,
    check_affordable,
    episode_cost,
    remaining,
)
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.documents import load
from autodata.experiments.errors import InputError
from autodata.experiments.journal import Journal
from autodata.experiments.limits import Limits, announce, follow
from autodata.experiments.plan import Plan, make_plan
from autodata.experiments.progress import Reporter
from autodata.experiments.session import Session
from autodata.experiments.worker import work
from autodata.optimizers import (
    Candidate,
    Choice,
    Knobs,
    Objective,
    SearchOptions,
    Setup,
    Trial,
    choose,
    find_method,
    fresh_episodes,
)
from autodata.optimizers.joint.storage import open_storage
from autodata.optimizers.joint.worker import Worker
from autodata.optimizers.objective import Part
from autodata.programs import (
    PROPOSER,
    Autodata,
    Episode,
    LanguageModels,
    ModelConfig,
    Usage,
)
from autodata.programs.budget import Amount, Budget, BudgetError
from autodata.programs.meter import Meter

SMALL = (
    "documents.limit=9",
    "loop.rounds=2",
    "test_repeats=1",
    "train=0.3",
    "validation=0.35",
    "search.finalists=1",
)


@contextmanager
def opened(
    folder: Path,
    budget: str | None,
    *more: str,
    lines: list[str] | None = None,
) -> Iterator[Session]:
    """Open a small session on simulated models, under a budget, with a method that needs a plan."""
    config = load_config("demo", [*SMALL, "method=random", f"runs={folder}", *more])
    if not any(one.startswith("search.trials") for one in more):
        config = config.model_copy(update={"search": SearchOptions(finalists=1)})
    meter = Meter(Budget.parse(budget) if budget else None, config.folder / "spent.log")
    models = LanguageModels(config.models, folder / "cache", meter)
    reporter = Reporter(quiet=True)
    if lines is not None:
        reporter.line = lambda text: lines.append(text)
    with Journal(config.folder) as journal, closing(models):
        program = Autodata(models.roles, config.task_domain, config.rule, config.settings)
        objective = Objective(program, seed=config.seed, store=journal)
        documents = load(config.documents, seed=config.seed).accepted
        yield Session(config, documents, models, journal, program, objective, reporter)


def candidates(session: Session, count: int) -> list[Candidate]:
    own = Candidate.of(session.program)
    hotter = [own.model_copy(update={"knobs": Knobs(temperature=i / 100)}) for i in range(1, count)]
    return [own, *hotter]


def search(session: Session, plan: Plan) -> list[Trial]:
    """Search like a method: measure as many candidates as the plan says, the baseline first."""
    validation = session.split().validation

    def method(watch: Callable[[Trial], None]) -> list[Trial]:
        trials: list[Trial] = []
        for number, one in enumerate(candidates(session, plan.search.trials)):
            episodes = session.objective.episodes(one, validation, "validation")
            trials.append(Trial.ended(number, "sampler", one, {}, episodes))
            watch(trials[-1])
        return trials

    return plan.searched(method, lambda trial: None)


def finish(session: Session, trials: list[Trial]) -> Trial:
    """Do what follows a search."""
    splits, found = session.split(), session.config
    winner = choose(trials, session.objective, splits.validation, finalists=found.search.finalists)
    for one in (trials[0].candidate, winner.winner.candidate):
        session.objective.episodes(one, splits.test, "test-1")
    return winner.winner


def whole(folder: Path, budget: str, lines: list[str] | None = None) -> tuple[int, Trial, Amount]:
    with opened(folder, budget, lines=lines) as session:
        trials = search(session, make_plan(session))
        return len(trials), finish(session, trials), session.models.meter.spent


def written(folder: Path) -> dict[str, object]:
    return json.loads((folder / "demo" / "plan.json").read_text())


def test_a_search_ends_in_time_for_the_finalists_and_the_test(tmp_path: Path) -> None:
    lines: list[str] = []
    trials, _, spent = whole(tmp_path, "600calls", lines)
    assert trials >= 2
    assert 300 < spent.calls <= 600
    assert written(tmp_path)["ended"] == list(range(trials))
    assert lines[1].startswith("budget 600calls: ")
    assert len(lines) == (3 if written(tmp_path)["struck"] else 2)


@pytest.mark.parametrize("budget", ["600calls", "800ktok"])
def test_a_larger_budget_buys_more_trials(tmp_path: Path, budget: str) -> None:
    found = Budget.parse(budget)
    double = Budget({unit: 2 * limit for unit, limit in found.limits.items()})
    few, _, _ = whole(tmp_path / "few", str(found))
    many, _, _ = whole(tmp_path / "many", str(double))
    assert few < many


def test_a_budget_for_few_trials_has_fewer_of_them_side_by_side(tmp_path: Path) -> None:
    found: list[int] = []
    for calls in (500, 900, 100_000):
        with opened(tmp_path / str(calls), f"{calls}calls", "method=optuna") as session:
            plan = make_plan(session)
            assert written(tmp_path / str(calls))["parallel"] == plan.search.parallel
            found.append(plan.search.parallel)
    assert found == [1, 2, SearchOptions().parallel]


def test_without_a_budget_nothing_is_planned_and_nothing_measured(tmp_path: Path) -> None:
    with opened(tmp_path, None, "search.trials=2") as session:
        plan = make_plan(session)
        assert plan.search == session.config.search
        assert session.models.meter.spent.calls == 0
        assert not (tmp_path / "demo" / "plan.json").exists()
        assert len(search(session, plan)) == session.config.search.trials == 2
    ended = {"budget": None, "trials": 2, "parallel": 4, "ended": [0, 1], "struck": False}
    assert written(tmp_path) == ended


@pytest.mark.parametrize("method", ["optuna", "evolution"])
def test_a_method_that_needs_no_plan_goes_on_until_the_budget_ends_it(
    tmp_path: Path, method: str
) -> None:
    with opened(tmp_path, "600calls", f"method={method}") as session:
        assert make_plan(session).search.trials == MOST


def test_trials_that_were_asked_for_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, "5000calls", "search.trials=3") as session:
        plan = make_plan(session)
        assert plan.search.trials == 3
        assert len(search(session, plan)) == 3
    assert written(tmp_path)["struck"] is False


def test_the_baseline_is_measured_once_for_plan_and_search(tmp_path: Path) -> None:
    with opened(tmp_path, "5000calls", "search.trials=1") as session:
        plan = make_plan(session)
        before = session.models.meter.spent.calls
        search(session, plan)
        assert session.models.meter.spent.calls == before > 0


def test_a_plan_survives_a_restart_and_a_changed_budget_makes_a_new_one(tmp_path: Path) -> None:
    planned: list[int] = []
    for budget in ("600calls", "600calls", "1200calls"):
        with opened(tmp_path, budget) as session:
            planned.append(make_plan(session).search.trials)
            # Spent by somebody else: a new plan would be a smaller one.
            session.models.meter.count(1, 1, Decimal(0))
    assert planned[0] == planned[1] < planned[2]


def struck(folder: Path) -> int:
    """Run a search that the budget ends, of more trials than it can pay for."""
    with opened(folder, "500calls", "search.trials=150") as session:
        return len(search(session, make_plan(session)))


@pytest.mark.parametrize("budget", ["500calls", "5000calls", None])
def test_a_search_that_the_budget_ended_ends_there_again(
    tmp_path: Path, budget: str | None
) -> None:
    count, lines = struck(tmp_path), list[str]()
    assert 2 <= count < 150
    with opened(tmp_path, budget, "search.trials=150", lines=lines) as session:
        before = session.models.meter.spent.calls
        trials = search(session, make_plan(session))
        assert [trial.number for trial in trials] == list(range(count))
        assert session.models.meter.spent.calls == before
        finish(session, trials)
    assert f"ends the search after {count} trials (as it did before)" in lines[-1]


@pytest.mark.parametrize("budget", ["600calls", None])
def test_a_search_that_was_interrupted_keeps_its_trials_with_or_without_the_budget(
    tmp_path: Path, budget: str | None
) -> None:
    with opened(tmp_path, "600calls", "method=optuna") as session:
        make_plan(session)
    with opened(tmp_path, budget, "method=optuna") as session:
        assert make_plan(session).search.trials == MOST


def test_a_search_that_ended_in_time_ends_after_the_same_trials_without_the_budget(
    tmp_path: Path,
) -> None:
    more = ("search.trials=3",)
    with opened(tmp_path, "5000calls", *more) as session:
        ended = search(session, make_plan(session))
    with opened(tmp_path, None, *more) as session:
        again = search(session, make_plan(session))
        assert [one.candidate for one in again] == [one.candidate for one in ended]
    assert written(tmp_path)["struck"] is False


def test_a_search_that_ended_without_a_budget_stays_ended_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def configured(runs: Path) -> ExperimentConfig:
        config = load_config("demo", [*SMALL, f"runs={runs}"])
        options = SearchOptions(trials=3, finalists=1, prune=False)
        # As if nobody had set it: then a budget plans as many as it pays for.
        options.model_fields_set.discard("trials")
        return config.model_copy(update={"search": options})

    def found(config: ExperimentConfig) -> dict[str, Any]:
        result = runner.optimize(config, Reporter(quiet=True))
        return result.model_dump(exclude={"seconds", "compiled", "mlflow"})

    undisturbed, config = found(configured(tmp_path / "whole")), configured(tmp_path / "cut")
    with monkeypatch.context() as patched:
        patched.setattr(runner, "choose", interrupted)
        with pytest.raises(KeyboardInterrupt):
            found(config)
    assert written(tmp_path / "cut")["ended"] == [0, 1, 2]
    again = found(config.model_copy(update={"budget": "3000calls"}))
    assert again["trials"]["complete"] == 3
    assert again == undisturbed


def interrupted(*given: object, **named: object) -> Choice:
    """Be interrupted before the finalists and the test documents."""
    raise KeyboardInterrupt


def test_a_search_that_had_all_its_trials_is_not_cut_short_by_a_later_budget(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, None, "search.trials=3") as session:
        search(session, make_plan(session))
        lost = session.journal.path
    # As if an outage had hit the later trials: they are measured again.
    kept = [line for line in lost.read_text().splitlines() if "validation" in line]
    lost.write_text("".join(f"{line}\n" for line in kept[:3]))
    shutil.rmtree(tmp_path / "cache")
    before = written(tmp_path)
    spent = len((tmp_path / "demo" / "spent.log").read_text().splitlines())
    with (
        opened(tmp_path, f"{spent + 20}calls", "search.trials=3") as session,
        pytest.raises(BudgetError, match="raise it with --budget"),
    ):
        search(session, make_plan(session))
    assert written(tmp_path) == before


def test_what_a_method_had_learned_when_its_budget_ended_is_kept_with_the_run(
    tmp_path: Path,
) -> None:
    more = ("method=simba", "search.trials=12", f"runs={tmp_path}")
    config = load_config("demo", [*SMALL, *more, "budget=700calls"])
    result = runner.optimize(config, Reporter(quiet=True))
    listed = MlflowClient(result.mlflow.tracking_uri).list_artifacts(result.mlflow.run_id)
    files = {file.path for file in listed}
    assert {"learned.json", "plan.json"} <= files
    assert "limits.json" not in files


def helping(session: Session, folder: Path, count: int) -> int:
    """Measure so many slots of a session's search like another process."""
    with Journal(folder / "workers" / "helper") as journal:
        objective = Objective(session.objective.program, seed=session.config.seed, store=journal)
        left = iter(range(count))
        return Worker(
            open_storage(None, folder),
            session.config.run,
            objective,
            session.split().validation,
            owner="helper",
            orphaned=lambda: next(left, None) is None,
        ).work()


def shared(
    session: Session, plan: Plan, others: Callable[[], object] = lambda: None
) -> list[Trial]:
    """Search jointly; when trial 1 is about to be measured, others do something first."""
    measure, own = session.objective.together, Candidate.of(session.program)
    deeds = iter([others])

    def together(parts: Sequence[Part], sample: str) -> Iterator[tuple[int, list[Episode]]]:
        if sample == "validation" and parts[0][0] != own:
            next(deeds, lambda: None)()
        return measure(parts, sample)

    session.objective.together = together
    return plan.searched(lambda told: optuna(session, told, plan.search), lambda trial: None)


def test_what_workers_have_ended_counts_though_the_budget_ends_a_trial_before_it(
    tmp_path: Path,
) -> None:
    more = ("method=optuna", "search.trials=6", "search.prune=false", "search.parallel=1")
    with opened(tmp_path, "5000calls", *more) as session:

        def deeds() -> None:
            assert helping(session, session.config.folder, 2) == 2
            session.models.meter.end("the budget is used up")

        trials = shared(session, make_plan(session), deeds)
        assert [trial.number for trial in trials] == [0, 2, 3]
    assert written(tmp_path)["ended"] == [0, 2, 3]
    for budget in ("9000calls", None):
        with opened(tmp_path, budget, *more) as session:
            before = session.models.meter.spent.calls
            again = shared(session, make_plan(session))
            assert [(one.number, one.candidate, one.value) for one in again] == [
                (one.number, one.candidate, one.value) for one in trials
            ]
            assert session.models.meter.spent.calls == before
            finish(session, again)


@pytest.mark.parametrize("own", ["", "9999calls"])
def test_a_worker_that_joins_spends_what_is_left_for_the_search_and_then_ends(
    tmp_path: Path, own: str
) -> None:
    more = ("method=optuna", "search.trials=30", "search.generation=30")
    with opened(tmp_path, "800calls", *more) as session:
        config, meter = session.config, session.models.meter
        config = config.model_copy(update={"budget": own or None})
        plan, spent = make_plan(session), list[Decimal]()
        kept = Limits.model_validate_json((config.folder / "limits.json").read_text()).kept.calls

        def deeds() -> None:
            spent.append(meter.spent.calls)
            turns = iter(range(32))  # More than there are trials.
            measured = work(
                config, Reporter(quiet=True), orphaned=lambda: next(turns, None) is None
            )
            assert measured > 0
            spent.append(meter.spent.calls)

        trials = shared(session, plan, deeds)
        assert spent[0] < spent[1]
        assert 0 <= spent[1] - (800 - kept) < 1  # The limit may be half a call.
        assert 1 not in [trial.number for trial in trials]
        finish(session, trials)
        assert meter.spent.calls <= 800


async def spend(meter: Meter) -> None:
    async with meter.arequest():
        meter.count(1, 1, Decimal(0))


def test_a_worker_keeps_back_what_its_leader_does_and_counts_its_time(tmp_path: Path) -> None:
    now = 0.0
    leader = Meter(Budget.parse("10calls, 60s"), tmp_path / "spent.log", clock=lambda: now)
    worker = Meter(None, tmp_path / "spent.log", clock=lambda: now)
    now = 40.0
    announce(tmp_path, leader, Amount(calls=Decimal(7)))
    leader.release()
    follow(tmp_path, worker)
    assert 40 <= worker.spent.seconds < 50
    for _ in range(3):
        asyncio.run(spend(worker))
    with pytest.raises(BudgetError, match="3 of 10 calls, the rest is kept"):
        asyncio.run(spend(worker))
    asyncio.run(spend(leader))
    announce(tmp_path, Meter(None, tmp_path / "spent.log"), Amount())
    follow(tmp_path, worker)
    asyncio.run(spend(worker))


def test_a_budget_that_ends_the_test_is_raised_and_the_run_goes_on_from_there(
    tmp_path: Path,
) -> None:
    count, undisturbed, spent = whole(tmp_path / "whole", "600calls")
    cut = tmp_path / "cut"
    with opened(cut, "600calls") as session:
        trials = search(session, make_plan(session))
        assert len(trials) == count
        session.models.meter.hold(Amount(calls=600 - session.models.meter.spent.calls - 30))
        with pytest.raises(BudgetError, match="raise it with --budget"):
            finish(session, trials)
    with opened(cut, "3000calls") as session:
        trials = search(session, make_plan(session))
        assert len(trials) == count
        assert finish(session, trials).candidate == undisturbed.candidate
        assert session.models.meter.spent.calls == spent.calls


def test_a_budget_too_small_names_one_that_does(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "150calls") as session,
        pytest.raises(BudgetError, match=r"too small.*at least --budget") as caught,
    ):
        make_plan(session)
    least = str(caught.value).partition("--budget ")[2].split()[0]
    with opened(tmp_path, least) as session:
        trials = search(session, make_plan(session))
        assert len(trials) >= 2
        finish(session, trials)


def test_a_budget_that_ends_before_the_baseline_is_measured_is_an_error(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "3calls") as session,
        pytest.raises(BudgetError, match="3 of 3 calls; raise it with --budget"),
    ):
        make_plan(session)


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "plan.json").write_text('{"budget": 7}')
    with (
        opened(tmp_path, "600calls") as session,
        pytest.raises(InputError, match=r"plan\.json: damaged .* remove it"),
    ):
        make_plan(session)


def optuna(
    session: Session,
    watch: Callable[[Trial], None] = lambda trial: None,
    options: SearchOptions | None = None,
) -> list[Trial]:
    """Search with the method that people get if they name none, without a plan if none is given."""
    options, folder = options or session.config.search, session.config.folder
    method = find_method("optuna", Setup(options, session.models[PROPOSER], seed=7, folder=folder))
    splits = session.split()
    return method.search(session.objective, splits.train, splits.validation, watch)


def test_a_real_search_cut_short_at_any_point_goes_on_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    def found(trials: list[Trial]) -> list[tuple[str, float | None]]:
        return [(trial.candidate.id, trial.value) for trial in trials]

    more = ("search.trials=3", "search.generation=3", "search.instructions=2")
    with opened(tmp_path / "whole", None, *more) as session:
        undisturbed = found(optuna(session))
        calls = int(session.models.meter.spent.calls)
    # The baseline, its episodes on train documents, the proposer, trials, the second generation.
    for limit in range(20, calls, calls // 9):
        with opened(tmp_path / "cut", f"{limit}calls", *more) as session:
            with pytest.raises(BudgetError):
                optuna(session)
            assert session.models.meter.spent.calls == limit
    with opened(tmp_path / "cut", None, *more) as session:
        assert found(optuna(session)) == undisturbed
        assert session.models.meter.spent.calls == calls


# Arithmetic


def episode(calls: int, tokens: int, seconds: float, *, outage: bool = False) -> Episode:
    usage = Usage(calls=calls, input_tokens=tokens, output_tokens=tokens)
    failure = {"role": "weak", "kind": "infrastructure", "message": "down"} if outage else None
    return Episode.model_validate(
        {
            "document_id": "d",
            "rounds": (),
            "stopped": "failure" if outage else "rounds",
            "usage": usage,
            "roles": {"weak": usage},
            "seconds": seconds,
            "failure": failure,
        }
    )


def test_an_episode_costs_the_average_and_shares_the_time() -> None:
    models = {"weak": ModelConfig(model="m", input_price=1, output_price=3)}
    found = [episode(10, 1000, 8), episode(20, 3000, 4), episode(1, 1, 99, outage=True)]
    cost = episode_cost(models, found, together=16)
    assert cost == Amount(Decimal(15), Decimal(4000), Decimal("0.008"), Decimal(3))
    assert episode_cost(models, found[:1], together=16).seconds == 8
    assert episode_cost(models, found[2:], together=16) == Amount()


amounts = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-2))


@given(amounts, amounts)
def test_trials_are_what_the_rest_pays_for(per_trial: Decimal, left: Decimal) -> None:
    found = affordable_trials(Amount(calls=per_trial), {"calls": left})
    assert 2 <= found <= 500
    if 2 < found < 500:
        assert (found - 1) * per_trial <= left < found * per_trial


def test_the_scarcest_unit_decides_and_what_costs_nothing_limits_nothing() -> None:
    cost = Amount(calls=Decimal(10), usd=Decimal("0.5"))
    assert affordable_trials(cost, {"calls": Decimal(95), "usd": Decimal(3)}) == 7
    assert affordable_trials(cost, {"calls": Decimal(-5), "usd": Decimal(3)}) == 2
    assert affordable_trials(cost, {"seconds": Decimal(5)}) == 500


@given(amounts, amounts, amounts, amounts)
def test_the_smallest_budget_that_is_named_is_large_enough(
    limit: Decimal, trial: Decimal, learning: Decimal, reserve: Decimal
) -> None:
    budget = Budget({"usd": limit})
    parts = [Amount(usd=trial), Amount(usd=learning), Amount(usd=reserve)]
    try:
        check_affordable(budget, *parts)
    except BudgetError as error:
        assert limit <= trial + reserve
        least = Budget.parse(str(error).partition("--budget ")[2].split()[0])
        check_affordable(least, *parts)
        assert remaining(least, Amount(usd=2 * trial + learning + reserve))["usd"] >= 0
    else:
        assert limit > trial + reserve


def test_the_reserve_covers_what_choosing_and_testing_run(tmp_path: Path) -> None:
    with opened(tmp_path, "5000calls", "search.trials=4") as session:
        config: ExperimentConfig = session.config
        trials = search(session, make_plan(session))
        kept = len(session.journal)
        finish(session, trials)
        splits = session.split()
        follows = fresh_episodes(config.search.finalists, len(splits.validation))
        follows += 2 * config.test_repeats * len(splits.test)
        assert 0 < len(session.journal) - kept <= follows


# What is shown


def test_progress_ends_with_what_is_spent_of_what(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter(every=0) as reporter:
        reporter.spent = lambda: "1,240 of 2,000 calls"
        reporter.stage("documents", 2)
        reporter.advance("a.md: accepted")
        reporter.advance()
    assert capsys.readouterr().err.splitlines()[1:] == [
        "documents: 1 of 2 a.md: accepted (1,240 of 2,000 calls)",
        "documents: 2 of 2 (1,240 of 2,000 calls)",
    ]


def test_a_terminal_shows_what_is_spent_beside_the_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "160")
    with Reporter() as reporter:
        reporter.spent = lambda: "12 of 30 min"
        reporter.stage("documents", 2)
        reporter.advance("a.md")
    assert "12 of 30 min" in capsys.readouterr().err
