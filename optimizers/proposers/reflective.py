"""Instructions rewritten in the light of what went wrong, by DSPy's proposer of GEPA."""

import logging
import random
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dspy
from dspy.teleprompt.gepa import InstructionProposer

from ...programs import Autodata, Document, Episode
from ...programs.usage import sample
from ..feedback import feedback

logger = logging.getLogger(__name__)


def reflective_instructions(
    program: Autodata,
    documents: Mapping[str, Document],
    episodes: Sequence[Episode],
    lm: dspy.LM,
    *,
    count: int,
    seed: int,
    examples: int = 3,
) -> dict[str, list[str]]:
    """Propose new instructions for every optimizable predictor.

    Args:
        program: The program that ran the episodes.
        documents: Their documents, by id.
        episodes: What it did on training documents.
        lm: The model that reflects.
        count: Proposals per predictor.
        seed: Decides which episodes each proposal is shown.
        examples: Episodes that a proposal is shown.

    Returns:
        For each predictor name its proposals without repetition. A proposal that the model failed
        to write in a readable form is left out with a warning.

    Raises:
        dspy.LMError: If the model cannot be reached.
    """
    draws = random.Random(f"{seed}/reflective")
    tried = [episode for episode in episodes if any(one.task for one in episode.rounds)]
    own = {name: one.signature.instructions for name, one in program.optimizable().items()}
    proposed: dict[str, list[str]] = {name: [] for name in own}
    if not tried:
        return proposed
    proposer = _proposer()
    for number in range(count):
        shown = draws.sample(tried, min(examples, len(tried)))
        for name in own:
            records = [_record(documents[one.document_id], one, name) for one in shown]
            try:
                with sample(f"reflective-{number}"), dspy.context(lm=lm, disable_history=True):
                    new = proposer(own, {name: records}, [name])[name]
            except (dspy.AdapterParseError, ValueError) as error:
                logger.warning("a proposal for %s was not readable: %s", name, _line(error))
                continue
            if new.strip() != own[name] and new not in proposed[name]:
                proposed[name].append(new)
    return proposed


def _proposer() -> Any:
    with warnings.catch_warnings():
        # DSPy calls it experimental: its interface may change, and the version is pinned.
        warnings.simplefilter("ignore")
        return InstructionProposer()


def _record(document: Document, episode: Episode, predictor: str) -> dict[str, Any]:
    """Show what a predictor was given and said in an episode's last written task, and the rest."""
    last = next(one for one in reversed(episode.rounds) if one.task is not None)
    said: dict[str, Any] = {"brief": last.brief}
    given: dict[str, Any] = {"document": document.text}
    if predictor == "challenger.write" and last.task is not None:
        given["brief"] = last.brief
        said = {"task": last.task.model_dump(mode="json")}
    elif predictor == "orchestrator.analyze":
        said["lesson"] = last.lesson
    return {
        "Inputs": given,
        "Generated Outputs": said,
        "Feedback": feedback(episode, predictor),
    }


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
