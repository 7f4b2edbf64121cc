"""What all roles share: a model of their own, a format to speak in, and failures as data."""

from typing import Any, NamedTuple

import dspy

from ..metrics.answers import PoolError
from . import background, direct
from .adapters import CHAT, SCHEMA
from .records import Failure
from .sandbox import SandboxError
from .usage import Call, observing


class Role(dspy.Module):
    """A module for one job, with a language model of its own.

    The model is kept on the role and not on its predictors, where DSPy's optimizers would reset it
    and where it would enter the saved state. Without one the role uses `dspy.settings.lm`.
    """

    def __init__(self, name: str, lm: dspy.LM | None = None) -> None:
        super().__init__()
        self.name = name
        self.role_lm = lm
        self.temperature: float | None = None
        """Overrides the model's own sampling temperature, in [0, 2]; part of a candidate."""

    async def speak(self, predict: dspy.Predict, **inputs: Any) -> dspy.Prediction:
        """Call a predictor with this role's model and format."""
        lm = self.role_lm or dspy.settings.lm
        adapter = SCHEMA if getattr(lm, "structured", False) else CHAT
        config = {} if self.temperature is None else {"temperature": self.temperature}
        with dspy.context(lm=lm, adapter=adapter, disable_history=True):
            if direct.unwatched(predict) and direct.fits(lm, adapter, config, predict.signature):
                signature: Any = predict.signature
                asked = adapter.acall(lm, config, signature, predict.demos, inputs)
                return dspy.Prediction(**(await asked)[0])
            return await predict.acall(config=config, **inputs)

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """Call the role from synchronous code."""
        return background.run(self.aforward(**inputs))

    async def aforward(self, *args: Any, **inputs: Any) -> dspy.Prediction:
        """Do the role's job; every role defines this."""
        raise NotImplementedError(f"{type(self).__name__} must define aforward")


class Reply(NamedTuple):
    """What came back from a role: a prediction or a failure, never both."""

    prediction: Any
    """The role's `dspy.Prediction`; `None` if it failed."""
    failure: Failure | None
    truncated: bool
    """The last answer of the model hit its token limit."""


async def ask(role: Role, **inputs: Any) -> Reply:
    """Call a role. Faults of models and unreadable answers become a `Failure`; a bug still raises.

    DSPy has by then retried transient errors and asked once more, in its other format, for an
    answer that could not be read.
    """
    calls: list[Call] = []
    prediction, failure = None, None
    with observing(calls.append):
        try:
            call = role.aforward if direct.unheard(role) else role.acall
            prediction = await call(**inputs)
        except dspy.AdapterParseError as error:
            empty = isinstance(error.lm_response, str) and not error.lm_response.strip()
            kind = "empty" if empty else "malformed"
            failure = Failure(role=role.name, kind=kind, message=_first_line(error))
        except dspy.LMUnexpectedError as error:
            raise error.__cause__ or error from None
        except (dspy.LMError, SandboxError, PoolError) as error:
            failure = Failure(role=role.name, kind="infrastructure", message=_first_line(error))
    truncated = bool(calls) and calls[-1].finish_reason == "length"
    if failure is not None and failure.kind != "infrastructure" and truncated:
        failure = Failure(
            role=role.name,
            kind="truncated",
            message="the answer hit the token limit before it was complete; raise max_tokens",
        )
    return Reply(prediction, failure, truncated)


def _first_line(error: Exception, limit: int = 300) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:limit]}" if lines else type(error).__name__
