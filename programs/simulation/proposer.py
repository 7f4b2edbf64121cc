"""The simulated proposer: answers the prompts of optimizers with rewritten instructions."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dspy.lm15 import Message, Request

from .principles import recognise
from .prompts import Prompt, items, read, write
from .rewriting import SIGNS, advice, paragraphs_of, revise

_EDITED, _SET = 0.6, 0.15
"""Chance that an edit of a program touches an instruction, and that it touches a setting."""

_EVIDENCE = re.compile(r"feedback|example|failure|attempt|trajector|reward|analysis|diagnosis")
_FENCE = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_TALK: dict[str, tuple[str, ...]] = {
    "program": (
        "The program turns a document into an exam question with a rubric, tries it on two readers "
        "and keeps it if only one of them can answer.",
        "Given a text, the pipeline plans a question, writes it, lets it be answered and graded, "
        "and learns from the rounds that failed.",
    ),
    "module": (
        "The module takes a document and what is known about earlier tries, and hands its result "
        "to the next step.",
        "This step decides what the rest of the pipeline works with; its output is passed on "
        "unchanged.",
    ),
    "observation": (
        "The examples are long prose texts on technical subjects, one document each, without "
        "labels. The task seems to be to write questions about them.",
        "Each sample is a self-contained text with a title. Lengths vary little, the subjects do.",
    ),
    "other": (
        "The better run and the worse run differ mainly in how the question was chosen.",
        "The instruction leaves open what a good result looks like, and the outputs vary for that "
        "reason.",
    ),
}


class Proposer:
    """Answers prompts that ask for a new instruction, or for what leads up to one."""

    def answer(self, system: str, turns: Sequence[tuple[str, str]], rng: random.Random) -> str:
        """Answer a prompt in the form that it asks for.

        Args:
            system: The system message; empty if there is none.
            turns: The other messages as (role, text), oldest first.
            rng: All of the answer's chance. The same state gives the same answer.

        Returns:
            Fields between DSPy's markers, a JSON object, or the new instruction between fences.
        """
        turns = turns or [("user", "")]
        messages = [Message.assistant(t) if r == "assistant" else Message.user(t) for r, t in turns]
        prompt = read(Request(model="proposer", system=system or None, messages=tuple(messages)))
        if not prompt.form.outputs:
            return _plain("\n\n".join(text for role, text in turns if role != "assistant"), rng)
        return write(prompt.form, {name: _field(name, prompt, rng) for name in prompt.form.outputs})


def _plain(text: str, rng: random.Random) -> str:
    """Answer GEPA's own prompt: the current instruction stands between the first fences."""
    block = _FENCE.search(text)
    current, evidence = (block[1], text[block.end() :]) if block else ("", text)
    return f"The new instruction is:\n```\n{revise(current, evidence, rng).replace('```', '')}\n```"


def _field(name: str, prompt: Prompt, rng: random.Random) -> Any:
    """Write one output field."""
    inputs = prompt.inputs
    if name == "analysis" and "exchanges" in inputs:
        return _analysis(inputs["exchanges"], rng)
    if name == "edit" and "bounds" in inputs:
        return _edit(inputs, rng)
    evidence = "\n".join(
        text for key, text in inputs.items() if _EVIDENCE.search(key) and "instruction" not in key
    )
    if "shortened" in name:
        limit = re.search(r"(\d[\d,]*) characters", inputs.get("length_limit", ""))
        return _shortened(_current(inputs), int(limit[1].replace(",", "")) if limit else 600)
    if "prefix" in name:
        return rng.choice(("Task:", "Result:", "Here is the result:"))
    if "module_advice" in name:
        return _module_advice(inputs, evidence, rng)
    if name == "rules" and "known" in inputs:
        return _rules(inputs, evidence, rng)
    if "rules" in name:
        rules = advice(frozenset(), evidence, rng, count=rng.randint(2, 3))
        return "\n".join(f"{i}. {rule}" for i, rule in enumerate(rules, 1))
    if "instruction" in name or "prompt" in name:
        return revise(
            _current(inputs),
            evidence,
            rng,
            tip=inputs.get("tip", ""),
            briefing="-> brief" in inputs.get("module", ""),
        )
    topics = {"program": "program", "module": "module", "observation": "observation"}
    topics["summary"] = "observation"
    topic = next((to for key, to in topics.items() if key in name), "other")
    return rng.choice(_TALK[topic])


