"""The evolution: Boltzmann parents, duels on fresh samples, checked edits, and its replay."""

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import dspy.lm15 as lm15
import pytest
from fakes import Cast, Script, Scripted, fields
from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from autodata.optimizers import (
    Candidate,
    Knobs,
    Objective,
    SearchOptions,
    Setup,
    Trial,
    importances,
    measured,
)
from autodata.optimizers.evolution import Dynamics, EvolutionSearch
from autodata.optimizers.evolution.edits import EditError, applied, bounds, described
from autodata.optimizers.evolution.exchanges import exchanges
from autodata.optimizers.evolution.history import Entry, told
from autodata.optimizers.evolution.population import Individual, boltzmann, duel
from autodata.optimizers.evolution.roles import Edit, Rewrite
from autodata.optimizers.guard import Guard
from autodata.programs import (
    PROPOSER,
    Attempt,
    Autodata,
    Document,
    Episode,
    Failure,
    ModelConfig,
    Outcome,
    Round,
    Settings,
)
from autodata.programs.budget import BudgetError
from autodata.programs.endpoint import Endpoint
from autodata.programs.lms import RoleLM
from autodata.programs.records import AnswerTask
from autodata.programs.usage import Call, Ledger, observing

TEXT = "The kiln cools by one degree an hour until the glaze on the outer wall begins to craze."
TRAIN = [Document(id=f"t{i}", text=f"Training text {i}. {TEXT}") for i in range(6)]
VALIDATION = [Document(id=f"v{i}", text=f"Validation text {i}.") for i in range(4)]
DOWN = Failure(role="judge", kind="infrastructure", message="down")
WRITE = "challenger.write"


def episode(name: str, gap: float | Fraction | None) -> Episode:
    """Return an episode with an accepted task of that gap, or one that an outage ended."""
    if gap is None:
        return Episode(document_id=name, rounds=(), stopped="failure", failure=DOWN)
    grade = gap if isinstance(gap, Fraction) else Fraction(gap).limit_denominator(1000)
    won = Round(
        number=1,
        brief="Ask about the glaze.",
        weak=(Attempt(answer="weak words", grade=Fraction(0)),),
        strong=(Attempt(answer="strong words", grade=grade),),
        outcome=Outcome.ACCEPTED,
    )
    return Episode(document_id=name, rounds=(won,), stopped="accepted")


class Told:
    """An objective whose gaps a test decides, from the instruction of the writer and the sample."""

    def __init__(self, gap: Callable[[str, str], float | None]) -> None:
        self.program = Autodata(Cast().models)
        self.own = Candidate.of(self.program)
        self.gap = gap
        self.asked: list[tuple[str, str]] = []

    def episodes(self, candidate: Candidate, documents: Any, sample: str) -> list[Episode]:
        text = candidate.instructions[WRITE]
        self.asked.append((text, sample))
        return [episode(one.id, self.gap(text, sample)) for one in documents]

    @property
    def evaluations(self) -> list[tuple[str, str]]:
        return [one for one in self.asked if one[1] != "train"]


def edit(instruction: str = "", **more: Any) -> dict[str, Any]:
    rewrites = [{"predictor": WRITE, "instruction": instruction}] if instruction else []
    return {"summary": f"Now {instruction}", "instructions": rewrites, **more}


def scripted(propose: Callable[[int], Any]) -> tuple[RoleLM, Scripted]:
    """Return a model that proposes what a test says for each iteration."""

    def script(request: lm15.Request, rollout: str) -> Any:
        number = int(rollout.rpartition("evolution-")[2].partition("/")[0])
        if "exchanges" not in str(request.system).partition("Your output fields")[0]:
            return fields(edit=propose(number))
        return fields(analysis=f"Analysis {number}: the weak solver knew it already.")

    return model(script)


