"""Scripted language models: each role answers with what a test tells it to."""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import dspy.lm15 as lm15

from autodata.programs import ROLES, ModelConfig, Models
from autodata.programs.endpoint import Endpoint
from autodata.programs.lms import RoleLM
from autodata.programs.usage import Ledger

Answer = str | Exception | tuple[str, str]
"""Text, an error to raise, or text with a finish reason."""
Script = Callable[[lm15.Request, str], Answer]


class Scripted:
    """A backend that answers from a function of the request and the sample."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[lm15.Request] = []

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        self.requests.append(request)
        answer = self.script(request, rollout)
        if isinstance(answer, Exception):
            raise answer
        text, reason = answer if isinstance(answer, tuple) else (answer, "stop")
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(text),
            finish_reason=reason,  # pyright: ignore[reportArgumentType]
            usage=lm15.Usage(input_tokens=10, output_tokens=5),
        )

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        return self.complete(request, rollout)

    async def close(self) -> None:
        """Nothing is open."""


def fields(**values: Any) -> str:
    """Write output fields in DSPy's chat format."""
    parts = [
        f"[[ ## {name} ## ]]\n{value if isinstance(value, str) else json.dumps(value)}"
        for name, value in values.items()
    ]
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


RUBRIC = [
    {"criterion": f"Says step {i}.", "weight": 1, "category": "positive"} for i in range(1, 11)
]

TASK: dict[str, Any] = {
    "question_type": "outcome prediction",
    "skills": ["causal reasoning"],
    "context": "A field in which something is hard for a reason that matters to the question.",
    "question": "What happens to the yield if the pressure doubles?",
    "reference": "The yield falls, because the limiting step is not the one that pressure helps.",
    "rubric": RUBRIC,
}

GOOD_REPORT = {
    "leakage": "NO_LEAKAGE",
    "question": "GOOD",
    "rubric_issues": [],
    "question_type": "CONSISTENT",
    "feedback": "",
}


def verdicts(met: int, of: int = 10) -> str:
    """Let the judge find the first `met` of the criteria satisfied."""
    return fields(
        verdicts=[
            {"number": i, "evidence": "none", "satisfied": i <= met} for i in range(1, of + 1)
        ]
    )


def solver(grade: int) -> Script:
    """Answer with a marker that the scripted judge turns into a grade of `grade` tenths."""
    return lambda request, rollout: fields(
        # Every sample has an answer of its own, which does not say who wrote it.
        answer=f"GRADE={grade} and {zlib.crc32(rollout.encode())}"
    )


def judge(request: lm15.Request, rollout: str) -> Answer:
    """Give the grade that the answer asks for."""
    text = request.messages[-1].text or ""
    return verdicts(int(text.partition("GRADE=")[2].partition(" ")[0]))


DEFAULTS: dict[str, Script] = {
    "orchestrator": lambda request, rollout: (
        fields(lesson="It was too easy.", brief="Ask about limits.")
        if "lesson" in (request.system or "")
        else fields(brief="Ask about pressure.")
    ),
    "challenger": lambda request, rollout: fields(notes="The main idea.", task=TASK),
    "verifier": lambda request, rollout: fields(report=GOOD_REPORT),
    "weak": solver(3),
    "strong": solver(8),
    "judge": judge,
}


class Cast(dict[str, Scripted]):
    """The backends by role, and the models that speak through them."""

    def __init__(self, scripts: Mapping[str, Script] | None = None) -> None:
        scripts = {**DEFAULTS, **(scripts or {})}
        super().__init__({role: Scripted(scripts[role]) for role in ROLES})
        self.ledger = Ledger()

    @property
    def models(self) -> Models:
        lms = {}
        for role, backend in self.items():
            config = ModelConfig(model=f"fake/{role}", retries=0, patience=0)
            lms[role] = RoleLM(config, role, Endpoint(config, backend), self.ledger)
        return Models(**lms)

    def calls(self, role: str) -> int:
        """Return how many requests reached a role's backend."""
        return len(self[role].requests)
