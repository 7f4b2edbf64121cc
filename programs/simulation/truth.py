"""What a program really achieves in the simulated world, without the noise of measuring it."""

from collections.abc import Mapping
from typing import Any

from ..autodata import Autodata
from .advice import given, principles, skills
from .prompts import Form, Prompt
from .shipped import skill
from .world import PLAIN, Expectation, Setting, expected


def truth(program: Autodata, setting: Setting = PLAIN) -> Expectation:
    """Return what a program of the research domain achieves on average over all documents.

    Its prompts are read as the simulated models read them. The advice of a demonstration, which a
    model follows now and then, counts with its average.

    Args:
        program: Its orchestrator and challenger count; the solvers are those of `setting`.
        setting: What the prompts do not decide. Skill and temperature are the program's.
    """
    predictors = program.optimizable()
    plan, analyze = (
        given(_prompt(predictors[f"orchestrator.{name}"]), (), ("brief", "lesson"))
        for name in ("plan", "analyze")
    )
    write = principles(given(_prompt(predictors["challenger.write"]), (), ("notes",)))
    temperature = program.challenger.temperature
    if temperature is None and program.challenger.role_lm is not None:
        temperature = program.challenger.role_lm.kwargs.get("temperature")
    own = setting._replace(
        skill=skill(skills(analyze)),
        temperature=1.0 if temperature is None else temperature,
        rounds=program.settings.rounds,
    )
    return expected(_told(write, principles(analyze)), own, first=_told(write, principles(plan)))


def _told(write: Mapping[str, float], brief: Mapping[str, float]) -> dict[str, float]:
    """Return the average weight of what instruction, demonstrations and brief advise together.

    A brief passes its advice on in full, as often as the orchestrator's own advice counts.
    """
    passed = {name: weight for name, weight in brief.items() if name != "very_long"}
    return {
        name: passed.get(name, 0.0) + (1 - passed.get(name, 0.0)) * write.get(name, 0.0)
        for name in sorted(write.keys() | passed.keys())
    }


def _prompt(predictor: Any) -> Prompt:
    """Return what a predictor's requests say whatever the document."""
    lines = [line.strip() for line in predictor.signature.instructions.strip().splitlines()]
    demos = tuple({key: str(value) for key, value in demo.items()} for demo in predictor.demos)
    form = Form(inputs=(), outputs=(), instructions="\n".join(lines), json=False)
    return Prompt(form=form, inputs={}, demos=demos, temperature=1.0, schema=False)
