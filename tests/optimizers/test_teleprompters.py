"""DSPy's optimizers as methods: what they see, what they may change, what they cost."""

import contextlib
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from conforming import OPTIONS, Run, Store
from fakes import Cast, solver
from worlds import World

from autodata.optimizers import (
    METHODS,
    Candidate,
    Objective,
    SearchOptions,
    Setup,
    Trial,
    find_method,
)
from autodata.optimizers.teleprompters.asking import asking
from autodata.optimizers.teleprompters.bench import Bench, Stopped
from autodata.optimizers.teleprompters.crew import Crew, compiling, settled
from autodata.optimizers.teleprompters.metric import WORST, Metric
from autodata.optimizers.teleprompters.student import Student
from autodata.programs import PROPOSER, Autodata, Document, Settings
from autodata.programs.budget import Budget, BudgetError

NAMES = [name for name, place in METHODS.items() if place.startswith("teleprompters.")]


def search(world: World, method: str = "gepa", seed: int = 0, trials: int = 5) -> list[Trial]:
    setup = Setup(SearchOptions(trials=trials), world.models[PROPOSER], seed=seed, in_flight=4)
    found = find_method(method, setup)
    return found.search(world.objective(seed), world.train, world.validation, lambda trial: None)


def bench(world: World, trials: int = 5, learning: float = 1.0) -> Bench:
    return Bench(
        "test",
        world.objective(),
        world.train,
        world.validation,
        lambda trial: None,
        trials=trials,
        learning=learning,
    )


def changed(own: Candidate, text: str) -> Candidate:
    return own.model_copy(update={"instructions": {**own.instructions, "challenger.write": text}})


