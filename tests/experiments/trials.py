"""Synthetic trials and results: records as a search leaves them, without any model."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from autodata.experiments.compiled import save_compiled
from autodata.experiments.config import ExperimentConfig
from autodata.experiments.result import Difference, Result, Tracked, side
from autodata.metrics import Criterion, Group, Miss
from autodata.optimizers import Candidate, Knobs, Trial, measured
from autodata.programs import (
    PROPOSER,
    ROLES,
    Attempt,
    Episode,
    Failure,
    ModelConfig,
    Outcome,
    Round,
    Task,
    Usage,
)

BASELINE = Candidate(
    instructions={
        "orchestrator.plan": "Plan one task about the document.",
        "challenger.write": "Write one task.\nIt must be hard.",
    },
    knobs=Knobs(temperature=1.0, memory=0),
)


def config(runs: Path, **changes: object) -> ExperimentConfig:
    """Return a configuration that connects nothing."""
    models = {role: ModelConfig(model=f"simulation/{role}") for role in (*ROLES, PROPOSER)}
    return ExperimentConfig.model_validate(
        {"run": "study", "runs": str(runs), "models": models, **changes}
    )


def task(question: str = "Which of the two effects is larger, and why?") -> Task:
    return Task(
        question_type="causal comparison",
        skills=["estimation"],
        context="All that has to be known about the two effects stands in this sentence.",
        question=question,
        reference="The first effect is larger, because it acts twice on the same quantity.",
        rubric=[Criterion(criterion="names the first effect", weight=1)],
    )


def accepted(document: str, weak: str, strong: str, question: str | None = None) -> Episode:
    """Return an episode that failed once and then had its task accepted."""
    easy = Round(
        number=1,
        brief="Ask for a number.",
        task=task(),
        weak=(Attempt(answer="42", grade=Fraction("0.9")),),
        outcome=Outcome.TOO_EASY,
        reason="weak mean 0.900 must be at most 0.650 (over by 0.250)",
        misses=(
            Miss(
                rule="weak mean",
                value=Fraction("0.9"),
                limit=Fraction("0.65"),
                by=Fraction("0.25"),
                group=Group.TOO_EASY,
                demand="at most",
            ),
        ),
    )
    good = Round(
        number=2,
        brief="Ask for the cause.",
        task=task(question) if question else task(),
        weak=(Attempt(answer="no idea", grade=Fraction(weak)),),
        strong=(Attempt(answer="the first", grade=Fraction(strong)),),
        outcome=Outcome.ACCEPTED,
    )
    usage = Usage(calls=9, input_tokens=1500, output_tokens=500)
    return Episode(document_id=document, rounds=(easy, good), usage=usage, stopped="accepted")


def rejected(document: str) -> Episode:
    """Return an episode that ended without a task."""
    one = Round(number=1, brief="Ask.", outcome=Outcome.FAILED_QUALITY_CHECK, reason="leaks it")
    return Episode(
        document_id=document,
        rounds=(one,),
        usage=Usage(calls=3, input_tokens=700),
        stopped="rounds",
    )


def unscored(document: str, message: str = "HTTP 503") -> Episode:
    """Return an episode that an outage ended."""
    failure = Failure(role="judge", kind="infrastructure", message=message)
    return Episode(document_id=document, rounds=(), stopped="failure", failure=failure)


def trial(
    number: int, episodes: Sequence[Episode], *, state: str = "complete", write: str = ""
) -> Trial:
    """Return a trial whose challenger has the instruction `write`, its own if empty."""
    instructions = dict(BASELINE.instructions)
    if write:
        instructions["challenger.write"] = write
    knobs = Knobs(temperature=round(1 - number / 50, 3), memory=number % 2)
    measurement = measured(episodes)
    return Trial.model_validate(
        {
            "number": number,
            "origin": "sampler" if number else "baseline",
            "state": state,
            "candidate": BASELINE.model_copy(update={"instructions": instructions, "knobs": knobs})
            if number
            else BASELINE,
            "params": {
                "plan": "plan-0",
                "write": f"write-{number % 4}" if write else "write-0",
                "demos": "best-2" if number % 3 == 1 else "none",
                "temperature": 1 - number / 50,
                "memory": number % 2,
            },
            "value": measurement.gap,
            "measurement": measurement,
            "episodes": tuple(episodes),
        }
    )


def study(count: int) -> list[Trial]:
    """Return a search with every state, whose later trials are better."""
    trials = []
    for number in range(count):
        state = "failed" if number == 5 else "pruned" if number % 4 == 3 else "complete"
        episodes: list[Episode] = [unscored("doc-00")]
        if state != "failed":
            documents = 4 if state == "pruned" else 10
            episodes = [
                rejected(f"doc-{index:02d}")
                if (index + number) % 3 == 0
                else accepted(f"doc-{index:02d}", f"0.{30 + index}", f"0.{50 + number + index}")
                for index in range(documents)
            ]
        text = f"Write one task of kind {number % 4}.\nIt must be hard to solve." if number else ""
        trials.append(trial(number, episodes, state=state, write=text))
    return trials


def result(settings: ExperimentConfig, trials: Sequence[Trial], winner: Trial) -> Result:
    """Return a run's result and leave its compiled program in the run's folder."""
    before, after = ([list(one.episodes)] for one in (trials[0], winner))
    found = Result(
        run=settings.run,
        method=settings.method,
        seed=settings.seed,
        documents={"train": 4, "validation": 10, "test": 6},
        baseline=side(before, seed=0),
        winner=side(after, seed=0),
        difference=Difference(gap=0.12, low=0.03, high=0.21),
        trials={"complete": len(trials), "pruned": 0, "failed": 0},
        calls=1234,
        tokens=567890,
        seconds=12.5,
        compiled=str(settings.folder / "compiled"),
        mlflow=Tracked(tracking_uri="", experiment_id="", run_id=""),
    )
    save_compiled(settings.folder / "compiled", winner.candidate, settings, metrics={}, mlflow={})
    return found