def model(script: Script) -> tuple[RoleLM, Scripted]:
    backend = Scripted(script)
    config = ModelConfig(model="fake/proposer", retries=0, patience=0)
    return RoleLM(config, PROPOSER, Endpoint(config, backend), Ledger()), backend


def evolve(
    objective: Any,
    propose: Callable[[int], Any] = lambda number: edit(f"edit {number}"),
    *,
    lm: RoleLM | None = None,
    trials: int = 9,
    folder: Path | None = None,
    concurrency: int = 1,
) -> list[Trial]:
    setup = Setup(SearchOptions(trials=trials), lm or scripted(propose)[0], folder=folder)
    method = EvolutionSearch(setup, Dynamics(concurrency=concurrency))
    return method.search(objective, TRAIN, VALIDATION, lambda trial: None)


def log(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "evolution.json").read_text())["history"]


def accepted(trials: list[Trial]) -> list[str | float]:
    return [trial.verdict["accepted"] for trial in trials[1:]]


def test_a_candidate_that_is_better_by_the_temperature_is_e_times_as_likely() -> None:
    low, high = boltzmann([0.2, 0.3], 0.1)
    assert (low, high) == (pytest.approx(1 / (1 + math.e)), pytest.approx(math.e / (1 + math.e)))
    assert boltzmann([0.5, 0.5, 0.5, 0.5], 0.1) == [0.25] * 4
    assert Dynamics().temperature == 0.1


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.floats(0.01, 5), st.floats(-1, 1))
def test_the_chances_of_parents_are_those_of_boltzmann(
    averages: list[float], temperature: float, shift: float
) -> None:
    chances = boltzmann(averages, temperature)
    assert math.fsum(chances) == pytest.approx(1)
    top = max(range(len(averages)), key=lambda i: averages[i])
    for average, chance in zip(averages, chances, strict=True):
        ratio = math.exp((average - averages[top]) / temperature)
        assert chance == pytest.approx(ratio * chances[top])
    moved = boltzmann([average + shift for average in averages], temperature)
    assert moved == pytest.approx(chances, abs=1e-9)


def test_parent_and_child_are_scored_on_the_documents_that_both_have_a_score_of() -> None:
    ours = [episode("a", 0.2), episode("b", None), episode("c", 0.4)]
    theirs = [episode("a", 0.4), episode("b", 0.9), episode("c", 0.6)]
    assert duel(ours, theirs) == (Fraction(3, 10), Fraction(1, 2))


def test_a_duel_on_less_than_half_of_the_documents_is_none() -> None:
    ours = [episode("a", 0.2), episode("b", None), episode("c", None)]
    theirs = [episode(name, 0.5) for name in "abc"]
    assert duel(ours, theirs) is None
    assert duel([], []) is None


@given(st.lists(st.fractions(0, 1, max_denominator=60), min_size=2, max_size=8))
def test_the_same_grades_in_another_order_are_a_tie(grades: list[Fraction]) -> None:
    ours = [episode(str(i), grade) for i, grade in enumerate(grades)]
    theirs = [episode(str(i), grade) for i, grade in enumerate(reversed(grades))]
    scores = duel(ours, theirs)
    assert scores is not None
    assert scores[0] == scores[1]


@pytest.mark.parametrize(("child", "verdict"), [(0.3, "no"), (0.299, "no"), (0.301, "yes")])
def test_only_a_child_that_is_strictly_better_is_accepted(child: float, verdict: str) -> None:
    objective = Told(lambda text, sample: child if text.startswith("edit") else 0.3)
    trials = evolve(objective, trials=3)
    assert accepted(trials) == [verdict]
    assert trials[1].verdict["parent_score"] == 0.3


def test_parent_and_child_are_evaluated_afresh_in_every_iteration() -> None:
    objective = Told(lambda text, sample: 0.3)
    evolve(objective, trials=7)
    own = objective.own.instructions[WRITE]
    assert objective.evaluations == [
        (own, "validation"),
        *[
            one
            for number in (1, 2, 3)
            for one in [(own, f"validation-{number}"), (f"edit {number}", f"validation-{number}")]
        ],
    ]


