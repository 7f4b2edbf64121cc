"""The scientific domain's part of the offline models: problems with one exact answer."""

import random
import re
from typing import Any

from ...domains.scientific import SCIENTIFIC
from ...domains.scientific.grounding import HEADING, seed_of
from .. import irt
from ..advice import given, principles, written
from ..briefing import aim, brief
from ..codec import LABEL, decode, encode
from ..faults import due
from ..options import Options
from ..prompts import Prompt
from ..seeds import stream, uniform
from .law import WRONG_REFERENCE, angle_of, chance, drafted
from .problems import TYPES, Problem, number_for, posed
from .prose import solution, unfinished, worked

_RULES = SCIENTIFIC.rules.describe()
_SAME_TYPE = 0.6
"""Chance that a problem's answer is of the seed problem's type."""
_UNFINISHED = 0.01
"""Chance that a solution stops before its result."""
_REJECT = 0.03
"""Chance that the screening finds a fault that nothing in the simulation stands for."""
_MARKUP = re.compile(r"\$[^$]*\$|\\[a-zA-Z]+|^(?:Answer|Topic|Answer type):.*$", re.MULTILINE)
_TYPE = re.compile(r"^Answer type: (\w+)", re.MULTILINE)
_EASY = re.compile(r"^  Weak attempt \d+ was right; its way: (.+)$", re.MULTILINE)
_HARD = re.compile(r"^  Strong attempt \d+ was wrong \((.+)\); its way: ", re.MULTILINE)

_VERDICTS = {
    "scope": ("SEVERAL_ANSWERS", "Ask for one thing, and say for which values it is asked."),
    "statement": ("INCOMPLETE", "Say what every symbol is before it is used."),
    "hint": ("GIVES_METHOD", "Leave the method to the reader."),
    "origin": ("COPY", "Ask something that the seed problem does not ask."),
    "topic": ("DOES_NOT_FIT", "Name the class in which the method of solution belongs."),
}


def answer(prompt: Prompt, key: tuple[object, ...], options: Options) -> dict[str, Any] | None:
    """Answer a request of the scientific domain; `None` for any other."""
    wanted, inputs = set(prompt.form.outputs), prompt.inputs
    if "screening" in wanted:
        return screen(prompt, key)
    if "match" in wanted:
        return match(prompt, options)
    if "task" in wanted and _RULES in inputs.get("rules", ""):
        return write_task(prompt, key, leaked=due(options.faults.leak, *key, "leak"))
    if "brief" in wanted and HEADING in inputs.get("document", ""):
        return briefed(prompt, key)
    if wanted == {"answer"} and posed_in(inputs.get("question", "")) is not None:
        if due(options.faults.identical, *key[:-1], "identical"):
            key = key[:-1]
        return solve(prompt, key, options.ability)
    return None


def posed_in(question: str) -> Problem | None:
    """Return the problem that a question of the simulated writer poses; `None` for any other."""
    latent = decode(question)
    if latent is None:
        return None
    problem = posed(latent.seed).problem
    return problem if problem.question in question else None


