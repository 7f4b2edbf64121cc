"""Seed tasks: a few written by people, from which Self-Instruct and CoT Self-Instruct start."""

import random
from collections.abc import Sequence
from functools import cache
from importlib import resources

from ..domains import Domain
from ..records import Document, Record
from ..usage import rollout


class Seed(Record):
    """An instruction with one instance of it."""

    domain: str
    """Name of the domain that it is for."""
    instruction: str
    """What is to be done, without the material to do it on."""
    input: str
    """The material; empty if the instruction needs none."""
    output: str
    """What a person did."""
    classification: bool = False
    """Whether the output is one of a few labels."""


@cache
def _packaged() -> tuple[Seed, ...]:
    folder = resources.files(__name__.rpartition(".")[0])
    text = (folder / "seeds.jsonl").read_text(encoding="utf-8")
    return tuple(Seed.model_validate_json(line) for line in text.splitlines() if line)


def seeds_for(domain: Domain, own: Sequence[Seed] | None = None) -> tuple[Seed, ...]:
    """Return the seed tasks of a domain, or the caller's own.

    Raises:
        ValueError: If there are none.
    """
    found = (
        tuple(own) if own is not None else tuple(s for s in _packaged() if s.domain == domain.name)
    )
    if not found:
        known = ", ".join(sorted({seed.domain for seed in _packaged()}))
        raise ValueError(
            f"domain={domain.name!r}: there are seed tasks for {known} only; give at least one of "
            "your own as seeds=[Seed(...)]"
        )
    return found


def drawn(document: Document) -> random.Random:
    """Return the draws of one round on a document: repeatable, and other ones in another sample."""
    return random.Random(f"seeds/{document.id}/{rollout()}")


def instance(instruction: str, given: str, result: str) -> str:
    """Write an instruction and its instance down for a model."""
    parts = [("Instruction", instruction), ("Input", given), ("Output", result)]
    return "\n\n".join(f"{name}: {text.strip()}" for name, text in parts if text.strip())
