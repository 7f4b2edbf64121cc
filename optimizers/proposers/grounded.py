"""Instructions written by DSPy's grounded proposer (that of MIPROv2)."""

import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dspy
from dspy.propose import GroundedProposer

from ...programs import Autodata, Document
from ...programs.meter import heeded
from .bootstrap import Demos


def grounded_instructions(
    program: Autodata,
    documents: Sequence[Document],
    demos: Mapping[str, Demos],
    lm: dspy.LM,
    *,
    count: int,
    seed: int,
) -> dict[str, list[str]]:
    """Propose new instructions for every optimizable predictor.

    Args:
        program: The program to improve; its own instructions are what the proposer starts from.
        documents: Training documents, which the proposer summarizes and looks at.
        demos: Named sets of demonstrations, shown as examples of what the program does.
        lm: The model that writes.
        count: Proposals per predictor.
        seed: Decides which tip and which demonstrations each proposal is given.

    Returns:
        For each predictor name its proposals without repetition; the program's own instruction is
        not among them.

    Raises:
        BudgetError: If the run's budget is used up.
    """
    names = list(program.optimizable())
    if count == 0:
        return {name: [] for name in names}
    proposer = GroundedProposer(
        prompt_model=lm,
        program=program,
        trainset=[_example(document) for document in documents],
        view_data_batch_size=5,
        program_aware=False,
        use_dataset_summary=True,
        use_task_demos=True,
        num_demos_in_context=1,
        use_tip=True,
        set_tip_randomly=True,
        use_instruct_history=False,
        set_history_randomly=False,
        rng=random.Random(f"{seed}/grounded"),
    )
    # The proposer goes on without what it failed to ask, and would give other texts for it.
    budget = heeded(getattr(lm, "meter", None))
    with budget, dspy.context(lm=lm, disable_history=True), _without_remarks():
        proposed: Any = proposer.propose_instructions_for_program(
            trainset=[_example(document) for document in documents],
            program=program,
            demo_candidates=_as_dspy(names, demos, count),
            N=count,
            trial_logs={},
        )
    own = {name: one.signature.instructions for name, one in program.optimizable().items()}
    return {
        name: [text for text in dict.fromkeys(proposed[i]) if text.strip() not in ("", own[name])]
        for i, name in enumerate(names)
    }


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Silence a warning that the proposer causes with every one of its own calls."""
    logger = logging.getLogger("dspy.predict.predict")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _example(document: Document) -> dspy.Example:
    return dspy.Example(document=document.text).with_inputs("document")


def _as_dspy(
    names: Sequence[str], demos: Mapping[str, Demos], count: int
) -> dict[int, list[list[Any]]]:
    """Arrange demonstrations as DSPy wants them: by predictor index, one set per proposal."""
    sets = [list(demos.values())[i % len(demos)] for i in range(count)]
    return {
        i: [[dspy.Example(**demo, augmented=True) for demo in one.get(name, [])] for one in sets]
        for i, name in enumerate(names)
    }
