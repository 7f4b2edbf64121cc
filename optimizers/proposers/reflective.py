"""Instructions rewritten in the light of what went wrong, by DSPy's proposer of GEPA."""

import logging
import random
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dspy
from dspy.teleprompt.gepa import InstructionProposer

from ...programs import Autodata, Document, Episode, Round
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
    own = {name: one.signature.instructions for name, one in program.optimizable().items()}
    proposed: dict[str, list[str]] = {name: [] for name in own}
    heard = {
        name: [(e, one) for e in episodes if (one := spoken(e, name)) is not None] for name in own
    }
    proposer = _proposer()
    for number in range(count):
        for name in [name for name in own if heard[name]]:
            shown = draws.sample(heard[name], min(examples, len(heard[name])))
            records = [record(program, documents[e.document_id], e, one, name) for e, one in shown]
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


def spoken(episode: Episode, predictor: str) -> Round | None:
    """Return the last round with a task in which a predictor had its say; `None` if it had none."""
    written = [one for one in episode.rounds if one.task is not None]
    if predictor == "orchestrator.plan":
        written = [one for one in written if not one.lesson]
    elif predictor == "orchestrator.analyze":
        written = [one for one in written if one.lesson]
    return written[-1] if written else None


def record(
    program: Autodata, document: Document, episode: Episode, one: Round, predictor: str
) -> dict[str, Any]:
    """Show what a predictor was given and said in a round, and how the episode went."""
    describe = program.domain.describe
    failures = describe(episode.rounds[: one.known], memory=program.settings.memory)
    given: dict[str, Any] = {"document": episode.material or document.text}
    said: dict[str, Any] = {"brief": one.brief}
    if predictor != "orchestrator.plan":
        given["failures"] = failures
    if predictor == "challenger.write" and one.task is not None:
        given["brief"] = one.brief
        said = {"task": one.task.model_dump(mode="json")}
    elif predictor == "orchestrator.analyze":
        said["lesson"] = one.lesson
    return {
        "Inputs": given,
        "Generated Outputs": said,
        "Feedback": feedback(episode, predictor, describe),
    }


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
