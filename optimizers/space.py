"""The space of a joint search: named choices of texts, and ranges of settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..programs import Usage
from ..programs.records import Record
from .candidate import Candidate, Knobs
from .proposers.bootstrap import Demos
from .trial import SearchOptions


class Space(Record):
    """What the study chooses from. Choices are short names; the texts are kept here."""

    instructions: dict[str, dict[str, str]]
    """For each predictor its instructions by name; the first is the baseline's."""
    demos: dict[str, Demos]
    """Sets of demonstrations by name; `none` is the baseline's."""
    temperature: tuple[float, float]
    memory: tuple[int, ...]
    baseline: dict[str, str | int | float]
    """The point that is the baseline program."""
    usage: Usage = Usage()
    """What the proposals cost."""

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """Return the candidate at a point of the space."""
        return Candidate(
            instructions={
                name: texts[params[short(name)]] for name, texts in self.instructions.items()
            },
            demos=self.demos[params["demos"]],
            knobs=Knobs(temperature=round(params["temperature"], 3), memory=params["memory"]),
        )


def space_of(
    program: Any,
    baseline: Candidate,
    demos: dict[str, Demos],
    proposed: Mapping[str, Sequence[str]],
    options: SearchOptions,
) -> Space:
    """Name the choices and find the baseline's point among them."""
    instructions = {
        name: {f"{short(name)}-{i}": text for i, text in enumerate([own, *proposed.get(name, ())])}
        for name, own in baseline.instructions.items()
    }
    low, high = options.temperature
    role_lm = program.challenger.role_lm
    own = baseline.knobs.temperature or (role_lm.kwargs.get("temperature") if role_lm else None)
    memory = tuple(dict.fromkeys([program.settings.memory, *options.memory]))
    point: dict[str, str | int | float] = {
        short(name): next(iter(texts)) for name, texts in instructions.items()
    }
    point |= {
        "demos": "none",
        "temperature": min(max(1.0 if own is None else own, low), high),
        "memory": program.settings.memory,
    }
    return Space(
        instructions=instructions,
        demos=demos,
        temperature=options.temperature,
        memory=memory,
        baseline=point,
    )


def short(predictor: str) -> str:
    """Return a predictor's verb: `write` for `challenger.write`."""
    return predictor.rpartition(".")[2]
