"""A legal exercise that keeps every rule, and models of the legal domain that answer by script."""

from collections.abc import Mapping
from typing import Any

import dspy.lm15 as lm15
from fakes import Answer, Script, Scripted, fields, solver, verdicts

from autodata.programs import DOMAINS, Autodata, Document, Episode, ModelConfig, Models, Settings
from autodata.programs.endpoint import Endpoint
from autodata.programs.lms import RoleLM
from autodata.programs.records import CapabilityTask
from autodata.programs.usage import Ledger

LEGAL = DOMAINS["legal"]

DOCUMENT = Document(
    id="harrow",
    text="# Harrow v. Tellmark Foods Ltd.\n\nA seller promised delivery by the spring. We hold "
    "that a buyer may refuse late goods because time was of the essence. " * 6,
)

BANDS = [("critical", 8), ("important", 5), ("slight", 2)]


def criterion(number: int, **changes: Any) -> dict[str, Any]:
    """Return a positive criterion; the three classes and three capabilities take turns."""
    name, weight = BANDS[number % 3]
    return {
        "criterion": f"Says step {number}.",
        "weight": weight,
        "weight_class": name,
        "capability": ("applying the rule", "weighing interests", "choosing a remedy")[number % 3],
        **changes,
    }


def error(number: int, **changes: Any) -> dict[str, Any]:
    """Return a negative criterion."""
    negative = {"weight": -4, "weight_class": "negative", "capability": "applying the rule"}
    return criterion(number, criterion=f"Asserts error {number}.", **{**negative, **changes})


RUBRIC = [*(criterion(i) for i in range(1, 16)), error(16)]

TASK: dict[str, Any] = {
    "question_type": "rights after late delivery",
    "skills": ["rule application"],
    "capabilities": {
        "primary": ["applying the rule", "weighing interests"],
        "secondary": ["choosing a remedy"],
        "rewards": "Applies the rule to the dates.",
        "penalises": "Promises a sure win.",
    },
    "question": "I ordered a tent for my daughter's wedding and it came nine days late. Can I send "
    "it back and keep my deposit of 300 crowns?",
    "reference": "You may refuse it if the date was part of the bargain, which the seller knew.",
    "rubric": RUBRIC,
}


def task(**changes: Any) -> CapabilityTask:
    """Return the exercise, with some of its fields changed."""
    return CapabilityTask.model_validate({**TASK, **changes})


EXTRACT: dict[str, Any] = {
    "suitable": True,
    "note": "It states a rule and why.",
    "document_type": "decision",
    "topics": ["sale", "delivery", "time"],
    "issues": ["May a buyer refuse late goods?"],
    "facts": "A seller promised delivery by the spring and was late.",
    "holdings": [{"rule": "Late goods may be refused.", "reasoning": "Time was essential."}],
}

REVIEW: dict[str, Any] = {
    "weak_pattern": "The weak attempts earned 0.2 to 0.5.",
    "strong_pattern": "The strong attempts earned 0.8.",
    "gap_interpretation": "Reasoning.",
    "rubric_concerns": ["Criterion 3 can be read two ways."],
    "suitability": "high",
    "verdict": "accept",
    "reason": "The attempts spread out.",
    "suggestion": "",
}


def reviewing(**changes: Any) -> Script:
    """Let the referee answer the same to every packet."""
    return lambda request, rollout: fields(**{**REVIEW, **changes})


def _judge(request: lm15.Request, rollout: str) -> Answer:
    """Find as many criteria satisfied as the answer asks for; the last one is an error."""
    text = request.messages[-1].text or ""
    return verdicts(int(text.partition("GRADE=")[2].partition(" ")[0]), of=len(RUBRIC))


SCRIPTS: dict[str, Script] = {
    "reader": lambda request, rollout: fields(extract=EXTRACT),
    "orchestrator": lambda request, rollout: (
        fields(lesson="It was flat.", brief="Another angle.")
        if "lesson" in str(request.system)
        else fields(brief="Late delivery.")
    ),
    "challenger": lambda request, rollout: fields(notes="The idea.", task=TASK),
    "verifier": lambda request, rollout: RuntimeError("the verifier asks no model"),
    "weak": solver(5),
    "strong": solver(12),
    "judge": _judge,
    "referee": reviewing(),
}


class LegalCast(dict[str, Scripted]):
    """The backends by role, and the program that speaks through them."""

    def __init__(self, scripts: Mapping[str, Script] | None = None) -> None:
        super().__init__({role: Scripted(s) for role, s in {**SCRIPTS, **(scripts or {})}.items()})

    def program(self, **settings: Any) -> Autodata:
        """Return the loop; its numbers are the domain's unless given."""
        ledger, lms = Ledger(), {}
        for role, backend in self.items():
            config = ModelConfig(model=f"fake/{role}", retries=0, patience=0)
            lms[role] = RoleLM(config, role, Endpoint(config, backend), ledger)
        own = Settings(**{**LEGAL.settings.model_dump(), **settings})
        return Autodata(Models(**lms), domain=LEGAL, settings=own)

    def run(self, document: Document = DOCUMENT, **settings: Any) -> Episode:
        """Run an episode."""
        return self.program(**settings)(document=document).episode

    def calls(self) -> dict[str, int]:
        """Return how many requests reached each role that was asked anything."""
        return {role: len(one.requests) for role, one in self.items() if one.requests}
