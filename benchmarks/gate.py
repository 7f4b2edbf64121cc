"""What racing and the sequential test save, and which verdicts they change. Offline, same seeds.

The loop runs on the packaged documents with every attempt, and its tasks are replayed: which of
these attempts would have been made solver by solver (all weak attempts, then all strong ones if the
weak ones pass), by racing, and by a sequential test? The paper goes solver by solver in research
and makes every attempt in the other domains. All ways meet the very same tasks.

An attempt is counted with its role's average calls and tokens. "Lost" are tasks that all attempts
accept and the test rejects. "Verifier last" asks the verifier about accepted tasks only; a task
that it had refused untried is taken to cost what the others do. Intervals: 95 %, bootstrap over
documents, whose seeds are added up.

The last columns are loops that really ran that way, with fewer seeds. They part from one another as
soon as a round is told otherwise, so that chance is in how many documents end accepted, and in
`differs`: documents that do in one way and not with every attempt.

    python benchmarks/gate.py [--domains research] [--seeds 6] [--loops 2]
    python benchmarks/gate.py --domains scientific --seeds 2 --loops 1
"""

import argparse
import asyncio
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from autodata.experiments.documents import DocumentSource, load
from autodata.metrics import Gate, decide
from autodata.metrics.sequential import decide_early
from autodata.programs import (
    Autodata,
    Document,
    Episode,
    LanguageModels,
    ModelConfig,
    Outcome,
    Round,
    Settings,
    Usage,
)
from autodata.programs.contest import Contest
from autodata.programs.domains import Domain, find_domain

ERRORS = (0.05, 0.1)


class Staged(Contest):
    """A solver makes all its attempts, the strong one if the weak one has passed."""

    async def decide(self, tried: Any, task: Any) -> Any:
        """Decide between the solvers and never within one's attempts."""
        plan = self.settings
        weak = await self._attempts(self.weak, plan.weak_attempts, task, lambda done: False)
        strong = []
        if self._certain(weak, ()) is None:
            strong = await self._attempts(
                self.strong, plan.strong_attempts, task, lambda done: False
            )
        return self._decided(tried, weak, strong)


class InStages(Autodata):
    """The loop in the paper's order for research."""

    def _contest(self, gate: Gate) -> Contest:
        made = super()._contest(gate)
        return Staged(**{name: getattr(made, name) for name in made.__dataclass_fields__})


class Way(NamedTuple):
    """A way to run the loop."""

    name: str
    settings: dict[str, Any]
    program: type[Autodata] = Autodata

    @property
    def late(self) -> bool:
        """Whether the verifier comes last."""
        return bool(self.settings.get("verify_last"))


WAYS = (
    Way("every attempt", {"race": False}),
    Way("solver by solver", {}, InStages),
    Way("racing", {}),
    *(Way(f"sequential {error:g}", {"error": error}) for error in ERRORS),
    Way("racing, verifier last", {"verify_last": True}),
    *(
        Way(f"sequential {error:g}, verifier last", {"error": error, "verify_last": True})
        for error in ERRORS
    ),
)


def episodes(way: Way, domain: Domain, seed: int, documents: Sequence[Document]) -> list[Episode]:
    """Run the loop on all documents, sixteen at a time."""
    configs = {
        role: ModelConfig(model=f"simulation/{role}", extra={"seed": seed})
        for role in domain.spoken
    }
    settings = Settings.model_validate({**domain.settings.model_dump(), **way.settings})
    program = way.program(LanguageModels(configs).roles, domain, settings=settings)

    async def all_of_them() -> list[Episode]:
        limit = asyncio.Semaphore(16)

        async def one(document: Document) -> Episode:
            async with limit:
                return (await program.acall(document, rollout=str(seed))).episode

        return list(await asyncio.gather(*map(one, documents)))

    return asyncio.run(all_of_them())


class Cost(NamedTuple):
    """What a way costs on one document, and what it finds."""

    calls: float
    tokens: float
    accepted: int
    lost: int


def cost(way: Way, found: Sequence[Episode], domain: Domain) -> list[Cost]:
    """Replay episodes in which every attempt was made; one entry an episode."""
    roles = sum_roles(found)
    attempts = sum(len(r.grades("weak") + r.grades("strong")) for e in found for r in e.rounds)
    judge = roles.get("judge", Usage())
    graded = np.array([judge.calls, judge.tokens]) / max(attempts, 1)
    price = {
        who: graded + np.array([1, roles[who].tokens / roles[who].calls])
        for who in ("weak", "strong")
    }
    check = roles.get("verifier", Usage())
    checked = np.array([1, check.tokens / max(check.calls, 1)])
    result: list[Cost] = []
    for episode in found:
        rest = Usage()
        for name, used in episode.roles.items():
            rest = rest if name in ("weak", "strong", "judge") else rest + used
        spent = np.array([rest.calls, rest.tokens], dtype=float)
        good = kept = 0
        tried: list[Any] = []
        for one in episode.rounds:
            if one.grades("weak") and one.grades("strong") and one.failure is None:
                accepted, weak, strong = asked(way, one, domain.gate)
                tried.append(weak * price["weak"] + strong * price["strong"])
                good, kept = good + (one.outcome is Outcome.ACCEPTED), kept + accepted
        spent += sum(tried, np.zeros(2))
        if way.late and check.calls:
            refused = episode.roles.get("verifier", Usage()).calls - len(tried)
            spent += refused * (sum(tried, np.zeros(2)) / max(len(tried), 1))
            spent -= (episode.roles.get("verifier", Usage()).calls - kept) * checked
        result.append(Cost(spent[0], spent[1], kept, max(good - kept, 0)))
    return result


