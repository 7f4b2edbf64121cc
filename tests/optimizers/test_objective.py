"""The objective: deterministic, in order, kept, and never paid twice."""

import dspy.lm15 as lm15
import pytest
from fakes import Cast, solver

from autodata.optimizers import Candidate, Objective, measured
from autodata.programs import Autodata, Document, Episode, Settings

DOCUMENTS = [Document(id=f"d{i}", text=f"Text number {i}. " * 20) for i in range(4)]


class Store:
    def __init__(self) -> None:
        self.kept: dict[str, Episode] = {}

    def __len__(self) -> int:
        return len(self.kept)

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
