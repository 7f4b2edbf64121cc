"""A simulated language model: reads DSPy's prompts and answers each job in text."""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import dspy.lm15 as lm15

from .briefing import brief
from .faults import Tries, due, spoil, strike
from .instructing import instructed
from .judging import check, judge
from .kinds import answered
from .options import Options, parse
from .prompts import Prompt, read, system_text, write
from .proposer import Proposer
from .seeds import number, stream, uniform
from .solving import solve
from .writing import write_task

_NORMAL = NormalDist()


class SimulatedModel:
    """Answers requests offline, as text, the same way whenever and wherever it is asked.

    An answer follows from the request, the sample that it belongs to and the options. The one thing
    kept is how often a request was tried, so that a retry after a simulated outage can succeed.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        """Make a model.

        Args:
            name: One of `NAMES`.
            options: See `Options`.

        Raises:
            ValueError: If the name or an option is unknown, or a value is out of range.
        """
        self.name = name
        self.options: Options = parse(name, options or {})
        self._tries = Tries()

    def latency(self, request: lm15.Request, rollout: str) -> float:
        """Return the seconds that the answer takes."""
        mean, spread = self.options.latency, self.options.latency_spread
        if mean == 0 or spread == 0:
            return mean
        chance = uniform(self.options.seed, self.name, "latency", _digest(request), rollout)
        normal = _NORMAL.inv_cdf(min(max(chance, 1e-9), 1 - 1e-9))
        return mean * math.exp(spread * normal - spread**2 / 2)

    def answer(self, request: lm15.Request, rollout: str) -> lm15.Response:
        """Answer a request.

        Args:
            request: As DSPy's adapters make it.
            rollout: Path of the sample; another path draws afresh.

        Raises:
            lm15.LM15Error: If a fault of the transport was asked for and is due.
        """
        root = (self.options.seed, self.name)
        faults = self.options.faults
        faulty = faults.model_fields_set
        call: tuple[object, ...] = ()
        if faulty:
            this = (_digest(request), rollout)
            call = (*root, "fault", *this, self._tries.next(this))
            strike(faults, call)
            self._tries.forget(this)
        prompt = read(request)
        text = self._text(request, prompt, rollout, root)
        cut = False
        if faulty:
            text, cut = spoil(text, prompt.form, faults, call)
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(text),
            finish_reason="length" if cut else "stop",
            usage=_usage(request, text),
        )

    def _text(
        self, request: lm15.Request, prompt: Prompt, rollout: str, root: tuple[object, ...]
    ) -> str:
        """Do the job that the output fields name."""
        wanted = set(prompt.form.outputs)
        content = number(prompt.content)
        key = (*root, content, rollout)
        faults = self.options.faults
        if self.name == "proposer":
            turns = [(message.role, message.text or "") for message in request.messages]
            draw = stream(*root, "proposal", _digest(request), rollout)
            return Proposer().answer(system_text(request), turns, draw)
        special = instructed(prompt, key) or answered(prompt, key, self.options)
        if special is not None:
            return write(prompt.form, special)
        if "task" in wanted:
            leaked = due(faults.leak, *key, "leak")
            return write(prompt.form, write_task(prompt, key, leaked=leaked))
        if "brief" in wanted:
            return write(prompt.form, brief(prompt, key))
        if "report" in wanted:
            return write(prompt.form, check(prompt, key))
        if "verdicts" in wanted:
            return write(prompt.form, judge(prompt, self.options.seed, self.options.judge_error))
        if "answer" in wanted:
            if due(faults.identical, *root, content, "identical"):
                key = (*root, content)
            return write(prompt.form, solve(prompt, key, self.options.ability))
        return write(prompt.form, {})


def _digest(request: lm15.Request) -> int:
    """Return a hash of everything in a request that a model reads."""
    parts = [system_text(request), request.config.temperature]
    return number(*parts, *(f"{m.role}\x1e{m.text}" for m in request.messages))


def _usage(request: lm15.Request, text: str) -> lm15.Usage:
    """Count tokens as a quarter of the characters."""
    asked = len(system_text(request)) + sum(len(m.text or "") for m in request.messages)
    return lm15.Usage(input_tokens=asked // 4 + 1, output_tokens=len(text) // 4 + 1)
