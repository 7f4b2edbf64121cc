"""Demonstrations taken from episodes that ended well."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...programs import Autodata, Document, Episode, Round
from ...programs.challenger import with_angle

Demos = dict[str, list[dict[str, Any]]]
"""Demonstrations by predictor name, as plain JSON."""


def demo_sets(
    program: Autodata,
    documents: Mapping[str, Document],
    episodes: Sequence[Episode],
    *,
    sizes: Sequence[int] = (1, 2),
) -> dict[str, Demos]:
    """Build sets of demonstrations from accepted tasks, the largest gap first.

    Args:
        program: The program that ran the episodes.
        documents: The documents of the episodes, by id.
        episodes: Finished episodes; those without an accepted task give nothing.
        sizes: How many accepted tasks each set shows.

    Returns:
        Sets by name: `none`, and `best-N` for each size that enough episodes ended well for.
    """
    ended_well = [episode for episode in episodes if episode.accepted is not None]
    ended_well.sort(key=lambda episode: (-(episode.score or 0), episode.document_id))
    sets: dict[str, Demos] = {"none": {}}
    for size in sizes:
        if len(ended_well) < size:
            continue
        chosen = [
            shown(program, documents[episode.document_id], episode, episode.rounds[-1])
            for episode in ended_well[:size]
        ]
        names = sorted({name for demos in chosen for name in demos})
        sets[f"best-{size}"] = {name: [d[name] for d in chosen if name in d] for name in names}
    return sets


def shown(
    program: Autodata, document: Document, episode: Episode, one: Round
) -> dict[str, dict[str, Any]]:
    """Show what each predictor was given and what it said in a round of an episode."""
    known = episode.rounds[: one.known]
    failures = program.domain.describe(known, memory=program.settings.memory)
    material = episode.material or document.text
    return {
        "challenger.write": {
            "document": material,
            "rules": program.domain.rules.describe(),
            "brief": with_angle(one.brief, one.angle),
            "failures": failures,
            "notes": one.notes,
            "task": one.task.model_dump(mode="json") if one.task else {},
        },
        **_orchestration(material, one, failures),
    }


def _orchestration(material: str, one: Round, failures: str) -> dict[str, dict[str, Any]]:
    if not failures:
        return {"orchestrator.plan": {"document": material, "brief": one.brief}}
    given = {"document": material, "failures": failures}
    return {"orchestrator.analyze": {**given, "lesson": one.lesson, "brief": one.brief}}
