"""The code domain's part of the offline models: real small programs, right and wrong ones.

The challenger draws a kind of task and its numbers, the solvers read them back from the code in the
question and write the right program or one with a plausible mistake. What a program is worth is for
the sandbox to say.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from .. import irt
from ..advice import given, principles, written
from ..briefing import aim
from ..codec import LABEL, Latent, decode, encode
from ..faults import due
from ..options import Options
from ..principles import combined
from ..prompts import Prompt
from ..seeds import character, stream, uniform
from ..words import salient
from .kit import Built, Kind, build
from .lists import DIAGONALS, MERGED, PEAKS, WINDOWS, WORKERS
from .numbers import CACHE, CHECKSUM, EITHER, RANKS
from .texts import DURATIONS, NESTED, ROTATED, RUNS

KINDS: tuple[Kind, ...] = (
    *(WINDOWS, MERGED, PEAKS, WORKERS, DIAGONALS),
    *(RUNS, ROTATED, NESTED, DURATIONS),
    *(CHECKSUM, EITHER, RANKS, CACHE),
)
"""Kinds of tasks. A task's code holds its kind's place where other domains count criteria."""

DEEP, DEEP_SPREAD = 1.7, 0.9
"""Added to the logit of the chance that a question leaves the trap to be found; and its spread."""
HARD = 0.25
"""Added to the difficulty of such a question, in logits."""
PLAIN, SLOPE = 1.22, 0.7
"""Logit of a plain question's chance at ability 0, and what one logit of ability adds to it."""
VALID = -1.0
"""Added to the logit of the chance that a task's programs fit together."""

_RULES = "verify(solve)"
_ASKS = "Write a Python function `solve(...)` that "
_TYPES = ("boundary cases", "order of steps", "exact specification", "choice of method")
_SKILLS = ("careful reading", "boundary analysis", "data structures", "testing by hand")
_STORIES = (
    "A tool for {a} and {b} needs one more step.",
    "Somebody who works on {a} asks for a helper that has to do with {b}.",
    "The records on {a} are to be checked together with {b}.",
)
_OPENINGS = (
    "The boundaries decide here, so I went through them first.",
    "I follow the description step by step.",
    "This can be done in one pass.",
    "The part to be careful with is the end of the input.",
)


def answer(prompt: Prompt, key: tuple[object, ...], options: Options) -> dict[str, Any] | None:
    """Answer a request of the code domain; `None` for any other.

    Briefs and lessons are those of the research domain.
    """
    wanted = prompt.form.outputs
    if "task" in wanted and _RULES in prompt.inputs.get("rules", ""):
        leaked = due(options.faults.leak, *key, "leak")
        return write_task(prompt, key, leaked=leaked)
    question = prompt.inputs.get("question", "")
    if "answer" in wanted and _ASKS in question and decode(question):
        same = key[:3]  # What every attempt at this question has in common.
        repeated = due(options.faults.identical, *same, "identical")
        return solve(prompt, same if repeated else key, options.ability)
    return None


def write_task(prompt: Prompt, key: tuple[object, ...], *, leaked: bool = False) -> dict[str, Any]:
    """Answer a request to write a programming task.

    Args:
        prompt: The request, with document, brief and worked examples.
        key: What the random draws follow from.
        leaked: Show the reference in the question.
    """
    document = prompt.inputs.get("document", "")
    advice = principles(given(prompt, ("brief",), ("notes",)))
    draw = stream(*key, "task")
    steer = aim(prompt.inputs.get("brief", ""))
    law = irt.law(combined(advice), *character(document), steer, prompt.temperature)
    latent = _latent(law, steer, draw)
    built = build(KINDS[latent.criteria], latent.seed)
    task: dict[str, Any] = {
        "question_type": draw.choice(_TYPES),
        "skills": draw.sample(_SKILLS, 2),
        "question": _question(built, latent, salient(document), draw),
        "verifier": built.verifier,
        "reference": built.reference,
        "failing": draw.sample(built.wrong, draw.randint(2, 3)),
    }
    if leaked:
        task["question"] += f"\n\n```python\n{built.reference}```"
    if draw.random() > irt.sigmoid(law.valid + VALID):
        task = _spoiled(task, draw, whole=_whole(prompt, key))
    kept = written(name for name, weight in advice.items() if draw.random() < weight)
    notes = f"Rules kept for this task. {' '.join(kept) or 'No rule of its own.'}\n\n{built.hint}"
    return {"notes": notes, "task": task}


