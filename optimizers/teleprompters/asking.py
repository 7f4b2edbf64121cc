"""The model that proposes, as DSPy's optimizers are given it."""

import threading
from typing import Any

import dspy
import dspy.lm15 as lm15

from ...programs.usage import rollout, sample
from .bench import Bench, Stopped


class Asking:
    """An engine that answers each repetition of a request afresh, and notices an outage.

    DSPy asks for several proposals by sending one request several times, and seeds none of it.
    Here the seed and the number of the repetition are part of the sample, so that the answers
    differ, and are the same again when the search is repeated.

    Some optimizers go on without a proposal that failed. Here a request that follows one whose last
    attempt failed ends the search.
    """

    def __init__(self, engine: Any, bench: Bench, seed: int) -> None:
        self._engine, self._bench, self._seed = engine, bench, seed
        self._answers: dict[str, int] = {}
        self._failed: tuple[str, Exception] | None = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """Have the same abilities as the engine."""
        return getattr(self._engine, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Asking":
        return self

    def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer one request."""
        key = f"{rollout()}\n{request!r}"
        if self._failed is not None and self._failed[0] != key:
            self.raise_outage()
        with self._lock:
            number = self._answers.get(key, 0)
        try:
            with sample(f"seed-{self._seed}/{number}"):
                response = self._engine.complete(request)
        except lm15.ContextLengthError:
            raise  # No outage: InferRules shows less and asks again.
        except lm15.LM15Error as error:
            self._failed = (key, error)
            raise
        except Exception as error:
            self._bench.fault = error
            raise Stopped from error
        with self._lock:
            self._answers[key] = number + 1
        self._failed = None
        return response

    def raise_outage(self) -> None:
        """Stop if the last request got no answer.

        Raises:
            Stopped: If so; the bench has the reason.
        """
        if self._failed is None:
            return
        said = " ".join(str(self._failed[1]).split())[:300]
        self._bench.fault = RuntimeError(
            f"proposer: {said}; mend the endpoint and run again, nothing finished is lost"
        )
        raise Stopped


def asking(proposer: dspy.LM, bench: Bench, seed: int) -> tuple[dspy.LM, Asking]:
    """Return the proposer with such an engine, and the engine."""
    engine = Asking(proposer.engine, bench, seed)
    return proposer.copy(engine=engine), engine
