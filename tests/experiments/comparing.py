"""What tests of `compare` share: hand-made work of methods, and rounds with grades."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from autodata.experiments.compare_result import Against, Comparison, Work, against, row
from autodata.experiments.result import Tracked
from autodata.programs import Attempt, Episode, Outcome, Round, Usage
from tests.experiments import trials

Grades = Sequence[str]


def attempts(grades: Grades) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(answer=f"answer {number}", grade=Fraction(grade))
        for number, grade in enumerate(grades)
    )


def fresh(document: str, weak: Grades, strong: Grades) -> Episode:
    """Return a measurement: one round with every attempt made."""
    one = Round(
        number=1,
        brief="",
        task=trials.task(),
        weak=attempts(weak),
        strong=attempts(strong),
        outcome=Outcome.ACCEPTED,
    )
    return Episode(document_id=document, rounds=(one,), usage=Usage(calls=4, input_tokens=40))


def work(
    method: str,
    measured: Mapping[str, tuple[Grades, Grades]],
    without: Sequence[Episode] = (),
) -> Work:
    """Return a method that kept a task on every measured document and none on the others."""
    episodes = [trials.accepted(document, "0.2", "0.9") for document in measured]
    return Work(
        method,
        [*episodes, *without],
        {one.document_id: one.rounds[-1] for one in episodes},
        {document: fresh(document, *grades) for document, grades in measured.items()},
    )


def comparison(works: Sequence[Work], seed: int = 0) -> Comparison:
    """Return what `compare` makes of hand-made works."""
    differences: list[Against] = [against(one, works[0], seed=seed) for one in works[1:]]
    return Comparison(
        run="hand-compare",
        domain="research",
        gate="deployed",
        seed=seed,
        documents=len(works[0].episodes),
        attempts={"weak": 3, "strong": 3},
        methods=[row(one, seed=seed) for one in works],
        differences=differences,
        calls=1234,
        tokens=56789,
        seconds=1.5,
        folder="runs/hand-compare",
        mlflow=Tracked(tracking_uri="", experiment_id="1", run_id="2"),
    )