def solve(prompt: Prompt, key: tuple[object, ...], ability: float) -> dict[str, Any]:
    """Answer a request to write a program.

    Args:
        prompt: The request, with a question that carries a code.
        key: What the random draws follow from.
        ability: In logits.
    """
    latent = decode(prompt.inputs["question"])
    assert latent is not None
    built = build(KINDS[latent.criteria % len(KINDS)], latent.seed)
    draw = stream(*key, "answer")
    text = built.reference
    if draw.random() >= chance(latent, ability):
        text = draw.choice(built.wrong)
    traced = f"I traced it by hand on {[draw.randint(0, 99) for _ in range(6)]}."
    opening = f"{draw.choice(_OPENINGS)} {traced}"
    if draw.random() < irt.blunders(ability):
        return {"answer": f"{opening} The program follows from this and is left to the reader."}
    return {"answer": f"{opening}\n\n```python\n{text}```"}


def chance(latent: Latent, ability: float) -> float:
    """Return the chance that a solver writes the right program, in (0, 1)."""
    difficulty = latent.difficulty
    if latent.insight:
        return irt.solved(
            1, difficulty, latent.log_a, latent.leak, latent.clarity, difficulty, ability
        )
    return irt.sigmoid(PLAIN + SLOPE * ability)


def _latent(law: irt.Law, steer: float, draw: random.Random) -> Latent:
    """Draw what the task is, before its words."""
    # Depth counts twice: a whole task hangs on one trap, not one criterion of many.
    insight = law.insight + DEEP + steer + draw.gauss(0.0, DEEP_SPREAD * law.noise)
    return Latent(
        seed=draw.getrandbits(24),
        difficulty=law.difficulty + HARD + draw.gauss(0.0, irt.DIFFICULTY_SPREAD * law.noise),
        log_a=law.log_a + draw.gauss(0.0, irt.LOG_A_SPREAD * law.noise),
        leak=irt.sigmoid(law.leak + draw.gauss(0.0, irt.LEAK_SPREAD * law.noise)),
        clarity=law.clarity,
        steer=steer,
        criteria=draw.randrange(len(KINDS)),
        insight=int(draw.random() < irt.sigmoid(insight)),
        negative=0,
    )


def _question(built: Built, latent: Latent, terms: Sequence[str], draw: random.Random) -> str:
    """Write a question that carries a code; a plain one says what is easily overlooked."""
    a, b = draw.sample(terms, 2)
    parts = [draw.choice(_STORIES).format(a=a, b=b), _ASKS + built.asked]
    if not latent.insight:
        parts.append(f"Mind this: {built.hint}")
    return " ".join([*parts, f"({LABEL}{encode(latent)}.)"])


def _whole(prompt: Prompt, key: tuple[object, ...]) -> bool:
    """Say whether the form of this request brings every field of the task, as in research."""
    return prompt.schema or (prompt.form.json and uniform(*key, "repair") < irt.REPAIRED)


def _spoiled(task: Mapping[str, Any], draw: random.Random, *, whole: bool) -> dict[str, Any]:
    """Break a task in one of the ways in which language models do."""
    kind = draw.randrange(5)
    first, *others = task["failing"]
    if kind == 0:  # A program that is right after all.
        inner = task["reference"].replace("def solve(", "def inner(")
        right = f"{inner}\n\ndef solve(*given):\n    return inner(*given)\n"
        return {**task, "failing": [right, *others]}
    if kind == 1:
        return {**task, "reference": first, "failing": [*others, task["reference"]]}
    if kind == 2:
        return {**task, "verifier": task["verifier"].replace("return False", "continue")}
    if kind == 3:
        return {**task, "failing": [first, *others[:-1], others[-1].replace("):\n", ")\n", 1)]}
    missing = draw.choice(("verifier", "reference", "failing"))
    return {name: value for name, value in task.items() if whole or name != missing}
