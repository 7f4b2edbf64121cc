"""Tasks from documents: run a program over all of them and write what was accepted."""

from pathlib import Path

from pydantic import Field

from ..optimizers import Candidate, Measurement
from ..optimizers.files import write_whole
from ..programs import Episode
from .compiled import load_manifest, read_candidate
from .config import ExperimentConfig, Part
from .engines import MakeEngine
from .entry import Entry
from .errors import InputError
from .gathered import Gathered
from .progress import Reporter
from .result import Difference, Side, difference, side
from .session import Session, open_session

_REMEDY = "run `autodata check` on the configuration"


class Generated(Part):
    """What `generate` did."""

    run: str
    tasks: str
    """The file of accepted tasks, one JSON object a line."""
    accepted: int
    """Number of tasks in it."""
    measurement: Measurement
    failures: dict[str, str]
    """Why documents could not be scored, by document id."""
    unsuitable: dict[str, str] = Field(default_factory=dict)
    """Why documents were turned away, by document id."""
    untracked: str = ""
    """Why MLflow has no record of it; empty if it has one."""

    @property
    def problem(self) -> str:
        """What went wrong: nothing was scored, or MLflow has no record; empty if all is well."""
        if len(self.failures) < self.measurement.episodes:
            return self.untracked
        return f"no document could be scored ({next(iter(self.failures.values()))}); {_REMEDY}"


class Evaluated(Part):
    """What `evaluate` found."""

    run: str
    program: str
    documents: int
    """Number of test documents."""
    baseline: Side
    winner: Side
    difference: Difference

    @property
    def problem(self) -> str:
        """Why nothing can be compared; empty if it can."""
        if self.difference.gap is not None:
            return ""
        return f"no test document could be scored for both programs; {_REMEDY}"


def generate(
    config: ExperimentConfig,
    reporter: Reporter,
    *,
    program: Path | None = None,
    engine: MakeEngine | None = None,
) -> Generated:
    """Run the shipped program, or a compiled one, over all documents.

    Episodes are journaled as they end; `tasks.jsonl` is written at the end, and also when the run
    is interrupted, with what there is by then. MLflow is told after that, so that no tracking
    server can keep anybody from their tasks.

    Args:
        config: What to do.
        reporter: Told of progress.
        program: Folder of a compiled program; the shipped one is run without it.
        engine: Makes what runs episodes elsewhere than in this process.

    Raises:
        InputError: If the configuration, the documents or the program cannot be used.
    """
    with open_session(config, reporter, engine=engine) as session:
        config = session.config
        candidate = _candidate(session, program)
        documents, objective = session.documents, session.objective
        tasks = config.folder / "tasks.jsonl"
        gathered = Gathered(candidate)
        reporter.stage("documents", len(documents))
        try:
            episodes = objective.stream(candidate, documents, "generate", skipped=reporter.advance)
            write_whole(tasks, gathered.lines(episodes))
        except BaseException:
            kept = Gathered(candidate)
            write_whole(tasks, kept.lines(objective.kept(candidate, documents, "generate")))
            done = kept.measurement().episodes
            reporter.line(f"stopped with {done} of {len(documents)} documents done")
            raise
        found = Generated(
            run=config.run,
            tasks=str(tasks),
            accepted=gathered.accepted,
            measurement=gathered.measurement(),
            failures=gathered.failures,
            unsuitable=gathered.unsuitable,
        )
        reporter.line("tasks are written; recording the run in MLflow")
        untracked = _record(config, found, gathered.entry(str(program or "")), candidate)
    return found.model_copy(update={"untracked": untracked})


def evaluate(config: ExperimentConfig, reporter: Reporter, *, program: Path) -> Evaluated:
    """Compare a compiled program with the shipped one on the configuration's test documents.

    Raises:
        InputError: If the configuration, the documents or the program cannot be used.
    """
    with open_session(config, reporter) as session:
        test = session.split().test
        reporter.stage("test documents", 2 * config.test_repeats * len(test))
        runs: list[list[list[Episode]]] = [
            [
                session.objective.episodes(candidate, test, f"test-{number}")
                for number in range(1, config.test_repeats + 1)
            ]
            for candidate in (_candidate(session, None), _candidate(session, program))
        ]
        return Evaluated(
            run=config.run,
            program=str(program),
            documents=len(test),
            baseline=side(runs[0], seed=config.seed),
            winner=side(runs[1], seed=config.seed),
            difference=difference(runs[0], runs[1], seed=config.seed),
        )


def _record(config: ExperimentConfig, found: Generated, entry: Entry, candidate: Candidate) -> str:
    """Record the run in MLflow; return what went wrong, in one line."""
    # Imported here because MLflow takes seconds, and nothing before this needs it.
    from .tracking import Tracker

    try:
        with Tracker(config, kind="generate", part=f"generate-{candidate.id}") as tracker:
            if found.problem:
                tracker.fail(found.problem)
            else:
                tracker.conclude(entry, {"tasks.jsonl": Path(found.tasks)})
    except (InputError, RuntimeError) as error:
        return f"the tasks are in {found.tasks}, but MLflow has no record of the run: {error}"
    return ""


def _candidate(session: Session, program: Path | None) -> Candidate:
    """Read the candidate of a compiled program; the shipped one's without a folder."""
    if program is None:
        return Candidate.of(session.program)
    made_for, wanted = load_manifest(program).domain, session.config.domain
    if made_for != wanted:
        raise InputError(
            f"{program}: made for domain {made_for!r}, and the configuration's is {wanted!r}; "
            f"use a configuration of domain {made_for!r}"
        )
    return read_candidate(program, session.program.domain)