def test_a_child_is_judged_by_its_own_evaluation_and_not_by_the_parents_first_one() -> None:
    def gap(text: str, sample: str) -> float:
        return 0.9 if sample == "validation" else 0.4 if text.startswith("edit") else 0.1

    trials = evolve(Told(gap), trials=3)
    assert accepted(trials) == ["yes"]
    assert trials[1].value == pytest.approx(0.4)


def test_a_parent_whose_first_score_was_luck_is_drawn_less_once_it_is_evaluated_again() -> None:
    assert Individual(0, Candidate(instructions={}), [0.9, 0.1]).average == pytest.approx(0.5)

    def gap(text: str, sample: str) -> float:
        return (1.0 if sample == "validation" else 0.0) if not text.startswith("edit") else 0.5

    parents = [trial.parent for trial in evolve(Told(gap), trials=41)[1:]]
    # Against its first 1.0 a child of 0.5 would be drawn once in 150 times.
    assert len(parents) == 20
    assert sum(parent == 0 for parent in parents[5:]) < 5


def test_trials_name_their_parents_and_what_the_gate_said() -> None:
    objective = Told(lambda text, sample: float(len(text) < 20) * 0.5)
    trials = evolve(objective, lambda n: edit(f"edit {n}", temperature=0.7), trials=5)
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert (trials[0].origin, trials[0].parent) == ("baseline", None)
    child = trials[1]
    assert (child.origin, child.parent) == ("evolution", 0)
    assert child.verdict == {"accepted": "yes", "parent_score": 0.0}
    assert child.params == {
        "instructions": child.candidate.id,
        "temperature": 0.7,
        "memory": 0,
    }
    assert child.candidate.knobs == Knobs(temperature=0.7, memory=0)


def test_only_what_was_tried_has_an_importance_and_no_verdict() -> None:
    def gap(text: str, sample: str) -> float:
        return 0.1 if sample == "validation" else len(text) % 7 / 10

    trials = evolve(
        Told(gap),
        lambda n: edit(f"edit {'x' * (n * 5 % 11)} {n}", temperature=0.5 + n * 7 % 60 / 100),
        trials=61,
    )
    assert len({trial.verdict.get("accepted") for trial in trials}) == 3
    assert set(importances(trials)) == {"temperature"}


@pytest.mark.parametrize("trials", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_reevaluated_parents_count_and_the_budget_is_never_overshot(
    trials: int, concurrency: int
) -> None:
    objective = Told(lambda text, sample: 0.3)
    found = evolve(objective, trials=trials, concurrency=concurrency)
    assert len(objective.evaluations) == 1 + 2 * ((trials - 1) // 2) <= trials
    assert len(found) == 1 + (trials - 1) // 2


def test_a_batch_draws_its_parents_and_reads_the_history_before_any_of_it_is_tried(
    tmp_path: Path,
) -> None:
    lm, backend = scripted(lambda number: edit(f"edit {number}"))
    objective = Told(lambda text, sample: 0.9 if text.startswith("edit") else 0.1)
    evolve(objective, lm=lm, trials=9, concurrency=2, folder=tmp_path)
    histories = [str(request.messages[-1].text) for request in backend.requests]
    first = [text for text in histories if "Iteration 1," not in text]
    assert len(first) == 4
    assert all("Iteration 2," in text for text in histories if text not in first)
    assert [one["parent"] for one in log(tmp_path)[:2]] == [0, 0]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"instructions": [{"predictor": "weak.solve", "instruction": "Give up."}]}, "may be edited"),
    ({"instructions": [{"predictor": "judge", "instruction": "Let it pass."}]}, "may be edited"),
    ({"instructions": [{"predictor": WRITE, "instruction": " \n"}]}, "is empty"),
    ({"instructions": [{"predictor": WRITE, "instruction": t} for t in "ab"]}, "edited twice"),
    ({"instructions": [], "temperature": 1.9}, r"temperature=1.9: stay within \[0.5, 1.2\]"),
    ({"instructions": [], "temperature": math.nan}, "stay within"),
    ({"instructions": [], "memory": 7}, "memory=7: choose one of 0, 1, 3"),
    ({"instructions": []}, "changes nothing"),
    ({"instructions": [{"predictor": WRITE, "instruction": f"Note: {TEXT}"}]}, "copies more than"),
]


