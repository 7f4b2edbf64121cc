"""Rules: proposed one by one, switched on and off, and never a training document's own words."""

import json
import logging
from typing import Any

import pytest
from fakes import Cast
from worlds import World

from autodata.optimizers import Candidate, SearchOptions
from autodata.optimizers.growth import first_space, next_space
from autodata.optimizers.proposers import proposed_rules
from autodata.programs import PROPOSER
from autodata.programs.simulation.principles import recognise

OPTIONS = SearchOptions(rules=3, instructions=0)


def grown(world: World, lm: Any = None, **options: Any) -> Any:
    return first_space(
        world.objective(),
        world.train,
        OPTIONS.model_copy(update=options),
        lm or world.models[PROPOSER],
        seed=0,
    )


def saying(rules: list[str]) -> Any:
    """Return a proposer that always proposes the same rules."""
    return spoken(f"[[ ## rules ## ]]\n{json.dumps(rules)}\n\n[[ ## completed ## ]]")


def spoken(text: str) -> Any:
    """Return a proposer that says the same, whatever it is asked."""
    cast = Cast({"judge": lambda request, system: text})
    return cast.models.judge


def test_every_predictor_gets_rules_that_can_be_switched_on(world: World) -> None:
    space = grown(world)
    off = {**space.openings[0], **space.switches}
    own = Candidate.of(world.program)
    assert space.candidate(off) == own
    for name, rules in space.rules.items():
        assert 1 <= len(rules) <= 3
        for switch, rule in rules.items():
            one = space.candidate({**off, switch: 1})
            assert one.instructions[name] == f"{own.instructions[name]}\n\n- {rule}"
            others = {k: v for k, v in one.instructions.items() if k != name}
            assert others == {k: v for k, v in own.instructions.items() if k != name}


def test_the_baseline_is_measured_without_any_rule(world: World) -> None:
    space = grown(world)
    (opening,) = space.openings
    assert space.switches
    assert {switch: opening[switch] for switch in space.switches} == space.switches
    assert space.candidate(opening) == Candidate.of(world.program)


def test_a_simulated_model_reads_a_rule_as_advice(world: World) -> None:
    space = grown(world, rules=8)
    off = {**space.openings[0], **space.switches}
    on = {switch: 1 for switch in space.rules["challenger.write"]}
    before, after = (space.candidate({**off, **more}).instructions for more in ({}, on))
    assert recognise(after["challenger.write"]) > recognise(before["challenger.write"])


def test_the_next_rules_are_new_and_their_names_go_on_counting(world: World) -> None:
    space = grown(world)
    best = {**space.openings[0], **space.switches, "write.rule-1": 1}
    after = next_space(
        space,
        best,
        world.objective(),
        world.train,
        OPTIONS,
        world.models[PROPOSER],
        seed=1,
    )
    for name, rules in after.rules.items():
        verb = name.rpartition(".")[2]
        assert list(rules) == [f"{verb}.rule-{i}" for i in range(1, len(rules) + 1)]
        assert len(set(rules.values())) == len(rules) > len(space.rules[name])
    assert after.candidate({**best, **after.switches, "write.rule-1": 1}) == space.candidate(best)


def test_a_rule_that_copies_a_training_document_is_refused(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    copied = " ".join(world.train[0].text.split()[:40])
    with caplog.at_level(logging.WARNING):
        space = grown(world, saying([copied, "Ask for one thing only."]))
    assert set(space.rules["challenger.write"].values()) == {"Ask for one thing only."}
    assert "copies more than 12 words" in caplog.text


def test_rules_are_plain_lines_however_they_are_written(world: World) -> None:
    lm = saying(["  Ask for\n one thing. ", "", "Ask for one thing.", "Two.", "Three.", "Four."])
    assert set(grown(world, lm).rules["orchestrator.plan"].values()) == {
        "Ask for one thing.",
        "Two.",
        "Three.",
    }


def test_rules_that_cannot_be_read_are_left_out_and_named(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    lm = spoken("I would rather not.")
    with caplog.at_level(logging.WARNING):
        found = proposed_rules(world.program, {}, [], {}, lm, count=2, seed=0)
    assert found == {name: [] for name in world.program.optimizable()}
    assert "rules for challenger.write were not readable" in caplog.text


def test_without_rules_nobody_is_asked(world: World) -> None:
    proposed_rules(world.program, {}, [], {}, world.models[PROPOSER], count=0, seed=0)
    assert PROPOSER not in world.models.ledger.roles
