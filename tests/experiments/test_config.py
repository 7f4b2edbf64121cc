"""The configuration: one file, known keys only, the same after writing and reading."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodata.experiments.config import ExperimentConfig, load_config
from autodata.experiments.errors import InputError
from autodata.experiments.toml_table import presets
from autodata.metrics import GATES
from autodata.programs import PROPOSER, ROLES

MODELS = {role: {"model": f"simulation/{role}"} for role in ROLES}


def refusal(*overrides: str, name: str = "demo") -> str:
    with pytest.raises(InputError) as caught:
        load_config(name, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def reread(config: ExperimentConfig) -> ExperimentConfig:
    return ExperimentConfig.model_validate(tomllib.loads(config.to_toml()))


def test_every_preset_loads_and_has_a_model_for_every_role() -> None:
    assert presets() == ["code", "demo", "legal", "research", "scientific"]
    for name in presets():
        config = load_config(name)
        assert set(config.models) == {*config.task_domain.spoken, PROPOSER}
        assert config.run == name
        assert config.rule == config.task_domain.gate


@pytest.mark.parametrize("name", ["demo", "research"])
def test_a_preset_is_the_same_after_writing_and_reading(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    file = tmp_path / "config.toml"
    file.write_text(config.to_toml())
    assert load_config(str(file)) == config


SHARES = st.floats(0.01, 0.49)
PLAIN = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=3), inner),
    max_leaves=4,
)
GATE = st.sampled_from([None, *GATES]) | st.builds(
    lambda limit, inclusive: {
        "name": "own",
        "gap_min": {"limit": str(limit), "inclusive": inclusive},
        "weak_zeros": inclusive,
    },
    st.fractions(-1, 1),
    st.booleans(),
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    gate=GATE,
    train=SHARES,
    validation=SHARES,
    rounds=st.none() | st.integers(1, 99),
    demos=st.lists(st.integers(1, 9), max_size=3),
    temperatures=st.tuples(st.floats(0, 1), st.floats(1, 2)),
    extra=st.dictionaries(st.text("xyz .\"'", min_size=1, max_size=4), PLAIN, max_size=2),
    uri=st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=9),
)
def test_any_configuration_is_the_same_after_writing_and_reading(
    seed: int,
    gate: Any,
    train: float,
    validation: float,
    rounds: int | None,
    demos: list[int],
    temperatures: tuple[float, float],
    extra: dict[str, Any],
    uri: str | None,
) -> None:
    config = ExperimentConfig.model_validate(
        {
            "seed": seed,
            "gate": gate,
            "train": train,
            "validation": validation,
            "loop": {"rounds": rounds},
            "search": {"demos": demos, "temperature": temperatures},
            "models": {**MODELS, "weak": {"model": "m", "extra": extra}},
            "tracking": {"uri": uri},
        }
    )
    assert reread(config) == config


@pytest.mark.parametrize(
    ("override", "place", "nearest"),
    [
        ("sed=1", "sed", "seed"),
        ("documents.limt=1", "documents.limt", "limit"),
        ("search.trails=1", "search.trails", "trials"),
        ("loop.round=1", "loop.round", "rounds"),
        ("tracking.url='x'", "tracking.url", "uri"),
        ("models.weak.temprature=1", "models.weak.temprature", "temperature"),
        ("models.weka.model='x'", "models.weka", "weak"),
        ("gate={name='g', gap_mim={limit=0.1}}", "gate.gap_mim", "gap_min"),
        ("gate={name='g', gap_min={limt=0.1}}", "gate.gap_min.limt", "limit"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    override: str, place: str, nearest: str
) -> None:
    message = refusal(override)
    assert f"{place}: unknown key" in message
    assert f"did you mean '{nearest}'?" in message


def test_an_unknown_key_like_no_other_is_answered_with_all_known_ones() -> None:
    assert "known keys: experiment, uri" in refusal("tracking.zzzzzz=1")


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("seed=3", "seed", 3),
        ("run=nightly", "run", "nightly"),
        ('run="nightly"', "run", "nightly"),
        (" run =x", "run", "x"),
        ("runs=/tmp/a=b", "runs", "/tmp/a=b"),
        ("train=0.25", "train", 0.25),
        ("gate=meta", "gate", "meta"),
    ],
)
def test_a_value_on_the_command_line_is_toml_or_else_text(
    override: str, field: str, value: Any
) -> None:
    assert getattr(load_config("demo", [override]), field) == value


def test_lists_and_tables_can_be_set_and_the_last_one_wins() -> None:
    config = load_config(
        "demo",
        [
            "search.demos=[3]",
            "search.demos=[1, 2, 4]",
            "models.weak.extra={ability=-1.5}",
            "models.weak.extra.seed=4",
        ],
    )
    assert config.search.demos == (1, 2, 4)
    assert config.models["weak"].extra == {"ability": -1.5, "seed": 4}


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("seed", "expected key=value, such as search.trials=40"),
        ("=3", "expected key=value"),
        ("seed.x=3", "'seed' is a value and has no key 'x'"),
        ("seed=1\ntrain=0.2", "use --set once for each key"),
        ("models.weak=simulation/weak", "name the model with models.weak.model"),
        ("models=3", "models: Input should be a valid dictionary"),
        ("seed=-1", "greater than or equal to 0"),
        ("run=../x", "String should match pattern"),
        ("search.temperature=[1.2, 0.5]", "expected lowest and highest"),
        ("search.temperature=[0.5, 3]", "both in [0, 2]"),
    ],
)
def test_a_bad_value_on_the_command_line_is_one_clear_line(override: str, remedy: str) -> None:
    assert remedy in refusal(override)


def test_a_default_model_fills_what_a_role_leaves_out(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[models.default]\nmodel = "big"\napi_base = "http://h/v1"\ntemperature = 1.0\n'
        '[models.weak]\nmodel = "small"\n[models.judge]\ntemperature = 0.0\n'
    )
    models = load_config(str(file)).models
    assert set(models) == {*ROLES, PROPOSER}
    assert (models["weak"].model, models["weak"].api_base) == ("small", "http://h/v1")
    assert (models["judge"].model, models["judge"].temperature) == ("big", 0.0)
    assert models[PROPOSER] == models["strong"]


def test_a_role_without_a_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"no model for judge; add \[models.judge\]"):
        ExperimentConfig.model_validate(
            {"models": {role: model for role, model in MODELS.items() if role != "judge"}}
        )


@pytest.mark.parametrize(
    "override",
    [
        "models.weak.extra={api_key='sk-1'}",
        "models.weak.extra={hf_token='x'}",
        "models.weak.extra={headers={Authorization='Bearer x'}}",
        "models.weak.extra={list=[{password='x'}]}",
        "models.weak.api_base=http://me:secret@host/v1",
        "models.weak.api_base=http://host/v1?api-key=x",
    ],
)
def test_a_secret_is_refused_and_not_repeated(override: str) -> None:
    message = refusal(override)
    assert "name an environment variable in api_key_env" in message
    assert not any(secret in message for secret in ("sk-1", "Bearer", "me:secret", "key=x"))


def test_what_only_sounds_like_a_secret_is_allowed() -> None:
    override = "models.weak.extra={ignore_eos=true, max_completion_tokens=5}"
    assert load_config("research", [override]).models["weak"].extra["ignore_eos"] is True


def test_a_solver_that_cannot_sample_is_refused_unless_it_answers_once() -> None:
    assert "loop.weak_attempts=1" in refusal("models.weak.temperature=0")
    once = load_config("demo", ["models.weak.temperature=0", "loop.weak_attempts=1"])
    assert once.settings.weak_attempts == 1
    assert load_config("demo", ["models.judge.temperature=0"]).models["judge"].temperature == 0


def test_held_out_solvers_come_as_a_pair_and_are_made_only_where_they_are_named(
    tmp_path: Path,
) -> None:
    weak, strong = (
        f'models.heldout_{one}.model="simulation/{one}-b"' for one in ("weak", "strong")
    )
    assert "come as a pair" in refusal(weak)
    assert "come as a pair" in refusal(strong)
    file = tmp_path / "own.toml"
    file.write_text('[models.default]\nmodel = "x/y"\ntemperature = 0.7\n')
    assert not {"heldout_weak", "heldout_strong"} & load_config(str(file)).models.keys()
    both = load_config(str(file), [weak, strong]).models
    assert (both["heldout_weak"].model, both["heldout_weak"].temperature) == (
        "simulation/weak-b",
        0.7,
    )
    assert "identical attempts" in refusal(weak, strong, "models.heldout_weak.temperature=0")


def test_a_gate_is_the_domains_a_name_or_a_table() -> None:
    silent = ExperimentConfig.model_validate({"models": MODELS})
    assert silent.rule == silent.task_domain.gate
    assert load_config("demo", ["gate=meta"]).rule == GATES["meta"]
    own = load_config("demo", ['gate={name="mine", gap_min={limit="30%", inclusive=false}}'])
    assert own.rule.gap_min is not None
    assert (own.rule.name, float(own.rule.gap_min.limit)) == ("mine", 0.3)
    assert reread(own) == own


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        ("mata", "did you mean 'meta'?"),
        ("3", "gate: Input should be a valid dictionary"),
        ('{name="g", gap_min={limit=3}}', "must lie in [-1, 1]"),
        ("{gap_min={limit=0.3}}", "gate.name: Field required"),
    ],
)
def test_a_gate_that_is_none_says_why(gate: str, why: str) -> None:
    assert why in refusal(f"gate={gate}")


def test_shares_must_leave_something_to_test_on() -> None:
    assert "together they must be below 1" in refusal("train=0.6", "validation=0.4")


def test_numbers_that_are_not_set_are_the_domains() -> None:
    config = ExperimentConfig.model_validate({"models": MODELS})
    assert config.settings.rounds == config.task_domain.rounds
    assert config.settings.weak_attempts == config.task_domain.weak_attempts
    assert load_config("demo", ["loop.rounds=2"]).settings.rounds == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"seed = \n", "line 1"),
        (b"[models.weak\n", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        (b"a = 1\na = 2\n", "not valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_one_clear_line(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    message = refusal(name=str(file))
    assert str(file) in message
    assert why in message


def test_an_unknown_name_is_answered_with_the_nearest_preset(tmp_path: Path) -> None:
    assert "did you mean 'demo'?" in refusal(name="demos")
    assert "presets: code, demo, legal, research, scientific" in refusal(
        name=str(tmp_path / "none.toml")
    )
