"""How the space of a joint search begins and grows: with what is proposed from the best so far."""

import random
from collections.abc import Mapping, Sequence

import dspy

from ..programs import Autodata, Document, Episode
from ..programs.usage import Ledger, observing
from .candidate import Candidate
from .guard import Guard
from .objective import Objective
from .options import SearchOptions
from .proposers import demo_sets, grounded_instructions, proposed_rules, reflective_instructions
from .space import Point, Space, short
from .trial import RULE

WRITES = "write"
"""The parameter of the predictor that writes tasks."""


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
    grown = _grown(space, objective.program, train, episodes, options, proposer, seed=seed)
    # The baseline has no rule: what an opening leaves out, the sampler would choose.
    openings = [{**grown.switches, **point} for point in grown.openings]
    return grown.model_copy(update={"openings": openings})


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
        own=baseline.knobs,
        usual=usual,
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
    """Propose from the best point so far, and from its episodes on some training documents."""
    candidate = space.candidate(best)
    program = candidate.applied(objective.program)
    episodes = objective.episodes(candidate, lessons(train, options, seed=seed), "train")
    grown = _grown(space, program, train, episodes, options, proposer, seed=seed)
    new = {
        short(name): [choice for choice in texts if choice not in space.instructions[name]]
        for name, texts in grown.instructions.items()
    }
    openings: list[Point] = []
    for i in range(min(len(ids) for ids in new.values())):
        # Every second one changes all predictors, the others only the one that writes tasks.
        changed = {name: ids[i] for name, ids in new.items() if i % 2 or name == WRITES}
        off = {  # What was rewritten has the rules in it that were switched on.
            key: 0 for name, rules in space.rules.items() if short(name) in changed for key in rules
        }
        openings.append({**grown.switches, **best, **changed, **off})
    return grown.model_copy(update={"openings": openings})


def lessons(train: Sequence[Document], options: SearchOptions, *, seed: int) -> Sequence[Document]:
    """Return the training documents that a generation learns from."""
    return random.Random(seed).sample(list(train), min(options.lessons, len(train)))


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
    """Add new instructions and rules to a space. Their names go on counting.

    Raises:
        RuntimeError: If the proposer cannot be reached or understood.
    """
    ledger, guard = Ledger(), Guard(train, Candidate.of(program))
    texts = {document.id: document for document in train}
    before = {name: tuple(rules.values()) for name, rules in space.rules.items()}
    half = options.instructions // 2
    try:
        with observing(ledger.add):
            reflected = reflective_instructions(
                program, texts, episodes, proposer, count=half, seed=seed
            )
            grounded = grounded_instructions(
                program,
                train,
                space.demos,
                proposer,
                count=options.instructions - half,
                seed=seed,
            )
            found = proposed_rules(
                program, texts, episodes, before, proposer, count=options.rules, seed=seed
            )
    except (dspy.LMError, dspy.AdapterParseError) as error:
        raise RuntimeError(
            f"proposer: {' '.join(str(error).split())[:300]}; mend the endpoint and run again, "
            "nothing finished is lost"
        ) from error
    instructions = {}
    rules = {}
    for name, own in space.instructions.items():
        new = [*reflected.get(name, []), *grounded.get(name, [])]
        fresh = [text for text in dict.fromkeys(new) if text not in own.values()]
        verb, count = short(name), len(before.get(name, ()))
        instructions[name] = own | _numbered(f"{verb}-", fresh, len(own), guard)
        rules[name] = space.rules.get(name, {}) | _numbered(
            f"{verb}{RULE}", found.get(name, []), count + 1, guard
        )
    usage = space.usage + ledger.total
    update = {"instructions": instructions, "rules": rules, "usage": usage}
    return space.model_copy(update=update)


def _numbered(prefix: str, texts: Sequence[str], start: int, guard: Guard) -> dict[str, str]:
    """Name the texts that are fit to be measured."""
    fit = [text for text in texts if guard.admits(prefix.rstrip("-"), text)]
    return {f"{prefix}{number}": text for number, text in enumerate(fit, start)}
