"""Episodes in words, for a model that rewrites the instructions that led to them."""

from ..programs.domains.base import Describe
from ..programs.orchestrator import describe_failures
from ..programs.records import Episode, Round

_ADVICE = {
    "challenger.write": "You are judged by the tasks that you write.",
    "orchestrator.plan": "You are judged by what the first brief leads to.",
    "orchestrator.analyze": "You are judged by how soon your lessons lead to an accepted task.",
}


def feedback(
    episode: Episode, predictor: str | None = None, describe: Describe = describe_failures
) -> str:
    """Say how an episode ended and why its rounds failed.

    Args:
        episode: A finished episode.
        predictor: Whose instructions the reader will rewrite; adds what that role answers for.
        describe: How the domain tells of failed rounds.

    Returns:
        A paragraph and the failed rounds by group, the latest in detail.
    """
    tried = len(episode.rounds)
    accepted = episode.accepted
    if accepted is not None:
        head = f"Accepted in round {tried}: {_contest(accepted)}."
    else:
        head = f"No task was accepted in {tried} rounds (stopped by: {episode.stopped})."
    parts = [head, _ADVICE.get(predictor or "", "")]
    failures = describe(episode.rounds, memory=4)
    if failures:
        parts.append(f"Rounds that failed:\n{failures}")
    return "\n".join(part for part in parts if part)


def _contest(one: Round) -> str:
    weak, strong, gap = one.mean("weak"), one.mean("strong"), one.gap
    if weak is None or strong is None or gap is None:
        return "not scored"
    return f"weak {float(weak):.2f}, strong {float(strong):.2f}, gap {float(gap):.2f}"
