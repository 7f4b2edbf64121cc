"""GEPA on the same objective: documents, samples, roles and failures."""

from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from fakes import Cast
from worlds import World

from autodata.optimizers import Candidate, SearchOptions, Setup, Trial
from autodata.optimizers.teleprompters import GepaSearch, Metric
from autodata.programs import PROPOSER, Autodata, Document, Settings

OPTIONS = SearchOptions(trials=5)


def search(world: World, seed: int = 0) -> list[Trial]:
    method = GepaSearch(Setup(OPTIONS, world.models[PROPOSER], seed=seed, in_flight=4))
    trials: list[Trial] = []
    method.search(world.objective(seed), world.train, world.validation, trials.append)
    return trials


def test_gepa_proposes_instructions_and_changes_nothing_else(world: World) -> None:
    before = Candidate.of(world.program)
    trials = search(world)
    assert trials[0].candidate == before
    assert len(trials) > 1
    for trial in trials[1:]:
        assert trial.origin == "gepa"
        assert trial.candidate.instructions != before.instructions
        assert trial.candidate.knobs == before.knobs
    assert Candidate.of(world.program) == before


def test_gepa_is_deterministic_for_a_seed(world: World, documents: list[Any]) -> None:
    def told(trials: list[Trial]) -> list[tuple[Any, ...]]:
        return [(t.candidate.id, t.value) for t in trials]

    assert told(search(world)) == told(search(World(documents)))


def test_gepa_leaves_dspys_global_settings_alone(world: World) -> None:
    before = (dspy.settings.lm, dspy.settings.trace, dspy.settings.adapter)
    search(world)
    assert (dspy.settings.lm, dspy.settings.trace, dspy.settings.adapter) == before


def test_gepa_stops_at_an_outage_instead_of_learning_from_zeros(world: World) -> None:
    cast = Cast()
    answer, asked = cast["judge"].script, 0

    def dying(request: lm15.Request, rollout: str) -> Any:
        nonlocal asked
        asked += 1
        return answer(request, rollout) if asked < 60 else lm15.ServerError("gone")

    cast["judge"].script = dying
    world.program = Autodata(cast.models, settings=Settings(rounds=1))
    with pytest.raises(RuntimeError, match="gone"):
        search(world)


def test_an_episode_that_only_a_judge_spoilt_neither_stops_gepa_nor_counts_as_zero() -> None:
    metric = Metric(neutral=0.3)
    spoilt = Autodata(
        Cast({"judge": lambda r, s: "no verdicts"}).models, settings=Settings(rounds=1)
    )(document=Document(id="d", text="A text. " * 30))
    assert spoilt.score is None
    assert metric(dspy.Example(), spoilt).score == 0.3
    assert not metric.outage
