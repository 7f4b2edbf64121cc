"""The space of a joint search: named choices of texts, and ranges of settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import dspy

from ..programs import Autodata, Document, Episode, Usage
from ..programs.records import Record
from ..programs.usage import Ledger, observing
from .candidate import Candidate, Knobs
from .guard import Guard
from .objective import Objective
from .options import SearchOptions
from .proposers import demo_sets, grounded_instructions, reflective_instructions
from .proposers.bootstrap import Demos

WRITES = "write"
"""The parameter of the predictor that writes tasks."""

Point = dict[str, str | int | float]
"""A choice for every parameter of the space."""


class Space(Record):
    """What the study chooses from. Choices are short names; the texts are kept here."""

    instructions: dict[str, dict[str, str]]
    """For each predictor its instructions by name; the first is the baseline's."""
    demos: dict[str, Demos]
    """Sets of demonstrations by name; `none` is the baseline's."""
    temperature: tuple[float, float]
    memory: tuple[int, ...]
    openings: list[Point]
    """Points to measure first: the baseline, or the best point so far with a new instruction."""
    parent: int = 0
    """Number of the trial whose instructions the newest ones were made from."""
    usage: Usage = Usage()
    """What the proposals cost, those of earlier generations included."""

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """Return the candidate at a point of the space."""
        return Candidate(
            instructions={
                name: texts[params[short(name)]] for name, texts in self.instructions.items()
            },
            demos=self.demos[params["demos"]],
            knobs=Knobs(temperature=round(params["temperature"], 3), memory=params["memory"]),
        )

    def point(self, candidate: Candidate) -> Point:
        """Return the point of a candidate whose texts are among the choices.

        A setting that it leaves to the program has the value of the first opening.
        """
        usual, knobs = self.openings[0], candidate.knobs
        point: Point = {
            short(name): next(one for one, text in texts.items() if text == instruction)
            for name, texts in self.instructions.items()
            for instruction in [candidate.instructions[name]]
        }
        point["demos"] = next(name for name, set_ in self.demos.items() if set_ == candidate.demos)
        own = {"temperature": knobs.temperature, "memory": knobs.memory}
        return point | {k: usual[k] if value is None else value for k, value in own.items()}


def first_space(
    objective: Objective,
    train: Sequence[Document],
    options: SearchOptions,
    proposer: dspy.LM,
    *,
    seed: int,
) -> Space:
    """Propose from the baseline: demonstrations from its episodes, and new instructions."""
    space, episodes = _own_space(objective, train, options)
    return _grown(space, objective.program, train, episodes, options, proposer, seed=seed)


def known_space(
    objective: Objective,
    train: Sequence[Document],
    options: SearchOptions,
    candidates: Mapping[str, Candidate],
) -> Space:
    """Return a space in which candidates that others have found are points.

    Args:
        objective: Its program is the baseline.
        train: Documents whose episodes give demonstrations.
        options: Bounds of the settings.
        candidates: By a short name, which names their texts. Instructions that none but the
            baseline has keep its name.
    """
    space, _ = _own_space(objective, train, options)
    instructions = {name: dict(texts) for name, texts in space.instructions.items()}
    demos = dict(space.demos)
    for title, candidate in candidates.items():
        for name, texts in instructions.items():
            if candidate.instructions[name] not in texts.values():
                texts[f"{short(name)}-{title}"] = candidate.instructions[name]
        if candidate.demos not in demos.values():
            demos[title] = candidate.demos
    return space.model_copy(update={"instructions": instructions, "demos": demos})


def _own_space(
    objective: Objective, train: Sequence[Document], options: SearchOptions
) -> tuple[Space, list[Episode]]:
    """Return the space of the baseline alone, and its episodes on the training documents."""
    program = objective.program
    baseline = Candidate.of(program)
    episodes = objective.episodes(baseline, train, "train")
    texts = {document.id: document for document in train}
    own = {name: {f"{short(name)}-0": text} for name, text in baseline.instructions.items()}
    low, high = options.temperature
    usual = _usual_temperature(program)
    point: Point = {short(name): next(iter(texts)) for name, texts in own.items()}
    point |= {"demos": "none", "temperature": usual, "memory": program.settings.memory}
    space = Space(
        instructions=own,
        demos=demo_sets(program, texts, episodes, sizes=options.demos),
        temperature=(min(low, usual), max(high, usual)),
        memory=tuple(dict.fromkeys([program.settings.memory, *options.memory])),
        openings=[point],
    )
    return space, episodes


def _usual_temperature(program: Autodata) -> float:
    """Return the challenger's temperature; an endpoint's default is taken for 1.0."""
    usual, role_lm = program.challenger.temperature, program.challenger.role_lm
    if usual is None and role_lm is not None:
        usual = role_lm.kwargs.get("temperature")
    return 1.0 if usual is None else usual


def next_space(
    space: Space,
    best: Point,
    objective: Objective,
    train: Sequence[Document],
    options: SearchOptions,
    proposer: dspy.LM,
    *,
    seed: int,
) -> Space:
    """Propose from the best point so far, which the first half of a generation starts from."""
    candidate = space.candidate(best)
    program = candidate.applied(objective.program)
    episodes = objective.episodes(candidate, train, "train")
    grown = _grown(space, program, train, episodes, options, proposer, seed=seed)
    new = {
        short(name): [choice for choice in texts if choice not in space.instructions[name]]
        for name, texts in grown.instructions.items()
    }
    openings = [
        # Every second one changes all predictors, the others only the one that writes tasks.
        {**best, **{name: ids[i] for name, ids in new.items() if i % 2 or name == WRITES}}
        for i in range(min(len(ids) for ids in new.values()))
    ]
    return grown.model_copy(update={"openings": openings})


def _grown(
    space: Space,
    program: Autodata,
    train: Sequence[Document],
    episodes: Sequence[Episode],
    options: SearchOptions,
    proposer: dspy.LM,
    *,
    seed: int,
) -> Space:
    """Add new instructions to a space, those from reflection first. Names go on counting.

    Raises:
        RuntimeError: If the proposer cannot be reached or understood.
    """
    ledger, guard = Ledger(), Guard(train, Candidate.of(program))
    half = options.instructions // 2
    try:
        with observing(ledger.add):
            reflected = reflective_instructions(
                program,
                {document.id: document for document in train},
                episodes,
                proposer,
                count=half,
                seed=seed,
            )
            count = options.instructions - half
            grounded = grounded_instructions(
                program, train, space.demos, proposer, count=count, seed=seed
            )
    except (dspy.LMError, dspy.AdapterParseError) as error:
        raise RuntimeError(
            f"proposer: {' '.join(str(error).split())[:300]}; mend the endpoint and run again, "
            "nothing finished is lost"
        ) from error
    instructions = {}
    for name, texts in space.instructions.items():
        new = dict.fromkeys([*reflected.get(name, []), *grounded.get(name, [])])
        fresh = [text for text in new if text not in texts.values() and guard.admits(name, text)]
        numbered = {f"{short(name)}-{i}": text for i, text in enumerate(fresh, len(texts))}
        instructions[name] = {**texts, **numbered}
    usage = space.usage + ledger.total
    return space.model_copy(update={"instructions": instructions, "usage": usage})


def short(predictor: str) -> str:
    """Return a predictor's verb: `write` for `challenger.write`."""
    return predictor.rpartition(".")[2]
