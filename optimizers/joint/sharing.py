"""What processes tell each other through the attributes of studies and trials."""

import base64
import hashlib
import json
import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dspy
from optuna.exceptions import UpdateFinishedTrialError

from ...programs import ROLES, Document, Episode
from ...programs.lms import RoleLM
from ..candidate import Candidate
from ..objective import Objective
from .storage import faults

logger = logging.getLogger(__name__)

PIECE = 10**6
"""Characters in one attribute; a message of the gRPC proxy holds four times that."""

REACHED = {
    "api_base",
    "api_key_env",
    "timeout",
    "retries",
    "concurrency",
    "patience",
    "hedge",
    "several",
    "input_price",
    "output_price",
}
"""Settings of a model that say how it is reached, and do not touch what it answers."""

Write = Callable[[str, Any], None]
"""Sets an attribute: `set_user_attr` of a study or a trial."""


@dataclass(frozen=True)
class Timing:
    """How patient processes are with each other, in seconds."""

    poll: float = 1.0
    """Between two looks at what the others have done."""
    beat: float = 10.0
    """Between two signs of life."""
    grace: float = 30.0
    """Without a sign of life after which a trial is given to another process; three beats."""
    patience: float = 300.0
    """Without a sign of life from the leader after which a worker ends."""


def put_text(write: Write, name: str, text: str) -> None:
    """Keep a long text in attributes; it is there as a whole or not at all."""
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    for index, piece in enumerate(pieces):
        write(f"{name}.{index}", piece)
    write(name, len(pieces))


def get_text(attributes: Mapping[str, Any], name: str) -> str | None:
    """Return a text that `put_text` has kept; `None` if it is not there."""
    if name not in attributes:
        return None
    return "".join(attributes[f"{name}.{index}"] for index in range(attributes[name]))


def packed(episodes: Sequence[Episode]) -> str:
    """Return episodes as a short text."""
    plain = json.dumps([episode.model_dump(mode="json") for episode in episodes])
    return base64.b64encode(zlib.compress(plain.encode())).decode()


def unpacked(text: str) -> list[Episode]:
    """Return the episodes that `packed` was given."""
    plain = json.loads(zlib.decompress(base64.b64decode(text)))
    return [Episode.model_validate(one) for one in plain]


def kin(objective: Objective, documents: Sequence[Document]) -> str:
    """Return a hash of what must be equal wherever episodes are exchanged.

    It covers the program as it is given, its gate, its models and their settings, the seed and the
    documents; how a model is reached may differ from host to host.
    """
    program = objective.program
    parts = [
        objective.seed,
        Candidate.of(program).id,
        program.gate.model_dump(mode="json"),
        program.settings.model_dump(mode="json"),
        [_answering(getattr(program, role).role_lm) for role in ROLES],
        [(one.id, hashlib.sha256(one.text.encode()).hexdigest()) for one in documents],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _answering(lm: dspy.LM | None) -> Any:
    """Return what decides a model's answers; of other classes than ours only the name is known."""
    if isinstance(lm, RoleLM):
        return lm.config.model_dump(mode="json", exclude=REACHED)
    return None if lm is None else lm.model


@contextmanager
def beating(write: Write, every: float) -> Iterator[None]:
    """Give a sign of life inside of the block, from a thread of its own."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every):
            try:
                write("beat", time.time())
            except UpdateFinishedTrialError:
                return  # Another process has it; who measures finds out when it writes.
            except faults() as error:
                logger.warning("no sign of life could be given: %s", type(error).__name__)

    thread = threading.Thread(target=beat, name="autodata-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Pulse:
    """Tells by marks that change who is at work, so that no two hosts' clocks are compared."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[object, tuple[object, float]] = {}

    def age(self, key: object, mark: object) -> float:
        """Return for how many seconds the mark of `key` has been the same, as seen from here."""
        now = self._clock()
        before, since = self._seen.get(key, (None, now))
        if key not in self._seen or before != mark:
            since = now
        self._seen[key] = (mark, since)
        return now - since