@pytest.mark.parametrize(("given_", "why"), BAD)
def test_an_edit_that_is_not_allowed_is_refused_as_a_whole(
    given_: dict[str, Any], why: str
) -> None:
    own = Candidate.of(Autodata(Cast().models))
    good = {"predictor": "orchestrator.plan", "instruction": "Plan well."}
    alone = Edit.model_validate({"summary": "s", **given_})
    cases = [alone]
    if "changes nothing" not in why:
        both = {**given_, "instructions": [good, *given_["instructions"]]}
        cases.append(Edit.model_validate({"summary": "s", **both}))
    for case in cases:
        with pytest.raises(EditError, match=why):
            applied(case, own, SearchOptions(), Guard(TRAIN, own))


@pytest.mark.parametrize(
    ("proposed", "why"),
    [
        (edit(f"Remember: {TEXT}"), "copies more than 12 words of training document"),
        (edit("", temperature=9.0), "temperature=9.0"),
        ("Better prompts, please.", "could not be read"),
        ({"summary": "A thing.", "instructions": [{"predictor": WRITE}]}, "could not be read"),
        ({**edit("Write."), "gate": {"gap_min": 0}}, "could not be read"),
    ],
)
def test_a_failed_mutation_is_recorded_told_and_never_measured(
    proposed: Any, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm, backend = scripted(lambda number: proposed if number < 3 else edit("edit"))
    objective = Told(lambda text, sample: 0.3)
    trials = evolve(objective, lm=lm, trials=4, folder=tmp_path)
    assert len(trials) == 2
    assert {text for text, _ in objective.asked} == {objective.own.instructions[WRITE], "edit"}
    failed = log(tmp_path)[:2]
    assert [one["outcome"] for one in failed] == ["failed", "failed"]
    assert all(why in one["why"] and one["child"] is None for one in failed)
    assert why in caplog.text
    last = str(backend.requests[-1].messages[-1].text)
    assert why in last
    assert "Iteration 2, failed" in last


def test_an_implementer_that_never_says_anything_useful_does_not_run_for_ever() -> None:
    objective = Told(lambda text, sample: 0.3)
    assert len(evolve(objective, lambda number: edit(""), trials=5)) == 1
    assert len(objective.asked) == 1 + 5


def test_a_child_that_was_tried_before_is_not_measured_again(tmp_path: Path) -> None:
    objective = Told(lambda text, sample: 0.3)
    trials = evolve(objective, lambda number: edit("edit"), trials=7, folder=tmp_path)
    assert len(trials) == 2
    assert "leads back to trial 1" in log(tmp_path)[1]["why"]


def test_an_edit_changes_what_it_names_and_nothing_else() -> None:
    own = Candidate.of(Autodata(Cast().models))
    own = own.model_copy(update={"demos": {WRITE: [{"notes": "n"}]}})
    named = Edit(
        summary="s", instructions=[Rewrite(predictor=WRITE, instruction=" New. ")], memory=3
    )
    child = applied(named, own, SearchOptions(), Guard(TRAIN, own))
    assert child.instructions == {**own.instructions, WRITE: "New."}
    assert child.knobs == own.knobs.model_copy(update={"memory": 3})
    assert child.demos == own.demos
    assert json.loads(described(child))["settings"]["memory"] == 3
    assert json.loads(bounds(SearchOptions()))["memory"] == {"one of": [0, 1, 3]}


def test_the_log_tells_the_latest_and_the_best_of_the_others() -> None:
    def entry(number: int, gain: float) -> Entry:
        return Entry(
            iteration=number,
            parent=0,
            outcome="accepted" if gain > 0 else "rejected",
            parent_score=0.2,
            child_score=0.2 + gain,
            changed=(WRITE,),
            summary="Shorter.",
        )

    entries = [entry(1, 0.3), entry(2, 0.1), entry(3, 0.2), entry(4, -0.1), entry(5, 0.0)]
    lines = told(entries, recent=2, best=2).splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"- Iteration {number}" for number in (1, 3, 4, 5)
    ]
    assert lines[0] == (
        "- Iteration 1, accepted: +0.200 before, +0.500 after; edited challenger.write. Shorter."
    )
    assert told([]) == ""


