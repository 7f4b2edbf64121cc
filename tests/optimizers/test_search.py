"""The joint search: baseline first, deterministic, resumable, honest about failures."""

from pathlib import Path
from typing import Any

import pytest
from fakes import Cast, solver
from worlds import World

from autodata.optimizers import Candidate, SearchOptions, Setup, Trial, choose
from autodata.optimizers.joint.search import OptunaSearch
from autodata.optimizers.joint.slots import wave
from autodata.optimizers.proposers.reflective import reflective_instructions, spoken
from autodata.programs import PROPOSER, Autodata, Document, Settings
from autodata.programs.budget import Budget, BudgetError

OPTIONS = SearchOptions(trials=7, generation=4, instructions=2, prune_after=3, finalists=2)


def search(world: World, folder: Path | None = None, seed: int = 0, **more: Any) -> list[Trial]:
    method = OptunaSearch(
        Setup(OPTIONS.model_copy(update=more), world.models[PROPOSER], seed=seed, folder=folder)
    )
    trials: list[Trial] = []
    method.search(world.objective(seed), world.train, world.validation, trials.append)
    return trials


def told(trials: list[Trial]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.params, t.value, t.candidate.id) for t in trials]


def test_the_baseline_is_trial_0_and_is_never_pruned(world: World) -> None:
    trials = search(world)
    assert (trials[0].origin, trials[0].state) == ("baseline", "complete")
    assert trials[0].candidate.instructions == Candidate.of(world.program).instructions
    assert [trial.number for trial in trials] == list(range(len(trials)))


def test_candidates_that_are_stopped_early_make_room_for_others(world: World) -> None:
    budget, count = OPTIONS.trials * len(world.validation), len(world.validation)
    trials = search(world, seed=1)
    assert len(trials) > OPTIONS.trials
    assert budget - count < sum(len(trial.episodes) for trial in trials) <= budget
    assert len(search(world, seed=1, prune=False)) == OPTIONS.trials


def test_stopped_trials_begin_with_different_documents(world: World) -> None:
    trials = search(world, seed=1)
    stopped = [trial for trial in trials if trial.state == "pruned"]
    first = {tuple(sorted(episode.document_id for episode in t.episodes)) for t in stopped}
    assert len(first) > 1


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(
    world: World, documents: list[Any]
) -> None:
    first = search(world)
    assert told(first) == told(search(World(documents)))
    assert told(first) != told(search(World(documents), seed=1))


def test_a_search_that_was_killed_goes_on_as_if_nothing_had_happened(
    documents: list[Any], tmp_path: Path
) -> None:
    undisturbed = search(World(documents))

    class KilledError(Exception):
        pass

    folder = tmp_path / "b"
    folder.mkdir()
    for kill_at in (0, 1, 2, 4, 5):
        world = World(documents)
        method = OptunaSearch(Setup(OPTIONS, world.models[PROPOSER], folder=folder))
        seen: list[int] = []

        def watch(trial: Trial, limit: int = kill_at, seen: list[int] = seen) -> None:
            seen.append(trial.number)
            if trial.number >= limit:
                raise KilledError

        with pytest.raises(KilledError):
            method.search(world.objective(), world.train, world.validation, watch)
    assert told(search(World(documents), folder)) == told(undisturbed)


