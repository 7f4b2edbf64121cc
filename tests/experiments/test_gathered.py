"""Of many documents a run's record shows some, and its numbers and its file count all."""

import json

import pytest

from autodata.experiments import gathered
from autodata.experiments.entry import STEPS, by_document
from autodata.experiments.gathered import Gathered
from tests.experiments import trials


@pytest.mark.parametrize("documents", [STEPS - 1, STEPS, STEPS + 1, 10 * STEPS + 7])
def test_a_chart_has_a_thousand_documents_at_most_and_the_mean_of_all_before(
    documents: int,
) -> None:
    objective = [step % 7 / 7 for step in range(documents)]
    points = [one for one in by_document(objective) if one.name == "doc/gap_mean"]
    every = points[1].step
    assert STEPS / 2 <= len(points) <= STEPS
    assert [one.step for one in points] == list(range(0, documents, every))
    last = points[-1].step
    assert points[-1].value == pytest.approx(sum(objective[: last + 1]) / (last + 1), abs=1e-6)


def test_a_table_shows_the_first_tasks_and_the_file_has_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathered, "SHOWN", 3)
    taken = Gathered(trials.BASELINE)
    lines = list(taken.lines(trials.accepted(f"d{n}", "0.2", "0.6") for n in range(5)))
    entry = taken.entry("")
    table = json.loads(entry.files["tasks.json"])
    name = table["columns"].index("document")
    assert [row[name] for row in table["data"]] == ["d0", "d1", "d2"]
    assert [json.loads(line)["document_id"] for line in lines] == [f"d{n}" for n in range(5)]
    assert taken.accepted == taken.measurement().episodes == 5
