"""What can go wrong with a request, and which request meets what: drawn by seed, or scripted."""

import hashlib
import json
import random
from typing import Any, NamedTuple

ODD = ("wrong_type", "no_usage", "length")
"""Answers all the same: HTML by their own account, without a count of tokens, cut at the limit."""
SLOW = ("hang", "drip", "drip_head")
"""Nothing ever; the body, or the head, byte by byte. Only the client can end these."""
HUGE = ("huge", "huge_chunked", "huge_packed")
"""100 MB that look like an answer: announced, unannounced, and packed into 100 kB."""
HUGE_BYTES = 100 * 2**20
CUT = ("reset", "cut_head", "cut_body", "cut_chunk", "not_http")
"""A connection that ends before there is an answer, or does not speak HTTP."""
REFUSED = ("429", "429_seconds", "429_date", "429_nonsense", "500", "503", "page_502")
"""A status that says no; 429 without Retry-After, and with every form of it."""
UNREADABLE = (
    "page_200",
    "torn_json",
    "not_json",
    "nested",
    "empty_body",
    "no_choices",
    "bad_gzip",
)
"""Status 200, and a body that is no chat completion."""
FAULTS = (*REFUSED, *UNREADABLE, *CUT, *SLOW, *HUGE)
"""Everything that is no answer."""
STORM = "storm"
"""What a request meets that comes while a storm lasts: 503."""
MIXED = {kind: 1.0 for kind in (*FAULTS, *ODD)} | dict.fromkeys(SLOW, 0.5)
MIXED |= dict.fromkeys(HUGE, 0.1)
"""Weights of the kinds in a long run. The slow ones take a client's timeout, the huge ones CPU."""


class Plan(NamedTuple):
    """What the server does to requests that no script is for."""

    seed: int = 0
    rate: float = 0.0
    """Share of the requests that meet a fault, in [0, 1]."""
    weights: dict[str, float] = MIXED
    """How often each kind is drawn, beside the others."""
    latency: float = 0.0
    """Seconds until an answer or a refusal, on average."""
    spread: float = 0.0
    """Share of the latency that is drawn, in [0, 1]; 0 makes all requests equally slow."""
    pause: float = 0.01
    """Seconds that a Retry-After asks for."""
    drip: float = 0.1
    """Seconds between two bytes of a slow answer."""
    storm_after: int = 0
    """Number of the request that a storm begins with; 0 for none."""
    storm_seconds: float = 0.0
    """How long it lasts."""

    def drawn(self, digest: str, number: int) -> tuple[str, float]:
        """Return a request's fault, empty for none, and its latency.

        Both follow from the seed, the prompt and how often that prompt has come: not from the order
        in which different prompts come.
        """
        draw = random.Random(f"{self.seed}/{digest}/{number}")
        kind = ""
        if draw.random() < self.rate:
            kind = draw.choices(list(self.weights), list(self.weights.values()))[0]
        return kind, self.latency * (1 + self.spread * (2 * draw.random() - 1))


def digest(body: dict[str, Any]) -> str:
    """Return the model, and a short hash of everything in a request that it reads."""
    read = json.dumps(body["messages"], sort_keys=True)
    return f"{body['model']}-{hashlib.sha256(read.encode()).hexdigest()[:16]}"
