"""The simulated proposer: answers the prompts of DSPy's optimizers with rewritten instructions.

It knows the advice that helps, but not that it helps: good, neutral and harmful advice is drawn by
chance, and feedback only shifts the odds.
"""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dspy.lm15 import Message, Request

from .phrases import ADVICE, BRIEFINGS, NEUTRAL, OPENINGS
from .principles import HARMFUL, LONG, PRINCIPLES, SKILLS, recognise
from .prompts import Prompt, read, write

_GOOD = tuple(sorted(PRINCIPLES.keys() - HARMFUL))
_TEMPTING = ("obscure", "exact_numbers", "generous_context", "very_long")
_KINDS = {"good": 0.45, "neutral": 0.35, "harmful": 0.20}
_ATTENTION = 0.65
"""Chance that feedback decides the first piece of advice."""
_DROP = 0.15
"""Chance that a piece of advice is given up."""

_SIGNS: dict[str, re.Pattern[str]] = {
    "easy": re.compile(r"TOO[ _]EASY"),
    "recall": re.compile(r"\bRECALL\b"),
    "leak": re.compile(r"LEAKS_ANSWER|leaked its answer"),
    "strong": re.compile(r"FAILED ON STRONG"),
    "form": re.compile(r"malformed|AdapterParseError|rubric:|could not be read", re.IGNORECASE),
}
_ANSWERS: dict[str, dict[str, int]] = {
    "easy": {"specific": 3, "reasoning": 3, "mistakes": 3, "obscure": 1, "exact_numbers": 1},
    "recall": {"reasoning": 3, "specific": 1},
    "leak": {"setup_only": 1},
    "strong": {"focused": 2, "positive_rubric": 2},
    "form": {"strict_form": 2, "positive_rubric": 1},
}
"""What a proposer tries against a kind of failure, with odds; not all of it is wise."""

_EVIDENCE = re.compile(r"feedback|example|failure|attempt|trajector|reward|analysis|diagnosis")
_FENCE = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
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


def revise(
    current: str, evidence: str, rng: random.Random, *, tip: str = "", briefing: bool = False
) -> str:
    """Rewrite an instruction: keep its substance, perhaps give up something, add advice.

    Args:
        current: The instruction to start from; empty starts a new one.
        evidence: Feedback and examples, if the prompt had any.
        rng: Decides everything.
        tip: A wish about the style, such as DSPy's `TIPS`.
        briefing: The instruction is for the orchestrator even if it mentions no writer.
    """
    briefing = briefing or "writer" in current.lower()
    paragraphs = _paragraphs(current) or [[rng.choice(BRIEFINGS if briefing else OPENINGS)]]
    if rng.random() < (0.8 if "concise" in tip else 0.3):
        paragraphs = _compact(paragraphs)
    topic = _dominant(evidence)
    if rng.random() < _DROP:
        _drop(paragraphs, None, rng)
    if topic == "strong" and rng.random() < _ATTENTION:
        _drop(paragraphs, HARMFUL, rng)
    text = "\n\n".join(" ".join(sentences) for sentences in paragraphs)
    count = 1 if "concise" in tip else 3 if "descriptive" in tip else rng.randint(1, 3)
    pieces = advice(recognise(text), evidence, rng, count=count, briefing=briefing)
    pieces = [piece for piece in pieces if piece not in text]
    if "persona" in tip and "You are" not in text:
        text = f"{NEUTRAL[7]}\n\n{text}"
    bullets = rng.random() < 0.25
    return text + "\n\n" + ("\n".join(f"- {p}" for p in pieces) if bullets else " ".join(pieces))


def advice(
    known: frozenset[str],
    evidence: str,
    rng: random.Random,
    *,
    count: int,
    briefing: bool = False,
) -> list[str]:
    """Draw pieces of advice of which none is `known`; feedback shifts the odds of the first.

    Returns:
        Sentences; more than `count` only if the draw fell on making the instruction very long.
    """
    given, pieces = set(known), list[str]()
    topic = _dominant(evidence)
    for number in range(count):
        odds = _ANSWERS.get(topic, {}) if number == 0 and rng.random() < _ATTENTION else {}
        choice = _choose(odds, given, rng) or _choose(_odds(briefing, rng), given, rng)
        if choice is None:
            fresh = [text for text in NEUTRAL if text not in pieces]
            pieces += [rng.choice(fresh)] if fresh else []
        elif choice == "very_long":
            pieces += _padding(rng)
        else:
            pieces.append(rng.choice(ADVICE[choice]))
        given |= {choice} if choice else set()
    return pieces


def _odds(briefing: bool, rng: random.Random) -> dict[str, int]:
    """Draw the kind of advice; no odds at all mean neutral advice."""
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    if kind == "neutral":
        return {}
    if kind == "harmful":
        return {rng.choices(_TEMPTING, (3, 3, 3, 1))[0]: 1}
    skills = dict.fromkeys(sorted(SKILLS), 4) if briefing else {}
    return dict.fromkeys(_GOOD, 1) | skills


def _choose(odds: Mapping[str, int], given: set[str], rng: random.Random) -> str | None:
    open_ones = {name: weight for name, weight in odds.items() if name not in given}
    if not open_ones:
        return None
    return rng.choices(list(open_ones), list(open_ones.values()))[0]


def _dominant(evidence: str) -> str:
    """Return the most frequent kind of failure in some feedback; empty if it has none."""
    counts = {topic: len(sign.findall(evidence)) for topic, sign in _SIGNS.items()}
    topic = max(counts, key=lambda one: counts[one])
    return topic if counts[topic] else ""


def _padding(rng: random.Random) -> list[str]:
    """Return so much well-meant but empty advice that an instruction is very long."""
    leads = ("", "Once more: ", "Above all: ")
    lines = [lead + line for lead in leads for line in rng.sample(NEUTRAL, len(NEUTRAL))]
    words = 0
    for end, line in enumerate(lines, 1):
        words += len(line.split())
        if words > LONG:
            return lines[:end]
    return lines


def _paragraphs(text: str) -> list[list[str]]:
    """Split into paragraphs of sentences, without what an answer's form would take for its own."""
    clean = text.replace("```", "").replace("[[ ##", "[ ##").strip()
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*[-*] )", clean)]
    return [_SENTENCE.split(part) for part in parts if part]


def _compact(paragraphs: list[list[str]]) -> list[list[str]]:
    """Keep the first paragraph, and of the others the sentences that give advice."""
    kept = [[line for line in lines if recognise(line)] for lines in paragraphs[1:]]
    return [paragraphs[0], *(lines for lines in kept if lines)]


def _drop(paragraphs: list[list[str]], names: frozenset[str] | None, rng: random.Random) -> None:
    """Give up one sentence that advises one of `names`, or anything at all."""
    found = [
        (lines, line)
        for lines in paragraphs
        for line in lines
        if (recognise(line) if names is None else recognise(line) & names)
    ]
    if found and sum(map(len, paragraphs)) > 1:
        lines, line = rng.choice(found)
        lines.remove(line)
        paragraphs[:] = [lines for lines in paragraphs if lines]


def _shortened(text: str, limit: int) -> str:
    """Leave out sentences from the end until a text fits, advice last."""
    sentences = [line for lines in _paragraphs(text) for line in lines]
    for plain in (True, False):
        for line in reversed(sentences[1:]):
            if len(" ".join(sentences)) > limit and bool(recognise(line)) != plain:
                sentences.remove(line)
    return " ".join(sentences)[:limit]