def test_the_analyzer_reads_whole_exchanges() -> None:
    cast = Cast()
    document = Document(id="d", text="A text about pressure. " * 30)
    done = Autodata(cast.models, settings=Settings(rounds=2))(document=document).episode
    text = exchanges({"d": document}, [done])
    won = done.rounds[-1]
    assert won.task is not None
    assert document.text in text
    for part in (won.brief, won.task.question, won.task.reference, won.outcome.value):
        assert part in text
    for attempt in (*won.weak, *won.strong):
        assert attempt.answer in text
        assert f"grade {float(attempt.grade or 0):.2f}" in text
    for criterion in won.task.rubric:
        assert f"({criterion.weight:+d}): {criterion.criterion}" in text


def test_without_room_long_texts_are_cut_and_no_attempt_is_left_out() -> None:
    answers = [Attempt(answer=f"{name} " * 3000, grade=Fraction(1, 3)) for name in ("ja", "no")]
    task = AnswerTask(
        question_type="closed form",
        skills=["algebra"],
        topic="MSC 34",
        answer_type="interval",
        question="Where is it positive? " * 20,
        reference="(0, 1)",
    )
    one = Round(
        number=1,
        brief="b",
        task=task,
        weak=tuple(answers),
        outcome=Outcome.TOO_EASY,
        reason="mean 0.90 is above 0.65",
    )
    told_ = Episode(document_id="d", rounds=(one,) * 8)
    text = exchanges({"d": Document(id="d", text="x" * 9000)}, [told_], room=20_000)
    assert len(text) <= 20_000
    assert text.count("Weak attempt 1 (grade 0.33): ja ja") == 8
    assert text.count("Weak attempt 2 (grade 0.33): no no") == 8
    assert text.count("--- Round 1: TOO EASY\nReason: mean 0.90 is above 0.65") == 8
    assert "Reference: (0, 1)" in text


def test_a_duel_that_an_outage_spoilt_is_no_evidence(tmp_path: Path) -> None:
    def gap(text: str, sample: str) -> float | None:
        return None if sample == "validation-1" and not text.startswith("edit") else 0.3

    trials = evolve(Told(gap), trials=5, folder=tmp_path)
    assert accepted(trials) == ["no", "no"]
    assert "parent_score" not in trials[1].verdict
    first = log(tmp_path)[0]
    assert (first["outcome"], first["child_score"]) == ("not scored", None)


def test_an_outage_of_the_training_documents_stops_the_search() -> None:
    objective = Told(lambda text, sample: None if sample == "train" else 0.3)
    with pytest.raises(RuntimeError, match=r"judge: down.*autodata check"):
        evolve(objective)


def test_a_proposer_that_cannot_be_reached_stops_the_search() -> None:
    lm, _ = model(lambda request, rollout: lm15.ServerError("no route"))
    with pytest.raises(RuntimeError, match=r"analyzer: .*no route.*run again"):
        evolve(Told(lambda text, sample: 0.3), lm=lm)