@pytest.fixture(scope="module")
def runs(documents: Sequence[Document], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    found = {}
    for name in NAMES:
        found[name] = Run(name, documents, tmp_path_factory.mktemp(name))
        found[name].search()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_training_documents_are_paid_from_the_same_budget(name: str, runs: dict[str, Run]) -> None:
    run = runs[name]
    assert len(run.store.kept) <= OPTIONS.trials * len(run.validation)


@pytest.mark.parametrize(
    ("name", "instructions", "demos"),
    [
        ("gepa", True, False),
        ("copro", True, False),
        ("miprov2", True, True),
        ("bootstrap", False, True),
        ("infer-rules", True, True),
    ],
)
def test_a_method_changes_what_it_is_for_and_no_setting(
    name: str, instructions: bool, demos: bool, runs: dict[str, Run]
) -> None:
    first, *rest = runs[name].told
    own = first.candidate
    assert any(t.candidate.instructions != own.instructions for t in rest) == instructions
    assert any(t.candidate.demos for t in rest) == demos
    assert all(t.candidate.knobs == own.knobs and t.origin == name for t in rest)


def test_demonstrations_show_accepted_tasks_in_plain_json(runs: dict[str, Run]) -> None:
    run = runs["bootstrap"]
    accepted = [e.accepted for key, e in run.store.kept.items() if "/train/" in key]
    tasks = [one.task.model_dump(mode="json") for one in accepted if one and one.task]
    shown = [
        demo for trial in run.told for demo in trial.candidate.demos.get("challenger.write", [])
    ]
    assert shown
    for demo in shown:
        assert demo["task"] in tasks
        assert "augmented" not in demo
    for trial in run.told:
        assert Candidate.model_validate_json(trial.candidate.model_dump_json()) == trial.candidate


def test_rules_are_appended_to_the_instructions_as_they_were(runs: dict[str, Run]) -> None:
    first, *rest = runs["infer-rules"].told
    for trial in rest:
        for name, text in trial.candidate.instructions.items():
            assert text.startswith(first.candidate.instructions[name])
            assert "rules" in text


def test_copro_proposes_several_instructions_and_not_one_several_times(world: World) -> None:
    world.validation = world.validation[:1]
    trials = search(world, "copro", trials=40)
    texts = {t.candidate.instructions["orchestrator.plan"] for t in trials}
    assert len(texts) > 3


def test_the_proposals_of_one_request_differ_and_are_the_same_again(world: World) -> None:
    def asked(seed: int) -> list[str]:
        lm, _ = asking(world.models[PROPOSER], bench(world), seed)
        predict = dspy.Predict("instruction -> proposed_instruction", n=4, temperature=1.0)
        with dspy.context(lm=lm):
            answered: Any = predict(instruction="Write a question.").completions
        return answered.proposed_instruction

    assert len(set(asked(0))) > 1
    assert asked(0) == asked(0)
    assert asked(0) != asked(1)


def test_a_proposal_has_the_trial_for_parent_that_gepa_reflected_on(world: World) -> None:
    world.validation = world.validation[:2]
    trials = search(world, trials=30)
    assert len(trials) > 2
    for trial in trials[1:]:
        parent = trials[trial.parent or 0].candidate.instructions
        differing = [k for k, text in trial.candidate.instructions.items() if parent[k] != text]
        assert len(differing) == 1


def test_simba_asks_for_other_answers_of_the_same_models(runs: dict[str, Run]) -> None:
    run = runs["simba"]
    samples = {key.split("/")[1] for key in run.store.kept}
    assert {"train-1", "train-2", "train-3"} <= samples
    assert all("output fields" in one.system for one in run.answered if one.role == "challenger")


def test_simba_leaves_half_of_the_budget_for_validation(runs: dict[str, Run]) -> None:
    run = runs["simba"]
    learned = [key for key in run.store.kept if "/train" in key]
    assert 0 < len(learned) <= OPTIONS.trials * len(run.validation) // 2


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_stops_a_method_instead_of_being_learned_from(name: str, world: World) -> None:
    cast = Cast({"weak": solver(9)})
    answer, asked = cast["judge"].script, 0

    def dying(request: lm15.Request, rollout: str) -> Any:
        nonlocal asked
        asked += 1
        return answer(request, rollout) if asked < 25 else lm15.ServerError("gone")

    cast["judge"].script = dying
    cast["weak"].script = lambda r, s: solver(3 if "/train" in s else 9)(r, s)
    world.program = Autodata(cast.models, settings=Settings(rounds=1))
    with pytest.raises(RuntimeError, match=r"gone.*finished calls are kept"):
        search(world, name)


@pytest.mark.parametrize("name", ["gepa", "copro", "miprov2", "infer-rules"])
def test_a_proposer_that_does_not_answer_stops_a_method(name: str, world: World) -> None:
    cast = Cast()  # Every first task is accepted, so that there is something to propose from.
    world.program = Autodata(cast.models, settings=Settings(rounds=1))

    class Dead:
        supports_function_calling = supports_reasoning = supports_response_schema = False
        supported_params = frozenset({"temperature"})

        def complete(self, request: lm15.Request) -> lm15.Response:
            raise lm15.ServerError("no such host")

    setup = Setup(OPTIONS, dspy.LM("fake/dead", engine=Dead(), cache=False, num_retries=0))
    with pytest.raises(RuntimeError, match=r"proposer: .*no such host"):
        find_method(name, setup).search(
            world.objective(), world.train, world.validation, lambda trial: None
        )


def test_an_answer_that_cannot_be_read_ends_a_method_and_keeps_its_trials(
    documents: Sequence[Document], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("copro", "infer-rules"):
        run = Run(name, documents, tmp_path / name)
        run.rewrite = lambda text: "?"
        assert run.search() == run.told
        assert len(run.told) >= 1
        assert f"{name} ends early, an answer could not be read" in caplog.text


def test_simba_does_not_go_on_without_a_proposer(world: World) -> None:
    _, engine = asking(world.models[PROPOSER], bench(world), 0)

    def request(text: str) -> lm15.Request:
        return lm15.Request(model="m", messages=(lm15.Message.user(text),))

    class Dead:
        def complete(self, request: lm15.Request) -> lm15.Response:
            raise lm15.ServerError("down")

    engine._engine = Dead()  # pyright: ignore[reportPrivateUsage]
    for _ in range(2):  # A retry is no new request.
        with pytest.raises(lm15.ServerError):
            engine.complete(request("a"))
    with pytest.raises(Stopped):
        engine.complete(request("b"))


def test_roles_without_a_model_of_their_own_are_not_answered_by_the_proposer(
    world: World,
) -> None:
    usual = world.models["challenger"]
    world.program.challenger.role_lm = None
    with dspy.context(lm=usual):
        search(world, "copro", trials=3)
    asked = world.models.ledger.roles
    assert asked["challenger"].calls > asked[PROPOSER].calls
    assert asked[PROPOSER].calls < 20


def test_the_student_has_nothing_but_the_predictors_that_may_change(world: World) -> None:
    student = Student(bench(world))
    names = [name for name, _ in student.named_predictors()]
    assert sorted(names) == sorted(world.program.optimizable())
    assert student.candidate() == Candidate.of(world.program)
    modules = {type(module).__name__ for _, module in student.named_sub_modules(dspy.Module)}
    assert modules == {"Student", "Part", "Predict"}


def test_writing_into_a_students_signature_leaves_the_program_alone(world: World) -> None:
    before = Candidate.of(world.program)
    student = Student(bench(world))
    for predictor in student.predictors():
        signature: Any = predictor.signature
        signature.instructions = "Something else."
    assert Candidate.of(world.program) == before
    assert set(student.candidate().instructions.values()) == {"Something else."}


def test_a_students_trace_tells_each_predictors_part_of_every_round(world: World) -> None:
    cast = Cast({"weak": solver(9)})
    world.program = Autodata(cast.models, settings=Settings(rounds=2))
    student = Student(bench(world))
    with dspy.context(trace=[]):
        student(document=world.train[0].text, sample="train")
        trace = list(dspy.settings.trace)
    names = {id(predictor): name for name, predictor in student.named_predictors()}
    assert [names[id(predictor)] for predictor, _, _ in trace] == [
        "orchestrator.plan",
        "challenger.write",
        "orchestrator.analyze",
        "challenger.write",
    ]
    assert trace[2][2].brief == trace[3][1]["brief"] == "Ask about limits."


def test_the_bench_begins_nothing_that_the_budget_does_not_cover(world: World) -> None:
    one = bench(world, trials=2)
    own = one.own
    one.measured(own)
    one.episode(own, world.train[0].text, "train")
    one.episode(own, world.train[0].text, "train")
    with pytest.raises(Stopped):
        one.episode(changed(own, "Other."), world.validation[0].text, "validation")
    assert len(one.trials) == 1
    with pytest.raises(Stopped):  # Over is over, for every thread.
        one.episode(own, world.validation[0].text, "validation")


def test_what_gained_most_on_training_documents_is_measured_first(world: World) -> None:
    cast = Cast()
    script = cast["challenger"].script
    cast["challenger"].script = lambda r, s: (
        script(r, s) if "Good" in str(r.system) else "nothing that can be read"
    )
    world.program = Autodata(cast.models, settings=Settings(rounds=1))
    one = bench(world)
    one.measured(one.own)
    for text, documents in (("Bad.", 2), ("Good once.", 1), ("Good twice.", 2)):
        for document in world.train[:documents]:
            one.episode(changed(one.own, text), document.text, "train")
    texts = [c.instructions["challenger.write"] for c in one.leftovers()]
    assert texts == ["Good twice.", "Good once.", "Bad."]


def test_what_no_run_of_has_ended_is_not_measured_before_what_was_run_and_lost(
    world: World,
) -> None:
    cast = Cast({"challenger": lambda r, s: "nothing that can be read"})
    world.program = Autodata(cast.models, settings=Settings(rounds=1))
    one = bench(world, trials=2, learning=0.1)  # Enough for a single document.
    bad, never = changed(one.own, "Bad."), changed(one.own, "Never run.")
    one.episode(bad, world.train[0].text, "train")
    with pytest.raises(Stopped):
        one.episode(never, world.train[0].text, "train")
    one.left += len(world.validation)
    one.measured(one.own)
    assert list(one.leftovers()) == [bad]


class Paid:
    """SIMBA on a world whose answers are paid for, from one start to the next."""

    def __init__(self, documents: Sequence[Document], folder: Path) -> None:
        self.documents, self.folder, self.store = documents, folder, Store()

    def search(self, calls: int) -> tuple[list[str], int, int]:
        """Return the candidates that became trials, the calls of the search, and those paid."""
        world = World(self.documents, self.folder / "cache")
        meter = world.models.meter
        meter.budget = Budget.parse(f"{calls}calls")
        objective = Objective(world.program, seed=0, store=self.store)
        setup = Setup(
            SearchOptions(trials=9), world.models[PROPOSER], folder=self.folder, in_flight=4
        )
        method = find_method("simba", setup)
        told: list[Trial] = []
        with contextlib.suppress(BudgetError):
            method.search(objective, world.train, world.validation, told.append)
        world.models.close()
        used = method.usage + objective.usage
        return [trial.candidate.id for trial in told], used.calls, int(meter.spent.calls)


@pytest.mark.parametrize("budget", [900, 1400])
def test_what_was_learned_when_the_budget_ends_that_is_measured_with_the_rest_of_it(
    budget: int, documents: Sequence[Document], tmp_path: Path
) -> None:
    place = Paid(documents, tmp_path)
    trials, calls, paid = place.search(budget)
    assert len(trials) > 1
    assert budget / 2 < paid <= budget
    # A larger budget learns no more: it would find other candidates after the test was looked at.
    assert place.search(10 * budget) == (trials, calls, 0)


def test_a_copy_of_a_training_document_is_refused_once_and_told_to_the_optimizer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    student = Student(bench(world))
    passage = " ".join(world.train[0].text.split()[10:40])
    write: Any = student.predictors()[-1]
    write.signature = write.signature.with_instructions(f"Write this: {passage}")
    metric = Metric(0.3)
    with caplog.at_level(logging.WARNING):
        for document in world.validation[:2]:
            done = student(document=document.text, sample="validation")
            told = metric(dspy.Example(), done)
            assert told.score == WORST
            assert "copies" in told.feedback
    assert len(caplog.records) == 1
    assert world.models.ledger.total.calls == 0


def test_an_episode_that_only_a_judge_spoilt_neither_rewards_nor_punishes() -> None:
    spoilt = Autodata(
        Cast({"judge": lambda r, s: "no verdicts"}).models, settings=Settings(rounds=1)
    )(document=Document(id="d", text="A text. " * 30))
    done = dspy.Prediction(episode=spoilt.episode, refused="")
    assert Metric(0.3)(dspy.Example(), done).score == 0.3
    trace: list[Any] = [(None, {}, dspy.Prediction(brief="b"))]
    assert Metric(0.3)(dspy.Example(), done, trace).score == 0  # And is never a demonstration.
    assert trace == []


def test_a_crew_runs_every_item_once_and_raises_what_the_first_failure_raised() -> None:
    began: list[int] = []

    def work(item: int) -> int:
        began.append(item)
        if item == 3:
            raise KeyError(item)
        return item * item

    assert Crew(2).execute(work, [1, 2, 4]) == [1, 4, 16]
    with pytest.raises(KeyError):
        Crew(1).execute(work, range(100))
    assert len(began) < 50


def test_items_run_side_by_side_once_it_is_settled_what_they_cost() -> None:
    together = threading.Barrier(3)

    def work(item: int) -> int:
        settled()
        together.wait(timeout=10)
        return item

    assert Crew(3).execute(work, range(3)) == [0, 1, 2]


def learning(world: World) -> tuple[Bench, list[str]]:
    """Return a bench that pays for two training documents, and the ids of those that it ran."""
    world.validation = world.validation[:2]
    ran: list[str] = []
    one = bench(world, trials=1)
    one.objective = Objective(world.program, seed=0, watch=lambda e: ran.append(e.document_id))
    return one, ran


def test_the_budget_lasts_for_the_first_documents_however_late_their_threads_are(
    world: World,
) -> None:
    one, ran = learning(world)
    student, overtaken = Student(one), threading.Event()

    def work(document: Document) -> None:
        if document is world.train[0]:
            overtaken.wait(timeout=0.5)
        student(document=document.text, sample="train")
        if document is world.train[2]:
            overtaken.set()

    with pytest.raises(Stopped):
        Crew(3).execute(work, world.train)
    assert sorted(ran) == sorted(document.id for document in world.train[:2])


def test_what_two_threads_ask_for_at_once_is_run_and_paid_once(world: World) -> None:
    one, ran = learning(world)
    student, (first, second, _) = Student(one), world.train
    found = Crew(3).execute(
        lambda document: student(document=document.text, sample="train").episode,
        [first, first, second],
    )
    assert found[0] is found[1]
    assert sorted(ran) == sorted([first.id, second.id])


@pytest.mark.parametrize("method", ["bootstrap", "gepa"])
def test_no_bars_but_ours_reach_the_terminal(
    method: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    search(world, method)
    assert capsys.readouterr().err == ""


def test_dspys_executor_is_ours_only_while_it_compiles(world: World) -> None:
    import importlib

    home: Any = importlib.import_module("dspy.evaluate.evaluate")
    before = home.ParallelExecutor
    with pytest.raises(ZeroDivisionError), compiling(world.models[PROPOSER]):
        assert home.ParallelExecutor is Crew
        _ = 1 / 0
    assert home.ParallelExecutor is before


def test_a_watcher_may_print(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def watch(trial: Trial) -> None:
        sys.stdout.write(f"{trial.number}\n")

    setup = Setup(SearchOptions(trials=3), world.models[PROPOSER], in_flight=4)
    find_method("copro", setup).search(
        world.objective(),
        world.train,
        world.validation,
        watch,
    )
    assert capsys.readouterr().out == "0\n1\n2\n"


def test_nothing_to_learn_from_is_said(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    world.program = Autodata(Cast({"weak": solver(9)}).models, settings=Settings(rounds=1))
    trials = search(world, "infer-rules")
    assert len(trials) == 1
    assert "nothing to measure besides the baseline" in caplog.text
