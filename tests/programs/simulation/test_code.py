"""The offline models of the code domain: real programs, known chances, and a whole run."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import pytest

from autodata.experiments.check import check
from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.generate import generate
from autodata.experiments.progress import Reporter
from autodata.programs import Autodata, Document, Episode, LanguageModels, ModelConfig, background
from autodata.programs.domains import CODE
from autodata.programs.domains.code import roles, running
from autodata.programs.records import Outcome, ProgramTask, Round
from autodata.programs.role import ask
from autodata.programs.sandbox import Verdict
from autodata.programs.simulation import irt
from autodata.programs.simulation.advice import SENTENCES
from autodata.programs.simulation.code import KINDS, chance
from autodata.programs.simulation.code.kit import Kind, build
from autodata.programs.simulation.codec import decode

CORPUS = sorted((Path(__file__).parents[3] / "experiments" / "corpus" / "code").glob("*.md"))


def documents(versions: int = 1) -> list[Document]:
    return [
        Document(id=f"{path.stem}-{i}", text=f"{path.read_text()}\n\nVersion {i}.")
        for path in CORPUS
        for i in range(versions)
    ]


def models(**extra: object) -> LanguageModels:
    return LanguageModels(
        {role: ModelConfig(model=f"simulation/{role}", extra={**extra}) for role in CODE.spoken}
    )


def here(solution: str, verifier: str) -> Verdict:
    """Run programs of our own in this process, which is a hundred times faster."""
    spaces: list[dict[str, object]] = [{"__name__": "one"}, {"__name__": "other"}]
    try:
        for text, space in zip((solution, verifier), spaces, strict=True):
            exec(text, space)
        solve, verify = spaces[0]["solve"], spaces[1]["verify"]
        assert callable(solve) and callable(verify)
        passed = verify(solve) is True
    except Exception as error:
        return Verdict(False, f"{type(error).__name__}: {error}")
    return Verdict(passed, "" if passed else "verify returned False")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the simulation's own programs without the sandbox, where hundreds are run."""

    async def run(solution: str, verifier: str) -> Verdict:
        return here(solution, verifier)

    monkeypatch.setattr(roles, "run", run)


def episodes(program: Autodata, on: Sequence[Document]) -> list[Episode]:
    async def all_of_them() -> list[Episode]:
        found = await asyncio.gather(*(program.acall(document=one) for one in on))
        return [prediction.episode for prediction in found]

    return background.run(all_of_them())


def tasks(found: Sequence[Episode]) -> Iterator[tuple[Round, ProgramTask]]:
    for episode in found:
        for one in episode.rounds:
            if isinstance(one.task, ProgramTask):
                yield one, one.task


@pytest.mark.parametrize("kind", KINDS, ids=[kind.asked[:40] for kind in KINDS])
def test_every_kind_is_sound_whatever_its_numbers_are(kind: Kind) -> None:
    for seed in range(40):
        built = build(kind, seed)
        assert build(kind, seed) == built
        assert here(built.reference, built.verifier) == Verdict(True, "")
        for text in built.wrong:
            assert here(text, built.verifier) == Verdict(False, "verify returned False")
        task = ProgramTask(
            question_type="boundary cases",
            skills=["careful reading"],
            question=f"Write `solve(...)` that {built.asked} {built.hint}",
            verifier=built.verifier,
            reference=built.reference,
            failing=list(built.wrong),
        )
        assert CODE.rules.faults(task) == []
        assert "$" not in task.model_dump_json()


def test_one_task_of_every_kind_is_kept_by_the_sandbox() -> None:
    assert len(KINDS) >= 10
    built = [build(kind, 1) for kind in KINDS]
    verdicts = [(one.reference, one.verifier, True) for one in built]
    verdicts += [(one.wrong[1], one.verifier, False) for one in built]

    async def all_of_them() -> list[Verdict]:
        return await asyncio.gather(*(running.run(text, v) for text, v, _ in verdicts))

    found = background.run(all_of_them())
    assert [verdict.passed for verdict in found] == [passes for *_, passes in verdicts]