def test_what_an_error_cuts_off_is_counted_all_the_same() -> None:
    lm, backend = scripted(lambda number: edit(f"edit {number}"))
    answer = backend.script
    backend.script = lambda request, rollout: (
        lm15.ServerError("no route") if len(backend.requests) == 4 else answer(request, rollout)
    )
    method = EvolutionSearch(Setup(SearchOptions(trials=9), lm), Dynamics(concurrency=1))
    objective: Any = Told(lambda text, sample: 0.3)
    with pytest.raises(RuntimeError, match="no route"):
        method.search(objective, TRAIN, VALIDATION, lambda trial: None)
    assert (method.usage.calls, method.usage.failed) == (3, 1)


def test_one_proposal_that_fails_does_not_lose_the_others_of_its_batch(tmp_path: Path) -> None:
    lm, backend = scripted(lambda number: edit(f"edit {number}"))
    answer = backend.script
    backend.script = lambda request, rollout: (
        lm15.ServerError("no route") if "evolution-1" in rollout else answer(request, rollout)
    )
    with pytest.raises(RuntimeError, match="no route"):
        evolve(Told(lambda text, sample: 0.3), lm=lm, concurrency=2, folder=tmp_path)
    kept = json.loads((tmp_path / "evolution.json").read_text())["proposals"]
    assert [key.split("-")[0] for key in kept] == ["2"]