def _current(inputs: Mapping[str, str]) -> str:
    """Find the instruction to start from; of several that were tried, the last is the best."""
    names = [name for name in inputs if "instruction" in name and "previous" not in name]
    if not names:
        return ""
    *_, last = re.split(r"Instruction #\d+: ", inputs[names[-1]])
    return re.split(r"»|\n\[\d+\]|(?:Prefix|Resulting Score) #\d", last)[0]


def _module_advice(inputs: Mapping[str, str], evidence: str, rng: random.Random) -> dict[str, str]:
    """Advise every module that SIMBA names."""
    names = re.findall(r"[\w.]+", inputs.get("module_names", ""))
    found = {}
    for name in dict.fromkeys(name for name in names if not name.isdigit()):
        briefing = "challenger" not in name
        pieces = advice(frozenset(), evidence, rng, count=rng.randint(1, 2), briefing=briefing)
        found[name] = " ".join(pieces)
    return found


def _rules(inputs: Mapping[str, str], evidence: str, rng: random.Random) -> list[str]:
    """Advise what is not advised yet, a rule for each piece of advice."""
    known = recognise("\n\n".join([inputs["instruction"], *items(inputs["known"])]))
    count = int(inputs["count"])
    briefing = "orchestrator" in inputs["module"]
    return advice(known, evidence, rng, count=count, briefing=briefing)[:count]


def _analysis(exchanges: str, rng: random.Random) -> str:
    """Pass on which kinds of failure some records show, the most frequent one with emphasis."""
    seen = [(len(found), found[0]) for sign in SIGNS.values() if (found := sign.findall(exchanges))]
    if not seen:
        return f"No kind of failure shows up. {rng.choice(_TALK['other'])}"
    seen.sort(key=lambda one: -one[0])
    counted = [f"- {sign}: {times} times" for times, sign in seen]
    return "\n".join([f"The main cause is {seen[0][1]}. {rng.choice(_TALK['other'])}", *counted])


def _edit(inputs: Mapping[str, str], rng: random.Random) -> dict[str, Any]:
    """Edit some of a program's instructions in the light of an analysis, and at times a setting."""
    instructions: dict[str, str] = json.loads(inputs["program"])["instructions"]
    bounds = json.loads(inputs["bounds"])
    chosen = [name for name in instructions if rng.random() < _EDITED]
    chosen = chosen or [rng.choice(list(instructions))]
    edit: dict[str, Any] = {"summary": f"Advice on {', '.join(chosen)}."}
    edit["instructions"] = [
        {
            "predictor": name,
            "instruction": revise(
                instructions[name], inputs["analysis"], rng, briefing="orchestrator" in name
            ),
        }
        for name in chosen
    ]
    lowest, highest = bounds["temperature"]["lowest"], bounds["temperature"]["highest"]
    if rng.random() < _SET:
        edit["temperature"] = min(max(round(rng.uniform(lowest, highest), 2), lowest), highest)
    if rng.random() < _SET:
        edit["memory"] = rng.choice(bounds["memory"]["one of"])
    return edit


def _shortened(text: str, limit: int) -> str:
    """Leave out sentences from the end until a text fits, advice last."""
    sentences = [line for lines in paragraphs_of(text) for line in lines]
    for plain in (True, False):
        for line in reversed(sentences[1:]):
            if len(" ".join(sentences)) > limit and bool(recognise(line)) != plain:
                sentences.remove(line)
    return " ".join(sentences)[:limit]