def test_single_shot_tasks_are_easy_for_both_solvers(quick: None) -> None:
    """Weak about 0.60, strong about 0.85, as the domain's specification has it."""
    weak: list[float] = []
    strong: list[float] = []
    for seed in range(2):
        settings = CODE.settings.model_copy(update={"rounds": 1, "race": False})
        program = Autodata(models(seed=seed).roles, domain=CODE, settings=settings)
        for one, _ in tasks(episodes(program, documents(3))):
            if one.outcome is not Outcome.FAILED_QUALITY_CHECK:
                weak.append(float(fmean(one.grades("weak"))))
                strong.append(float(fmean(one.grades("strong"))))
    assert len(weak) > 80
    assert fmean(weak) == pytest.approx(0.60, abs=0.06)
    assert fmean(strong) == pytest.approx(0.85, abs=0.05)


def test_the_loop_finds_tasks_that_the_weak_solver_fails(quick: None) -> None:
    program = Autodata(models().roles, domain=CODE)
    found = episodes(program, documents(2))
    accepted = [one.accepted for one in found if one.accepted]
    assert len(accepted) > 0.85 * len(found)
    for one in accepted:
        assert fmean(one.grades("weak")) <= 0.25
        assert fmean(one.grades("strong")) >= 0.75
    assert 2 < fmean(len(one.rounds) for one in found) < 7
    outcomes = {one.outcome for one, _ in tasks(found)}
    assert outcomes >= {Outcome.TOO_EASY, Outcome.FAILED_ON_STRONG, Outcome.FAILED_QUALITY_CHECK}
    # More of them are really hard than luck explains: known from the numbers behind the text.
    first = [weak_chance(one.rounds[0]) for one in found if one.rounds[0].task]
    assert fmean(map(weak_chance, accepted)) < fmean(first) - 0.1


def weak_chance(one: Round) -> float:
    assert one.task is not None
    latent = decode(one.task.question)
    assert latent is not None
    return chance(latent, irt.WEAK)


def test_advice_on_form_lets_fewer_tasks_fail_the_check(quick: None) -> None:
    def refused(advice: str) -> float:
        program = Autodata(models().roles, domain=CODE)
        write = program.challenger.write
        write.signature = CODE.write.with_instructions(f"{CODE.write.instructions}\n\n{advice}")

        async def sound(document: Document) -> bool:
            asked = {"document": document.text, "rules": CODE.rules.describe()}
            written = await ask(program.challenger, **asked)
            if written.failure is not None or CODE.rules.faults(written.prediction.task):
                return False
            checked = await ask(
                program.verifier, document=document.text, task=written.prediction.task
            )
            return checked.prediction.faults == []

        async def all_of_them() -> list[bool]:
            return await asyncio.gather(*(sound(one) for one in documents(8)))

        return 1 - fmean(background.run(all_of_them()))

    plain = refused("")
    assert 0.05 < plain < 0.25
    assert refused(SENTENCES["strict_form"]) < plain - 0.03


def test_a_leak_is_refused_by_a_rule(quick: None) -> None:
    settings = CODE.settings.model_copy(update={"rounds": 1, "race": False})
    leaking = models(faults={"leak": 1.0}, seed=3)
    program = Autodata(leaking.roles, domain=CODE, settings=settings)
    (found,) = episodes(program, documents()[:1])
    assert "gives a program away" in found.rounds[0].reason


def config(folder: Path, *overrides: str) -> ExperimentConfig:
    return load_config("code", [f"runs={folder}", "documents.limit=3", "loop.rounds=3", *overrides])


def test_the_preset_generates_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = generate(config(tmp_path / "a"), Reporter(quiet=True))
    assert whole.measurement.episodes == 3 and whole.problem == ""
    written = (tmp_path / "a" / "code" / "tasks.jsonl").read_bytes()
    assert written.count(b"\n") == whole.accepted > 0

    ran: list[str] = []

    async def counted(program: str, verifier: str) -> Verdict:
        ran.append(program)
        return await running.run(program, verifier)

    monkeypatch.setattr(roles, "run", counted)
    journal = tmp_path / "a" / "code" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 3
    assert generate(config(tmp_path / "a"), Reporter(quiet=True)) == whole
    assert ran == []
    # A run that was killed in its third document, and whose cache is lost as well.
    journal.write_text("".join(lines[:2]) + lines[2][:50])
    (tmp_path / "a" / "cache" / "answers.db").unlink()
    again = generate(config(tmp_path / "a"), Reporter(quiet=True))
    assert ran
    assert again.accepted == whole.accepted
    assert (tmp_path / "a" / "code" / "tasks.jsonl").read_bytes() == written


def test_the_preset_can_be_checked(tmp_path: Path) -> None:
    found = check(config(tmp_path), Reporter(quiet=True))
    assert found.fine
    assert [one.role for one in found.models] == [*CODE.spoken, "proposer"]
