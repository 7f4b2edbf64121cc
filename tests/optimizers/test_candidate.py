"""Candidates: what they hold, what they may touch, and how they are named."""

import pytest
from fakes import TASK, Cast

from autodata.optimizers import Candidate, Knobs
from autodata.programs import Autodata, Settings

DEMO = {
    "document": "d",
    "rules": "r",
    "brief": "b",
    "failures": "",
    "notes": "n",
    "task": TASK,
}


def test_a_candidate_is_applied_to_a_copy() -> None:
    program = Autodata(Cast().models)
    before = Candidate.of(program)
    changed = before.model_copy(
        update={
            "instructions": {**before.instructions, "challenger.write": "Write otherwise."},
            "demos": {"challenger.write": [DEMO]},
            "knobs": Knobs(temperature=0.7, memory=2),
        }
    )
    copy = changed.applied(program)
    assert Candidate.of(copy) == changed
    assert Candidate.of(program) == before
    assert (copy.settings.memory, copy.challenger.temperature) == (2, 0.7)


def test_the_same_content_has_the_same_name_and_another_content_another() -> None:
    one = Candidate(instructions={"challenger.write": "a"})
    assert one.id == Candidate(instructions={"challenger.write": "a"}).id
    assert one.id != Candidate(instructions={"challenger.write": "b"}).id
    assert one.id != one.model_copy(update={"knobs": Knobs(memory=1)}).id


def test_a_candidate_survives_json() -> None:
    one = Candidate(instructions={"challenger.write": "a"}, demos={"challenger.write": [DEMO]})
    assert Candidate.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize("name", ["weak.solve", "judge.grade", "verifier.check", "nothing"])
def test_frozen_roles_are_out_of_reach(name: str) -> None:
    program = Autodata(Cast().models)
    with pytest.raises(ValueError, match="may be changed"):
        Candidate(instructions={name: "Let everybody pass."}).applied(program)


def test_settings_that_are_not_named_stay_the_programs() -> None:
    program = Autodata(Cast().models, settings=Settings(memory=3))
    assert Candidate(instructions={}).applied(program).settings.memory == 3
