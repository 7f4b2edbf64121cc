"""The space of a joint search: named choices of texts, and ranges of settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from ..programs import Usage
from ..programs.records import Record
from .candidate import Candidate, Knobs
from .proposers.bootstrap import Demos

Point = dict[str, str | int | float]
"""A choice for every parameter of the space."""


class Space(Record):
    """What the study chooses from. Choices are short names; the texts are kept here."""

    instructions: dict[str, dict[str, str]]
    """For each predictor its instructions by name; the first is the baseline's."""
    rules: dict[str, dict[str, str]] = Field(default_factory=dict)
    """For each predictor the rules that its instruction may have, by the parameter that switches
    one on."""
    demos: dict[str, Demos]
    """Sets of demonstrations by name; `none` is the baseline's."""
    temperature: tuple[float, float]
    memory: tuple[int, ...]
    """Numbers of rounds; the first is the baseline's."""
    own: Knobs = Knobs()
    """The baseline's settings."""
    usual: float
    """The temperature at which the baseline's own is kept, whatever it is."""
    openings: list[Point]
    """Points to measure first: the baseline, or the best point so far with a new instruction."""
    parent: int = 0
    """Number of the trial whose instructions the newest ones were made from."""
    usage: Usage = Usage()
    """What the proposals cost, those of earlier generations included."""

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """Return the candidate at a point of the space."""
        kept = params["temperature"] == self.usual
        temperature = self.own.temperature if kept else round(params["temperature"], 3)
        return Candidate(
            instructions={
                name: _joined(
                    texts[params[short(name)]],
                    [rule for key, rule in self.rules.get(name, {}).items() if params.get(key)],
                )
                for name, texts in self.instructions.items()
            },
            demos=self.demos[params["demos"]],
            knobs=Knobs(temperature=temperature, memory=params["memory"]),
        )

    @property
    def switches(self) -> dict[str, int]:
        """The parameters of all rules, switched off."""
        return {key: 0 for rules in self.rules.values() for key in rules}

    def point(self, candidate: Candidate) -> Point:
        """Return the point of a candidate whose texts are among the choices, without rules.

        A setting that it leaves to the program has the baseline's value.
        """
        knobs = candidate.knobs
        point: Point = {
            short(name): next(one for one, text in texts.items() if text == instruction)
            for name, texts in self.instructions.items()
            for instruction in [candidate.instructions[name]]
        }
        point |= self.switches
        point["demos"] = next(name for name, set_ in self.demos.items() if set_ == candidate.demos)
        temperature = self.usual if knobs.temperature is None else knobs.temperature
        memory = self.memory[0] if knobs.memory is None else knobs.memory
        return point | {"temperature": temperature, "memory": memory}


def space_file(folder: Path, generation: int) -> Path:
    """Return where the space of a generation is kept in a run's folder."""
    return folder / f"space-{generation}.json"


def last_space(folder: Path) -> Space | None:
    """Return the space of a run's last generation, which has the texts of all; `None` without.

    Raises:
        ValueError: If the file is damaged.
    """
    count = 0
    while space_file(folder, count).exists():
        count += 1
    return Space.model_validate_json(space_file(folder, count - 1).read_text()) if count else None


def short(predictor: str) -> str:
    """Return a predictor's verb: `write` for `challenger.write`."""
    return predictor.rpartition(".")[2]


def _joined(instruction: str, rules: Sequence[str]) -> str:
    """Return an instruction with rules as a list at its end."""
    return "\n".join([instruction, "", *(f"- {rule}" for rule in rules)]) if rules else instruction
