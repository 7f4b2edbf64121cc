"""A candidate: everything about a program that a search may change, and nothing else."""

import hashlib
import json
from typing import Any

import dspy
from pydantic import Field, NonNegativeInt

from ..programs import Autodata
from ..programs.records import Record


class Knobs(Record):
    """Settings of the optimizable roles. `None` leaves the program's own value."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature of the challenger."""
    memory: NonNegativeInt | None = None
    """Failed rounds shown to orchestrator and challenger; 0 shows all."""


class Candidate(Record):
    """Instructions, demonstrations and settings of the orchestrator and the challenger."""

    instructions: dict[str, str]
    """Instruction by predictor name, such as `challenger.write`."""
    demos: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """Demonstrations by predictor name, as plain JSON."""
    knobs: Knobs = Knobs()

    @property
    def id(self) -> str:
        """Hash of the content, 12 hexadecimal digits: the same text has the same name anywhere."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def of(cls, program: Autodata) -> "Candidate":
        """Read the candidate that a program embodies."""
        instructions, demos = {}, {}
        for name, predictor in program.optimizable().items():
            instructions[name] = predictor.signature.instructions
            if predictor.demos:
                demos[name] = [plain(demo) for demo in predictor.demos]
        knobs = Knobs(temperature=program.challenger.temperature, memory=program.settings.memory)
        return cls(instructions=instructions, demos=demos, knobs=knobs)

    def applied(self, program: Autodata) -> Autodata:
        """Return a copy of a program that embodies this candidate. The original is unchanged.

        Raises:
            ValueError: If a name is not one of the program's optimizable predictors.
        """
        copy: Autodata = program.deepcopy()
        predictors = copy.optimizable()
        unknown = sorted((set(self.instructions) | set(self.demos)) - set(predictors))
        if unknown:
            raise ValueError(
                f"candidate names {unknown[0]!r}: only {sorted(predictors)} may be changed"
            )
        for name, predictor in predictors.items():
            if name in self.instructions:
                predictor.signature = predictor.signature.with_instructions(self.instructions[name])
            predictor.demos = [dspy.Example(**demo) for demo in self.demos.get(name, [])]
        if self.knobs.temperature is not None:
            copy.challenger.temperature = self.knobs.temperature
        if self.knobs.memory is not None:
            copy.settings = copy.settings.model_copy(update={"memory": self.knobs.memory})
        return copy


def plain(demo: Any) -> dict[str, Any]:
    """Return a demonstration as plain JSON, without DSPy's mark that it was bootstrapped."""
    return {
        key: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for key, value in dict(demo).items()
        if key != "augmented"
    }