def sum_roles(found: Sequence[Episode]) -> dict[str, Usage]:
    """Add up the usage of all episodes by role."""
    roles: dict[str, Usage] = {}
    for episode in found:
        for name, used in episode.roles.items():
            roles[name] = roles.get(name, Usage()) + used
    return roles


def asked(way: Way, one: Round, gate: Gate) -> tuple[bool, int, int]:
    """Return the verdict of a way on one task, and how many attempts of either solver it takes."""
    weak, strong = one.grades("weak"), one.grades("strong")
    if way.settings.get("race") is False:
        return decide(gate, weak, strong).accepted, len(weak), len(strong)
    if way.program is InStages:
        passed = not decide(gate, weak, [], strong_left=len(strong)).misses
        return decide(gate, weak, strong).accepted, len(weak), len(strong) if passed else 0
    verdict, made = replayed(gate, weak, strong, way.settings.get("error"))
    return verdict, min(made, len(weak)), max(0, made - len(weak))


def summed(costs: Sequence[Sequence[Cost]]) -> Any:
    """Add the seeds of each document up: one row a document."""
    return np.array([[tuple(one) for one in seed] for seed in costs], dtype=float).sum(0)


def ratio(mine: Any, theirs: Any, column: int) -> str:
    """Compare costs per accepted task; 95 % bootstrap over documents."""
    draws = np.random.default_rng(0).integers(len(mine), size=(4000, len(mine)))
    places = np.concatenate([np.arange(len(mine))[None], draws])
    per = [one[places][..., column].sum(1) / one[places][..., 2].sum(1) for one in (mine, theirs)]
    found = per[0] / per[1]
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return f"{found[0]:.3f} [{low:.3f}, {high:.3f}]"


def replayed(
    gate: Gate, weak: Sequence[Fraction], strong: Sequence[Fraction], error: float | None
) -> tuple[bool, int]:
    """Return the verdict, and how many of the attempts it took."""
    for asked in range(1, len(weak) + len(strong)):
        seen = weak[:asked], strong[: max(0, asked - len(weak))]
        left = {
            "weak_left": len(weak) - len(seen[0]),
            "strong_left": len(strong) - len(seen[1]),
        }
        if decide(gate, *seen, **left).misses:
            return False, asked
        early = None if error is None else decide_early(gate, *seen, **left, error=error)
        if early is not None:
            return early.verdict.accepted, asked
    return decide(gate, weak, strong).accepted, len(weak) + len(strong)


def compared(name: str, seeds: int, loops: int) -> Table:
    """Compare all ways in one domain."""
    domain = find_domain(name)
    documents = load(DocumentSource(path="corpus"), seed=0, domain=name).accepted
    full = [episodes(WAYS[0], domain, seed, documents) for seed in range(1, seeds + 1)]
    costs = {way.name: summed([cost(way, one, domain) for one in full]) for way in WAYS}
    base, paper = costs["every attempt"], costs["solver by solver"]
    good = int(base[:, 2].sum())
    title = f"{name}, gate {domain.gate.name}: {len(documents)} documents, {seeds} seeds"
    table = Table(title=title, title_justify="left")
    for column in (
        "",
        "calls/task",
        "to every attempt",
        "to solver by solver",
        "tokens/task",
        "to every attempt",
        "lost",
        f"{loops} loops: accepted",
        "differs",
        "calls/task",
    ):
        table.add_column(column)
    for way in WAYS:
        found = costs[way.name]
        ran = (
            full[:loops]
            if way is WAYS[0]
            else [episodes(way, domain, seed, documents) for seed in range(1, loops + 1)]
        )
        table.add_row(
            way.name,
            f"{found[:, 0].sum() / found[:, 2].sum():.1f}",
            ratio(found, base, 0),
            ratio(found, paper, 0),
            f"{found[:, 1].sum() / found[:, 2].sum():,.0f}",
            ratio(found, base, 1),
            f"{int(found[:, 3].sum())}/{good}",
            *looped(ran, full[:loops]),
        )
    return table


def looped(ran: Sequence[Sequence[Episode]], full: Sequence[Sequence[Episode]]) -> list[str]:
    """Say how loops ended that really ran one way."""
    mine, theirs = ([e for seed in runs for e in seed] for runs in (ran, full))
    kept = sum(e.accepted is not None for e in mine)
    parted = sum(
        (a.accepted is None) != (b.accepted is None) for a, b in zip(mine, theirs, strict=True)
    )
    calls = sum(e.usage.calls for e in mine) / kept
    return [f"{kept}/{len(mine)}", str(parted), f"{calls:.1f}"]


def main() -> None:
    """Print a table for each domain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", nargs="+", default=["research"])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--loops", type=int, default=2)
    given = parser.parse_args()
    console = Console(width=185)
    for name in given.domains:
        console.print(compared(name, given.seeds, given.loops))


if __name__ == "__main__":
    main()
