"""The objective: deterministic, in order, kept, and never paid twice."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dspy.lm15 as lm15
import pytest
from fakes import Cast, solver

from autodata.optimizers import Candidate, Knobs, Objective, measured
from autodata.optimizers.engine import Here, Run
from autodata.programs import (
    ROLES,
    Autodata,
    Document,
    Episode,
    LanguageModels,
    ModelConfig,
    Settings,
)
from autodata.programs.budget import Budget, BudgetError
from autodata.programs.meter import Meter

DOCUMENTS = [Document(id=f"d{i}", text=f"Text number {i}. " * 20) for i in range(4)]


class Store:
    def __init__(self) -> None:
        self.kept: dict[str, Episode] = {}

    def __len__(self) -> int:
        return len(self.kept)

    def __contains__(self, key: str) -> bool:
        return key in self.kept

    def get(self, key: str) -> Episode | None:
        return self.kept.get(key)

    def put(self, key: str, episode: Episode) -> None:
        self.kept[key] = episode


def objective(cast: Cast, store: Store | None = None, in_flight: int = 16) -> Objective:
    program = Autodata(cast.models, settings=Settings(rounds=1))
    return Objective(program, seed=0, store=store, in_flight=in_flight)


def test_an_empty_store_is_a_store() -> None:
    store = Store()
    one = objective(Cast(), store)
    one.episodes(Candidate.of(one.program), DOCUMENTS, "x")
    assert len(store) == 4


def test_kept_episodes_are_not_run_again_and_other_samples_are() -> None:
    cast, store = Cast(), Store()
    one = objective(cast, store)
    candidate = Candidate.of(one.program)
    first = one.episodes(candidate, DOCUMENTS, "x")
    calls = cast.ledger.total.calls
    assert one.episodes(candidate, DOCUMENTS, "x") == first
    assert cast.ledger.total.calls == calls
    assert one.usage.calls == calls
    one.episodes(candidate, DOCUMENTS, "y")
    assert one.usage.calls == 2 * calls
    assert cast.ledger.total.calls == 2 * calls


def test_episodes_come_in_the_documents_order() -> None:
    one = objective(Cast(), in_flight=2)
    found = one.episodes(Candidate.of(one.program), DOCUMENTS, "x")
    assert [episode.document_id for episode in found] == ["d0", "d1", "d2", "d3"]


def test_an_outage_is_not_kept_and_counts_in_no_average() -> None:
    def down_for_one(request: lm15.Request, rollout: str) -> str | Exception:
        return lm15.ServerError("down") if "Text number 2" in str(request) else "x"

    cast, store = Cast(), Store()
    script = cast["verifier"].script
    cast["verifier"].script = lambda r, s: (
        down_for_one(r, s) if "Text number 2" in str(r) else script(r, s)
    )
    one = objective(cast, store)
    found = measured(one.episodes(Candidate.of(one.program), DOCUMENTS, "x"))
    assert (found.episodes, found.failures, len(store)) == (4, 1, 3)
    assert found.gap == pytest.approx(0.5)


def test_a_document_without_a_task_counts_as_zero() -> None:
    cast = Cast()
    easy, hard = solver(9), solver(3)
    cast["weak"].script = lambda r, s: easy(r, s) if s.startswith("0/x") else hard(r, s)
    one = objective(cast)
    candidate = Candidate.of(one.program)
    assert measured(one.episodes(candidate, DOCUMENTS, "x")).gap == 0
    assert measured(one.episodes(candidate, DOCUMENTS, "y")).acceptance == 1


class Paying:
    """A program on simulated models with a cache, under a budget."""

    def __init__(self, folder: Path, budget: str | None = None) -> None:
        configs = {role: ModelConfig(model=f"simulation/{role}") for role in ROLES}
        meter = Meter(Budget.parse(budget) if budget else None, folder / "spent.log")
        self.models = LanguageModels(configs, folder / "cache", meter)
        # Drafts and attempts at the same time: the hardest case for what is under way.
        settings = Settings(rounds=4, candidates=2, in_flight=4)
        self.program = Autodata(self.models.roles, settings=settings)

    def episodes(self, store: Store) -> list[Episode]:
        one = Objective(self.program, seed=0, store=store)
        with closing(self.models):
            return one.episodes(Candidate.of(self.program), DOCUMENTS, "x")


def test_at_the_end_of_the_budget_all_that_was_paid_for_is_kept(tmp_path: Path) -> None:
    whole = Paying(tmp_path / "whole")
    undisturbed = [one.rounds for one in whole.episodes(Store())]
    calls = int(whole.models.meter.spent.calls)
    store, finished = Store(), 0
    for limit in [*range(9, calls, 29), calls]:
        cut = Paying(tmp_path / "cut", f"{limit}calls")
        if limit < calls:
            with pytest.raises(BudgetError, match=f"{limit:,} of {limit:,} calls"):
                cut.episodes(store)
        else:
            assert [one.rounds for one in cut.episodes(store)] == undisturbed
        # What is known by then may spare attempts that the undisturbed run had begun in vain.
        spent = cut.models.meter.spent.calls
        assert spent == limit or (limit == calls and spent < limit)
        assert len(store) >= finished
        assert not [one.failure for one in store.kept.values() if one.failure is not None]
        finished = len(store)
    assert finished == len(DOCUMENTS)


def test_documents_that_need_nothing_more_are_finished_though_another_met_the_end(
    tmp_path: Path,
) -> None:
    Paying(tmp_path).episodes(kept := Store())
    # From here on the answers of all documents but a new one are in the cache.
    one, store = Paying(tmp_path, "1calls"), Store()
    documents = [Document(id="new", text="Quite another text. " * 20), *DOCUMENTS]
    objective = Objective(one.program, seed=0, store=store)
    with closing(one.models), pytest.raises(BudgetError):
        objective.episodes(Candidate.of(one.program), documents, "x")
    assert store.kept.keys() == kept.kept.keys()


def test_a_stream_gives_what_episodes_gives_and_asks_only_for_what_is_missing() -> None:
    store, cast = Store(), Cast()
    candidate = Candidate.of(objective(cast).program)
    expected = objective(cast).episodes(candidate, DOCUMENTS, "x")
    objective(cast, store).episodes(candidate, DOCUMENTS[1:3], "x")
    seen: list[str] = []
    skipped: list[int] = []
    one = Objective(
        Autodata(cast.models, settings=Settings(rounds=1)),
        seed=0,
        store=store,
        watch=lambda episode: seen.append(episode.document_id),
    )
    found = list(one.stream(candidate, DOCUMENTS, "x", skipped=lambda: skipped.append(1)))
    assert [episode.document_id for episode in found] == [one.id for one in DOCUMENTS]
    assert [episode.score for episode in found] == [episode.score for episode in expected]
    assert sorted(seen) == sorted(one.id for one in (DOCUMENTS[0], *DOCUMENTS[3:]))
    assert len(skipped) == 2
    assert [one.document_id for one in one.kept(candidate, DOCUMENTS, "x")] == [
        one.id for one in DOCUMENTS
    ]


def test_a_stream_holds_no_episode_that_the_store_keeps() -> None:
    class Written(Store):
        """Keeps texts, as a journal does."""

        def __init__(self) -> None:
            super().__init__()
            self.texts: dict[str, str] = {}

        def __contains__(self, key: str) -> bool:
            return key in self.texts

        def get(self, key: str) -> Episode | None:
            text = self.texts.get(key)
            return None if text is None else Episode.model_validate_json(text)

        def put(self, key: str, episode: Episode) -> None:
            self.texts[key] = episode.model_dump_json()

    ended: list[weakref.ref[Episode]] = []
    held: list[int] = []

    def watch(episode: Episode) -> None:
        ended.append(weakref.ref(episode))
        gc.collect()
        held.append(sum(one() is not None for one in ended))

    cast = Cast()
    program = Autodata(cast.models, settings=Settings(rounds=1))
    one = Objective(program, seed=0, in_flight=2, store=Written(), watch=watch)
    documents = [Document(id=str(n), text=f"Text {n}. " * 30) for n in range(12)]
    found = one.stream(Candidate.of(program), documents, "x")
    assert [episode.document_id for episode in found] == [document.id for document in documents]
    assert len(ended) == 12
    assert max(held) <= 4


def test_a_stream_runs_a_document_again_whose_kept_episode_cannot_be_read() -> None:
    class Damaged(Store):
        def get(self, key: str) -> Episode | None:
            return None if key.endswith(DOCUMENTS[0].id) else super().get(key)

    store, cast = Damaged(), Cast()
    candidate = Candidate.of(objective(cast).program)
    objective(cast, store).episodes(candidate, DOCUMENTS, "x")
    found = list(objective(cast, store).stream(candidate, DOCUMENTS, "x"))
    assert [episode.document_id for episode in found] == [one.id for one in DOCUMENTS]
    assert not [episode.failure for episode in found if episode.failure]


def test_documents_are_taken_as_others_end() -> None:
    taken: list[str] = []
    ended: list[str] = []
    ahead: list[int] = []

    def documents() -> Iterator[Document]:
        for number in range(12):
            ahead.append(len(taken) - len(ended))
            taken.append(str(number))
            yield Document(id=str(number), text=f"Text {number}. " * 30)

    class Source(list[Document]):
        def __iter__(self) -> Iterator[Document]:
            return documents()

    cast = Cast()
    program = Autodata(cast.models, settings=Settings(rounds=1))
    one = Objective(
        program, seed=0, in_flight=3, watch=lambda episode: ended.append(episode.document_id)
    )
    assert len(one.episodes(Candidate.of(program), Source(), "x")) == 12
    assert max(ahead) <= 3


def test_with_a_start_each_document_that_ends_lets_one_more_begin() -> None:
    under_way: set[str] = set()
    seen: list[tuple[int, int]] = []

    class Slow(Here):
        def ready(self, candidate: Candidate) -> Run:
            run = super().ready(candidate)

            async def watched(document: Document, rollout: str) -> Episode:
                under_way.add(document.id)
                seen.append((len(under_way), len(ended)))
                await asyncio.sleep(0.005)
                episode = await run(document, rollout)
                under_way.discard(document.id)
                return episode

            return watched

    ended: list[Episode] = []
    program = Autodata(Cast().models, settings=Settings(rounds=1))
    engine = Slow(program)
    one = Objective(program, seed=0, in_flight=8, start=2, watch=ended.append, engine=engine)
    documents = [Document(id=str(n), text=f"Text {n}. " * 30) for n in range(40)]
    assert len(one.episodes(Candidate.of(program), documents, "x")) == 40
    assert seen[0] == (1, 0)
    assert all(together <= 2 + before for together, before in seen)
    assert max(together for together, _ in seen) == 8


def test_candidates_run_side_by_side_and_what_two_of_them_share_is_run_once() -> None:
    under_way: set[tuple[str, str]] = set()
    most: list[int] = []

    class Slow(Here):
        def ready(self, candidate: Candidate) -> Run:
            run = super().ready(candidate)

            async def watched(document: Document, rollout: str) -> Episode:
                under_way.add((candidate.id, document.id))
                most.append(len({name for name, _ in under_way}))
                await asyncio.sleep(0.01)
                under_way.remove((candidate.id, document.id))
                return await run(document, rollout)

            return watched

    cast = Cast()
    program = Autodata(cast.models, settings=Settings(rounds=1))
    one = Objective(program, seed=0, engine=Slow(program))
    own = Candidate.of(program)
    other = own.model_copy(update={"knobs": Knobs(memory=2)})
    parts = [(own, DOCUMENTS[:2]), (other, DOCUMENTS[1:]), (own, DOCUMENTS[1:3])]
    found = dict(one.together(parts, "x"))
    assert max(most) == 2
    assert len(most) == 6
    for place, (candidate, documents) in enumerate(parts):
        alone = objective(Cast()).episodes(candidate, documents, "x")
        assert [(one.document_id, one.score) for one in found[place]] == [
            (one.document_id, one.score) for one in alone
        ]


def test_what_a_budget_lasted_for_is_given_before_it_is_said_to_be_used_up() -> None:
    class Broke(Here):
        def ready(self, candidate: Candidate) -> Run:
            run = super().ready(candidate)

            async def paid(document: Document, rollout: str) -> Episode:
                if candidate.knobs.memory == 2 and document == DOCUMENTS[3]:
                    raise BudgetError("the budget is used up")
                return await run(document, rollout)

            return paid

    program = Autodata(Cast().models, settings=Settings(rounds=1))
    one = Objective(program, seed=0, engine=Broke(program))
    own = Candidate.of(program)
    other = own.model_copy(update={"knobs": Knobs(memory=2)})
    parts = [(other, DOCUMENTS), (own, DOCUMENTS), (other, DOCUMENTS[:3])]
    given: list[int] = []

    def takes() -> None:
        for place, episodes in one.together(parts, "x"):
            assert [episode.document_id for episode in episodes] == [d.id for d in parts[place][1]]
            given.append(place)

    with pytest.raises(BudgetError, match="used up"):
        takes()
    assert given == [1, 2]