def briefed(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to plan or to analyze; the lesson quotes the attempts that are shown."""
    document = _MARKUP.sub(" ", seed_of(prompt.inputs.get("document", "")))
    fields = brief(prompt._replace(inputs={**prompt.inputs, "document": document}), key)
    failures = prompt.inputs.get("failures", "")
    found = [
        (one.start(), text)
        for pattern, text in (
            (_EASY, "A weak attempt got through by the usual route: “{0}”"),
            (_HARD, "A strong attempt went astray: “{0}”"),
        )
        for one in pattern.finditer(failures)
    ]
    if not found:
        return fields
    at, text = max(found)
    quoted = (_EASY.match(failures, at) or _HARD.match(failures, at) or [""] * 2)[1]
    return {**fields, "lesson": f"{fields['lesson']} {text.format(quoted[:120])}."}


def write_task(prompt: Prompt, key: tuple[object, ...], *, leaked: bool = False) -> dict[str, Any]:
    """Answer a request to write a problem.

    Args:
        prompt: The request, with document, brief and worked examples.
        key: What the random draws follow from.
        leaked: Say the answer in the question.
    """
    seed = seed_of(prompt.inputs.get("document", ""))
    told = prompt.inputs.get("brief", "")
    advice = principles(given(prompt, ("brief",), ("notes",)))
    draw = stream(*key, "problem")
    latent, broken = drafted(advice, seed, angle_of(told), aim(told), prompt.temperature, draw)
    stated = _TYPE.search(seed)
    kept = stated is not None and stated[1] in TYPES and draw.random() < _SAME_TYPE
    answer_type = stated[1] if kept and stated else draw.choice(TYPES)
    latent = latent._replace(seed=number_for(answer_type, draw))
    problem = posed(latent.seed).problem
    wrong = draw.random() < WRONG_REFERENCE
    hint = f" The answer is ${problem.answer}$." if leaked else ""
    task: Any = {
        "question_type": problem.kind,
        "skills": ["careful derivation", "exact computation"],
        "topic": problem.topic,
        "answer_type": answer_type,
        "question": f"{problem.question}{hint} ({LABEL}{encode(latent)}.)",
        "reference": draw.choice(problem.slips) if wrong else problem.answer,
    }
    if broken:
        task = _spoiled(task, draw, readable=_repaired(prompt, key))
    kept_to = written(name for name, weight in advice.items() if draw.random() < weight)
    notes = f"{' '.join(kept_to)}\n\n{worked(draw, problem)}".strip()
    return {"notes": notes, "task": task}


def _repaired(prompt: Prompt, key: tuple[object, ...]) -> bool:
    """Say whether the form of this request makes the task readable, as for other tasks."""
    if prompt.schema or not prompt.form.json:
        return prompt.schema
    return uniform(*key, "repair") < irt.REPAIRED


def _spoiled(task: dict[str, Any], draw: random.Random, *, readable: bool) -> Any:
    """Break a problem in one of the ways in which language models do.

    Some cannot be read, which a schema prevents; the others break a rule of the domain.
    """
    if draw.random() < 0.5:
        if readable:
            return task
        missing = draw.choice(("reference", "topic", "answer_type"))
        return {name: value for name, value in task.items() if name != missing}
    broken: dict[str, Any] = draw.choice(
        (
            {"reference": f"{draw.randint(2, 99)}"},
            {"reference": f"x={draw.uniform(0.1, 9.9):.3f}"},
            {"topic": "General mathematics"},
            {"answer_type": next(one for one in TYPES if one != task["answer_type"])},
            {"reference": f"{task['reference']}\\frac{{"},
        )
    )
    return task | broken


def screen(prompt: Prompt, key: tuple[object, ...]) -> dict[str, Any]:
    """Answer a request to screen a problem."""
    draw = stream(*key, "screen")
    verdicts = {
        "scope": "ONE_ANSWER",
        "statement": "SELF_CONTAINED",
        "hint": "NO_HINT",
        "origin": "NEW",
        "topic": "FITS",
        "feedback": "",
    }
    latent = decode(prompt.inputs.get("question", ""))
    leak = 0.0 if latent is None else irt.REJECT_LEAK * latent.leak
    if draw.random() < leak + _REJECT:
        name = draw.choice(tuple(_VERDICTS))
        bad, feedback = _VERDICTS[name]
        verdicts |= {name: bad, "feedback": feedback}
    return {"screening": verdicts}


def solve(prompt: Prompt, key: tuple[object, ...], ability: float) -> dict[str, Any]:
    """Answer a request to solve a problem of the simulated writer.

    Args:
        prompt: The request, with the question.
        key: What the random draws follow from.
        ability: In logits.
    """
    question = prompt.inputs.get("question", "")
    latent, problem = decode(question), posed_in(question)
    assert latent is not None and problem is not None
    draw = stream(*key, "answer")
    if draw.random() < _UNFINISHED:
        return {"answer": unfinished(draw)}
    return {"answer": solution(draw, problem, right=draw.random() < chance(latent, ability))}


def match(prompt: Prompt, options: Options) -> dict[str, Any]:
    """Answer a request to compare an answer with the reference, as a reader who now and then errs.

    Of a problem that is not the simulated writer's, only equal words are the same.
    """
    inputs = prompt.inputs
    said, reference = _plain(inputs.get("answer", "")), _plain(inputs.get("reference", ""))
    problem = posed_in(inputs.get("question", ""))
    if problem is None:
        same = said == reference
    else:
        right = {_plain(text) for text in (problem.answer, problem.words, *problem.same)}
        same = (said in right) == (reference in right) and (said in right or said == reference)
    if uniform(options.seed, "match", said, reference) < options.judge_error:
        same = not same
    evidence = "both describe the same object" if same else "they part at the first condition"
    return {"match": {"evidence": evidence, "same": same}}


def _plain(text: str) -> str:
    return re.sub(r"[\s$.]+", "", text).lower()