class Store:
    """Finished episodes, as a run's journal keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, Episode] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.kept

    def get(self, key: str) -> Episode | None:
        return self.kept.get(key)

    def put(self, key: str, episode: Episode) -> None:
        self.kept[key] = episode


class Place:
    """What survives an interruption: the store, the answer cache and the folder."""

    def __init__(self, documents: list[Document], folder: Path) -> None:
        folder.mkdir()
        self.documents, self.folder, self.store = documents, folder, Store()
        self.paid = 0
        self.seen: list[Trial] = []

    def search(self, calls: int | None = None, seed: int = 0) -> tuple[list[Any], Any]:
        """Search; a budget of that many calls that are paid for ends it early."""
        world = World(self.documents, self.folder / "cache")
        world.program.settings = Settings(rounds=2)
        method = EvolutionSearch(
            Setup(SearchOptions(trials=7), world.models[PROPOSER], seed=seed, folder=self.folder),
            Dynamics(minibatch=2),
        )
        left = [calls]

        def count(call: Call) -> None:
            if left[0] is not None:
                left[0] -= call.usage.calls - call.usage.cached
                if left[0] < 0:
                    raise BudgetError("used up")

        self.seen = []
        objective = Objective(world.program, seed=seed, store=self.store)
        before = Candidate.of(world.program)
        try:
            with observing(count):
                method.search(objective, world.train, world.validation[:4], self.seen.append)
        finally:
            self.paid += sum((u.calls - u.cached) for u in world.models.ledger.roles.values())
            self.roles = world.models.ledger.roles
            world.models.close()
            assert Candidate.of(world.program) == before
        trials = [(t.number, t.parent, t.params, t.value, t.candidate.id) for t in self.seen]
        usage = method.usage
        return trials, (usage.calls, usage.input_tokens, usage.output_tokens)


@pytest.fixture(scope="module")
def undisturbed(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = Place(documents, tmp_path_factory.mktemp("evolution") / "run")
    return place, *place.search()


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(
    undisturbed: Any, documents: list[Document], tmp_path: Path
) -> None:
    _, trials, usage = undisturbed
    assert Place(documents, tmp_path / "same").search() == (trials, usage)
    assert Place(documents, tmp_path / "other").search(seed=1)[0] != trials


def test_a_search_cut_short_anywhere_goes_on_as_undisturbed_and_pays_no_call_twice(
    undisturbed: Any, documents: list[Document], tmp_path: Path
) -> None:
    whole, trials, usage = undisturbed
    place, starts, told_before = Place(documents, tmp_path / "run"), 0, 0
    found = None
    while found is None:
        try:
            found = place.search(calls=whole.paid // 9)
        except BudgetError:
            starts += 1
            assert len(place.seen) >= told_before
            told_before = len(place.seen)
    assert starts == 8 or starts == 9
    assert told_before > 1
    assert found == (trials, usage)
    assert place.paid == whole.paid


def test_a_proposal_is_not_asked_for_again(undisturbed: Any, documents: list[Document]) -> None:
    whole, trials, usage = undisturbed
    paid = whole.paid
    assert whole.search() == (trials, usage)
    assert whole.paid == paid
    assert PROPOSER not in whole.roles


def test_a_search_cut_short_within_a_pair_finds_the_analysis_in_the_cache(
    undisturbed: Any, documents: list[Document], tmp_path: Path
) -> None:
    _, trials, usage = undisturbed
    place = Place(documents, tmp_path / "run")
    asked = 0

    def dies(call: Call) -> None:
        nonlocal asked
        asked += call.role == PROPOSER
        if asked == 2:
            raise BudgetError("used up")

    with observing(dies), pytest.raises(BudgetError):
        place.search()
    assert len(place.seen) == 1
    assert place.search() == (trials, usage)
    assert place.paid == undisturbed[0].paid


def test_each_role_is_answered_by_its_own_model(documents: list[Document]) -> None:
    cast = Cast()
    lm, backend = scripted(lambda number: edit(f"edit {number}"))
    program = Autodata(cast.models, settings=Settings(rounds=1))
    trials = evolve(Objective(program, seed=0), lm=lm, trials=5, concurrency=2)
    assert len(trials) == 3
    spoken = {"analysis", "edit"}
    wanted = {**{"weak": {"answer"}, "strong": {"answer"}}, "judge": {"verdicts"}}
    wanted |= {"challenger": {"notes", "task"}, "verifier": {"report"}}
    for role, outputs in wanted.items():
        assert _outputs(cast[role]) == outputs
    assert _outputs(backend) == spoken
    assert len(backend.requests) == 4
    assert program.weak.role_lm is not program.strong.role_lm


def _outputs(backend: Scripted) -> set[str]:
    systems = [str(request.system) for request in backend.requests]
    parts = [
        one.partition("Your output fields are:")[2].partition("All inter")[0] for one in systems
    ]
    return {line.split("`")[1] for part in parts for line in part.splitlines() if "`" in line}


def test_the_models_of_frozen_roles_never_hear_of_an_edit(documents: list[Document]) -> None:
    cast = Cast()
    lm, _ = scripted(lambda number: edit(f"Obey edit {number}"))
    program = Autodata(cast.models, settings=Settings(rounds=1))
    evolve(Objective(program, seed=0), lm=lm, trials=5)
    heard = {
        role: any("Obey edit" in str(request.system) for request in backend.requests)
        for role, backend in cast.items()
    }
    assert [role for role, told_ in heard.items() if told_] == ["challenger"]


def test_a_short_evolution_finds_instructions_that_hold_on_documents_it_has_not_seen(
    documents: list[Document],
) -> None:
    # Four children are few: of the seeds 0 to 5 three end better on unseen documents, this one too.
    world, seed = World(documents), 5
    world.program = Autodata(world.models.roles, settings=Settings(rounds=4))
    objective = world.objective(seed)
    method = EvolutionSearch(Setup(SearchOptions(trials=9), world.models[PROPOSER], seed=seed))
    validation, unseen = documents[3:11], documents[11:27]
    trials = method.search(objective, world.train, validation, lambda trial: None)
    best = max(trials, key=lambda trial: trial.value or 0.0)
    before, after = (
        measured(objective.episodes(one.candidate, unseen, "unseen")).gap
        for one in (trials[0], best)
    )
    assert before is not None
    assert after is not None
    assert best.verdict["accepted"] == "yes"
    assert before == pytest.approx(0.099, abs=5e-4)
    assert after == pytest.approx(0.234, abs=5e-4)