@pytest.mark.parametrize("at", range(3, 9))
def test_a_trial_that_died_half_way_is_asked_for_again(
    documents: list[Any], tmp_path: Path, at: int
) -> None:
    world = World(documents)
    objective = world.objective()
    run = objective.together
    calls = 0

    def dies(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        return run(*args)

    objective.together = dies  # pyright: ignore[reportAttributeAccessIssue]
    method = OptunaSearch(Setup(OPTIONS, world.models[PROPOSER], folder=tmp_path))
    with pytest.raises(KeyboardInterrupt):
        method.search(objective, world.train, world.validation, lambda trial: None)
    assert told(search(World(documents), tmp_path)) == told(search(World(documents)))


def test_a_stopped_trial_never_looks_better_than_the_best(world: World) -> None:
    trials = search(world, trials=12)
    best = max(t.value or 0.0 for t in trials if t.state == "complete")
    for trial in trials:
        if trial.state == "pruned":
            assert trial.value is not None
            assert trial.value < best
            assert len(trial.episodes) < len(world.validation)


def test_weak_and_strong_stay_two_models(world: World) -> None:
    search(world, trials=3)
    assert world.models.ledger.roles["weak"].calls > 0
    assert world.models.ledger.roles["strong"].calls > 0
    assert world.program.weak.role_lm is world.models["weak"]


def test_a_search_without_a_single_score_stops_and_says_why(documents: list[Any]) -> None:
    import dspy.lm15 as lm15

    world = World(documents)
    cast = Cast({"orchestrator": lambda r, s: lm15.ServerError("the server is down")})
    world.program = Autodata(cast.models, settings=Settings(rounds=1))
    with pytest.raises(RuntimeError, match=r"the server is down.*autodata check"):
        search(world)


def test_the_winner_is_chosen_after_a_second_measurement_with_fresh_answers(world: World) -> None:
    trials = search(world)
    objective = world.objective()
    choice = choose(trials, objective, world.validation, finalists=2)
    winner, again = choice.winner, choice.again
    assert winner.state == "complete"
    assert again.episodes == len(world.validation)
    values = {t.number: t.value for t in trials if t.state == "complete"}
    assert winner.number in values


@pytest.mark.parametrize("temperature", [None, 0.2])
def test_the_baseline_is_the_program_exactly_as_it_was_given(
    world: World, temperature: float | None
) -> None:
    world.program.challenger.temperature = temperature
    assert search(world, trials=1)[0].candidate == Candidate.of(world.program)


def test_reflection_shows_each_predictor_what_it_said_itself(world: World) -> None:
    cast = Cast({"weak": solver(9)})
    program = Autodata(cast.models, settings=Settings(rounds=2))
    document = Document(id="d", text="A text. " * 30)
    episode = program(document=document).episode
    reflective_instructions(
        program, {"d": document}, [episode], world.models[PROPOSER], count=1, seed=0
    )
    shown = {}
    for name in ("plan", "analyze", "write"):
        predictor = {"write": "challenger.write"}.get(name, f"orchestrator.{name}")
        one = spoken(episode, predictor)
        assert one is not None
        shown[name] = one.brief
    assert shown["plan"] == "Ask about pressure."
    assert shown["analyze"] == shown["write"] == "Ask about limits."


@pytest.mark.parametrize("cut", [1, 3])
def test_proposals_that_the_budget_cuts_off_are_counted(world: World, cut: int) -> None:
    meter, objective = world.models.meter, world.objective()
    objective.episodes(Candidate.of(world.program), world.train, "train")
    before = int(meter.spent.calls)
    fresh = World([*world.train, *world.validation])
    fresh.models.meter.budget = Budget.parse(f"{before + cut}calls")
    method = OptunaSearch(Setup(OPTIONS, fresh.models[PROPOSER]))
    with pytest.raises(BudgetError):
        method.search(fresh.objective(), fresh.train, fresh.validation, lambda trial: None)
    assert method.usage.calls == fresh.models.ledger.roles[PROPOSER].calls == cut


def test_trials_are_measured_side_by_side_and_what_passes_a_look_on_twice_the_documents(
    documents: list[Any],
) -> None:
    world = World(documents)
    objective = world.objective()
    run, asked = objective.together, list[list[tuple[str, int]]]()

    def noted(parts: Any, sample: str) -> Any:
        if sample == "validation":
            asked.append([(candidate.id, len(part)) for candidate, part in parts])
        return run(parts, sample)

    objective.together = noted
    options = OPTIONS.model_copy(update={"prune_after": 1, "parallel": 2})
    method = OptunaSearch(Setup(options, world.models[PROPOSER]))
    trials: list[Trial] = []
    method.search(objective, world.train, world.validation, trials.append)
    assert asked[0] == [(trials[0].candidate.id, len(world.validation))]
    assert max(len(parts) for parts in asked) == options.parallel
    shares: dict[str, list[int]] = {}
    for parts in asked[1:]:
        for name, share in parts:
            shares.setdefault(name, []).append(share)
    for trial in trials[1:]:
        taken = shares[trial.candidate.id]
        assert [1, 1, 2, 2][: len(taken)] == taken  # Of six documents two are left in the end.
        assert sum(taken) == len(trial.episodes)
    assert max(len(taken) for taken in shares.values()) > 2


def test_the_baseline_and_the_last_trial_of_a_generation_are_measured_alone() -> None:
    def waves(**given: Any) -> list[int]:
        options = SearchOptions(generation=10, **given)
        return [wave(number, options) for number in range(15)]

    assert waves(parallel=4) == [0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 10, 10, 10, 10, 14]
    assert waves(parallel=4, sampler="tpe") == list(range(15))
    assert waves(parallel=1) == list(range(15))
