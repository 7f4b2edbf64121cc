"""Single rules for an instruction, which a search can switch on and off one by one."""

import json
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

import dspy

from ...programs import Autodata, Document, Episode
from ...programs.usage import sample
from .reflective import record, spoken

logger = logging.getLogger(__name__)


class ProposeRules(dspy.Signature):
    """Propose rules to add to the instruction of one module of a program that writes tasks.

    The program is measured by how much better a strong solver does its tasks than a weak one, over
    all documents; a document without an accepted task counts nothing. The examples show what the
    module was given, what it said and what came of it.

    Look for what went wrong on several documents, and for what tasks that were accepted have in
    common. Every rule will be tried with and without the others, so let each stand for itself: one
    sentence that says one thing to do or to avoid. It must hold for any document: name none, and
    quote none. Propose rules that differ from one another in what they ask for, and from the
    instruction and the known rules.
    """

    module: str = dspy.InputField(desc="name of the module")
    instruction: str = dspy.InputField(desc="its present instruction")
    known: str = dspy.InputField(desc="JSON list of the rules that were proposed before")
    examples: str = dspy.InputField(desc="JSON list of records of the module at work")
    count: int = dspy.InputField(desc="how many rules to propose")
    rules: list[str] = dspy.OutputField(desc="the new rules, the most promising first")


def proposed_rules(
    program: Autodata,
    documents: Mapping[str, Document],
    episodes: Sequence[Episode],
    known: Mapping[str, Sequence[str]],
    lm: dspy.LM,
    *,
    count: int,
    seed: int,
    examples: int = 3,
) -> dict[str, list[str]]:
    """Propose rules for every optimizable predictor.

    Args:
        program: The program that ran the episodes.
        documents: Their documents, by id.
        episodes: What it did on training documents.
        known: Rules proposed before, by predictor name.
        lm: The model that proposes.
        count: Rules per predictor.
        seed: Decides which episodes the model is shown.
        examples: Episodes that it is shown for each predictor.

    Returns:
        For each predictor name at most `count` new rules. A predictor whose answer cannot be read
        has none, and is named in a warning.

    Raises:
        dspy.LMError: If the model cannot be reached.
    """
    names = program.optimizable()
    if count == 0:
        return {name: [] for name in names}
    draws = random.Random(f"{seed}/rules")
    propose = dspy.Predict(ProposeRules)
    found: dict[str, list[str]] = {}
    for name, predictor in names.items():
        heard = [(e, one) for e in episodes if (one := spoken(e, name)) is not None]
        shown = draws.sample(heard, min(examples, len(heard)))
        records = [record(program, documents[e.document_id], e, one, name) for e, one in shown]
        before = list(known.get(name, ()))
        try:
            with sample(f"rules-{seed}"), dspy.context(lm=lm, disable_history=True):
                said: Any = propose(
                    module=name,
                    instruction=predictor.signature.instructions,
                    known=json.dumps(before, ensure_ascii=False),
                    examples=json.dumps(records, ensure_ascii=False),
                    count=count,
                )
        except dspy.AdapterParseError as error:
            logger.warning("rules for %s were not readable: %s", name, _line(error))
            found[name] = []
            continue
        new = dict.fromkeys(" ".join(rule.split()) for rule in said.rules)
        found[name] = [rule for rule in new if rule and rule not in before][:count]
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
