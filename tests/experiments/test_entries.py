"""What is recorded of a trial: the same parameters for every method, and where it comes from."""

from pathlib import Path

from autodata.experiments.entries import outcome, trial_entry, trial_name, trial_params
from autodata.optimizers import Candidate, Knobs, Trial
from tests.experiments import trials
from tests.experiments.test_report import VALIDATION

WRITE = "challenger.write"
PARENT = trials.BASELINE.model_copy(
    update={"instructions": {**trials.BASELINE.instructions, WRITE: "Write a task."}}
)
CHILD = PARENT.model_copy(
    update={
        "instructions": {**PARENT.instructions, WRITE: "Write a task.\nName the cause."},
        "demos": {WRITE: [{"brief": "a"}, {"brief": "b"}]},
        "knobs": Knobs(),
    }
)


def trial(candidate: Candidate, number: int = 3, parent: int = 2) -> Trial:
    """Return a trial of a method that has a single parameter of its own, and a verdict."""
    episodes = [trials.accepted("a", "0.2", "0.6")]
    return Trial.ended(
        number,
        "gepa",
        candidate,
        {"examples": "yes"},
        episodes,
        parent=parent,
        verdict={"accepted": "no", "parent_score": 0.25},
    )


def test_trials_of_every_method_have_the_same_parameters(tmp_path: Path) -> None:
    config = trials.config(tmp_path, method="gepa")
    own = trial_params(trial(CHILD), trials.BASELINE, config)
    sampled = trial_params(trials.study(2)[1], trials.BASELINE, config)
    assert set(own) == {*sampled, "examples"}
    assert (own["method"], own["origin"], own["parent"]) == ("gepa", "gepa", 2)
    assert own["candidate"] == CHILD.id
    assert own["plan"] == "plan-0"
    assert str(own["write"]).startswith("write-")
    assert own["write"] not in ("write-0", trial_params(trial(PARENT), trials.BASELINE, config))
    assert str(own["demos"]).startswith("2-")
    assert (own["temperature"], own["memory"], own["examples"]) == (1.0, 0, "yes")


def test_the_names_of_a_search_space_are_kept(tmp_path: Path) -> None:
    found = trial_params(trials.study(2)[1], trials.BASELINE, trials.config(tmp_path))
    assert (found["write"], found["demos"], found["temperature"]) == ("write-1", "best-2", 0.98)


def test_the_model_s_temperature_and_the_loop_s_memory_fill_what_a_candidate_leaves_out(
    tmp_path: Path,
) -> None:
    plain = trials.config(tmp_path, loop={"memory": 3})
    warm = plain.models["challenger"].model_copy(update={"temperature": 0.6})
    config = plain.model_copy(update={"models": {**plain.models, "challenger": warm}})
    found = trial_params(trial(CHILD), trials.BASELINE, config)
    assert (found["temperature"], found["memory"]) == (0.6, 3)


def test_a_trial_shows_its_difference_from_the_baseline_and_from_its_parent(
    tmp_path: Path,
) -> None:
    entry = trial_entry(trial(CHILD), trials.BASELINE, PARENT, trials.config(tmp_path))
    baseline, _, parent = entry.files["diff.txt"].partition("--- trial-2/challenger.write")
    assert "--- baseline/challenger.write" in baseline
    assert "-It must be hard." in baseline
    assert "+Name the cause." in baseline
    assert "+Name the cause." in parent
    assert "It must be hard." not in parent
    assert entry.tags["parent"] == "2"
    assert "by gepa, from trial 2" in entry.tags["mlflow.note.content"]


def test_a_verdict_is_a_tag_and_neither_a_parameter_nor_a_part_of_the_name(
    tmp_path: Path,
) -> None:
    entry = trial_entry(trial(CHILD), trials.BASELINE, PARENT, trials.config(tmp_path))
    assert (entry.tags["accepted"], entry.tags["parent_score"]) == ("no", "0.25")
    assert not {"accepted", "parent_score"} & set(entry.params)
    assert trial_name(trial(CHILD)) == "t003 yes"


def test_a_child_of_the_baseline_has_one_difference(tmp_path: Path) -> None:
    config = trials.config(tmp_path)
    entry = trial_entry(trial(CHILD, parent=0), trials.BASELINE, trials.BASELINE, config)
    assert entry.files["diff.txt"].count("/challenger.write") == 2
    first = trial_entry(trials.study(1)[0], trials.BASELINE, trials.BASELINE, config)
    assert "parent" not in first.tags
    assert first.params["parent"] == "-"


def test_a_trial_that_is_its_parent_again_says_so(tmp_path: Path) -> None:
    entry = trial_entry(trial(PARENT), trials.BASELINE, PARENT, trials.config(tmp_path))
    assert entry.files["diff.txt"].endswith("\nno difference from trial-2\n")


def test_the_finalists_of_a_run_are_lines_over_the_rounds(tmp_path: Path) -> None:
    searched = trials.study(5)
    plain = trials.result(trials.config(tmp_path), searched, searched[4])
    found = outcome(plain.model_copy(update={"validation": VALIDATION, "curse": 0.05}))
    points = {(one.name, one.step): one.value for one in found.points}
    assert points["finalist/t004", 2] == 0.31
    assert points["finalist/t006", 1] == 0.3
    assert ("finalist/t006", 2) not in points
    assert points["curse", 0] == 0.05
    assert points["validation/again", 0] == 0.32
    assert "On validation the winner looked" in found.tags["mlflow.note.content"]
