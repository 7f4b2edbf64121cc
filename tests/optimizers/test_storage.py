"""Where studies are kept: forms of addresses, what may be shown of them, and what goes wrong."""

import socket
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from autodata.experiments.config import TRANSPORT, load_config
from autodata.experiments.errors import InputError
from autodata.optimizers import Candidate, SearchOptions, Setup, Trial
from autodata.optimizers.joint.address import shown
from autodata.optimizers.joint.search import OptunaSearch
from autodata.optimizers.joint.sharing import (
    PIECE,
    REACHED,
    Pulse,
    Timing,
    beating,
    get_text,
    kin,
    packed,
    put_text,
    unpacked,
)
from autodata.optimizers.joint.storage import open_storage
from autodata.optimizers.joint.worker import Worker
from autodata.programs import PROPOSER, Document

SECRET = "postgresql+psycopg://ann:s3cret%40word@127.0.0.1:1/studies?sslmode=disable"
OPTIONS = SearchOptions(trials=6, generation=3, instructions=2, prune_after=3)
HASTY = Timing(poll=0.02, beat=0.5, grace=20, patience=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def search(world: World, folder: Path, storage: str | None = None) -> list[Trial]:
    options = OPTIONS.model_copy(update={"storage": storage})
    setup = Setup(options, world.models[PROPOSER], folder=folder)
    trials: list[Trial] = []
    OptunaSearch(setup, HASTY).search(
        world.objective(), world.train, world.validation, trials.append
    )
    return trials


def told(trials: list[Trial]) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.params, t.value, t.candidate.id) for t in trials]


@pytest.mark.parametrize("address", ["mysql://host/x", "study.db", "grpc://host", "sqlite:///", ""])
def test_an_address_of_another_form_is_refused_with_the_forms(address: str) -> None:
    with pytest.raises(ValueError, match="expected sqlite:///FILE, postgresql"):
        SearchOptions(storage=address)


def test_a_refused_address_is_shown_without_its_password() -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        SearchOptions(storage="postgres://ann:s3cret@host/x")
    assert "s3cret" not in refused.value.errors()[0]["msg"]  # pyright: ignore[reportAttributeAccessIssue]


def test_user_password_and_query_are_not_shown() -> None:
    assert shown(SECRET) == "postgresql+psycopg://127.0.0.1:1/studies"
    assert shown("grpc://host:13000") == "grpc://host:13000"


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg", reason="the extra [postgres] is not installed")
    with pytest.raises(RuntimeError) as failed:
        open_storage(SECRET, None)
    message = str(failed.value)
    assert message.startswith("search.storage='postgresql+psycopg://127.0.0.1:1/studies'")
    assert "mend address" in message
    assert "s3cret" not in message
    assert "\n" not in message


def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("grpc", reason="the extra [grpc] is not installed")
    monkeypatch.setattr("autodata.optimizers.joint.storage.ANSWER_TIMEOUT", 0.2)
    with pytest.raises(RuntimeError, match=r"'grpc://127\.0\.0\.1:\d+': cannot be used"):
        open_storage(f"grpc://127.0.0.1:{free_port()}", None)


@pytest.mark.parametrize(
    ("driver", "address", "extra"),
    [("psycopg", SECRET, "postgres"), ("grpc", "grpc://localhost:1", "grpc")],
)
def test_a_missing_driver_names_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch, driver: str, address: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == driver]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(RuntimeError, match=rf"not installed; .*extra \[{extra}\]"):
        open_storage(address, None)


def test_a_sqlite_file_is_written_ahead_and_gives_the_same_trials_as_the_folder(
    documents: list[Document], tmp_path: Path
) -> None:
    for name in ("plain", "shared"):
        (tmp_path / name).mkdir()
    file = tmp_path / "new" / "study.db"
    shared = search(World(documents), tmp_path / "shared", f"sqlite:///{file}")
    assert told(shared) == told(search(World(documents), tmp_path / "plain"))
    with sqlite3.connect(file) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("form", ["sqlite:///{}/study.db", None])
def test_a_queued_trial_is_given_to_one_process_only(form: str | None, tmp_path: Path) -> None:
    address = form.format(tmp_path) if form else None
    queue = optuna.create_study(storage=open_storage(address, tmp_path), study_name="queue")
    for number in range(40):
        queue.enqueue_trial({}, user_attrs={"slot": number})

    def taken() -> list[int]:
        study = optuna.load_study(study_name="queue", storage=open_storage(address, tmp_path))
        barrier.wait(30)
        return [
            asked.user_attrs["slot"]
            for asked in (study.ask() for _ in range(10))
            if "slot" in asked.user_attrs
        ]

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(taken) for _ in range(4)]
        slots = [slot for one in found for slot in one.result()]
    assert len(slots) == len(set(slots))
    assert set(slots) <= set(range(40))


def test_a_run_of_the_same_name_in_another_folder_is_refused(
    documents: list[Document], tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'study.db'}"
    one, other = tmp_path / "one" / "run", tmp_path / "other" / "run"
    for folder in (one, other):
        folder.mkdir(parents=True)
    first = search(World(documents), one, address)
    assert told(search(World(documents), one, address)) == told(first)
    with pytest.raises(RuntimeError, match=r"another folder began; choose another name"):
        search(World(documents), other, address)


def test_a_worker_with_other_documents_is_refused(
    documents: list[Document], tmp_path: Path
) -> None:
    world, address = World(documents), f"sqlite:///{tmp_path / 'study.db'}"
    folder = tmp_path / "run"
    folder.mkdir()
    refusals: list[str] = []

    def look(trial: Trial) -> None:
        storage, others = open_storage(address, None), world.validation[1:]
        worker = Worker(storage, "run", world.objective(), others, owner="w", timing=HASTY)
        with pytest.raises(RuntimeError, match="other documents, models or settings") as refused:
            worker.work()
        refusals.append(str(refused.value))

    setup = Setup(
        OPTIONS.model_copy(update={"storage": address, "trials": 1}),
        world.models[PROPOSER],
        folder=folder,
    )
    OptunaSearch(setup).search(world.objective(), world.train, world.validation, look)
    assert len(refusals) == 1


@pytest.mark.filterwarnings("ignore:.*run_grpc_proxy_server is experimental")
def test_a_search_through_the_proxy_gives_the_same_trials(
    documents: list[Document], tmp_path: Path
) -> None:
    pytest.importorskip("grpc", reason="the extra [grpc] is not installed")
    from optuna.storages import InMemoryStorage, run_grpc_proxy_server

    port = free_port()
    threading.Thread(
        target=run_grpc_proxy_server,
        args=(InMemoryStorage(),),
        kwargs={"host": "127.0.0.1", "port": port},
        daemon=True,
    ).start()
    for name in ("plain", "shared"):
        (tmp_path / name).mkdir()
    shared = search(World(documents), tmp_path / "shared", f"grpc://127.0.0.1:{port}")
    assert told(shared) == told(search(World(documents), tmp_path / "plain"))


def test_a_line_that_a_killed_process_left_unfinished_disturbs_no_other(tmp_path: Path) -> None:
    storage, other = (open_storage(None, tmp_path) for _ in range(2))
    from optuna.study import StudyDirection

    storage.create_new_study([StudyDirection.MAXIMIZE], "before")
    with (tmp_path / "study.log").open("ab") as study:
        study.write(b'{"op_code": 4, "wor')
    other.create_new_study([StudyDirection.MAXIMIZE], "after")
    names = {one.study_name for one in open_storage(None, tmp_path).get_all_studies()}
    assert {one.study_name for one in storage.get_all_studies()} == names == {"before", "after"}


@given(st.text(), st.integers(1, 5))
def test_a_long_text_comes_back_from_its_pieces(text: str, piece: int) -> None:
    kept: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("autodata.optimizers.joint.sharing.PIECE", piece)
        put_text(kept.__setitem__, "name", text)
    assert get_text(kept, "name") == text
    assert all(len(one) <= piece for one in kept.values() if isinstance(one, str))
    assert get_text({}, "name") is None


def test_episodes_travel_unchanged_and_small(world: World) -> None:
    episodes = world.objective().episodes(
        Candidate.of(world.program), world.validation, "validation"
    )
    assert unpacked(packed(episodes)) == episodes
    assert len(packed(episodes)) < PIECE / 4


def test_kin_differs_with_the_seed_and_the_documents_and_not_with_the_object(
    documents: list[Document],
) -> None:
    world = World(documents)
    own = kin(world.objective(), world.validation)
    assert own == kin(World(documents).objective(), world.validation)
    others = {kin(world.objective(1), world.validation), kin(world.objective(), world.train)}
    assert len({own, *others}) == 3


@pytest.mark.parametrize(
    ("setting", "value", "same"),
    [
        ("temperature", 0.3, False),
        ("top_p", 0.9, False),
        ("max_tokens", 2000, False),
        ("structured", "json_schema", False),
        ("extra", {"ability": -1.0}, False),
        ("api_base", "http://other:8000/v1", True),
        ("api_key_env", "OTHER_KEY", True),
        ("concurrency", 3, True),
        ("input_price", 7.0, True),
    ],
)
def test_kin_differs_with_what_decides_answers_and_not_with_how_a_model_is_reached(
    world: World, setting: str, value: Any, same: bool
) -> None:
    own = kin(world.objective(), world.validation)
    judge = world.models["judge"]
    judge.config = judge.config.model_copy(update={setting: value})
    assert (kin(world.objective(), world.validation) == own) == same


def test_every_setting_of_a_model_counts_that_a_restart_may_not_change() -> None:
    assert {*TRANSPORT, "api_base"} == REACHED


@pytest.mark.parametrize(
    "address",
    ["postgresql://ann:sEcret@h/db", "postgresql:/ann:sEcret/db", "grpc://ann:sEcret@h"],
)
def test_an_address_that_is_mistyped_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(InputError, match=r"search.storage: expected sqlite:///FILE") as caught:
        load_config("demo", [f'search.storage="{address}"'])
    assert "sEcret" not in str(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(InputError, match="expected sqlite") as caught:
        load_config("demo", ["search.storage=study.db"])
    assert str(caught.value).endswith("(got 'study.db')")


def test_no_address_in_the_wrong_place_is_quoted() -> None:
    for override in ('seed="http://ann:sEcret@h"', 'search.storage=["http://ann:sEcret@h"]'):
        with pytest.raises(InputError) as caught:
            load_config("demo", [override])
        assert "sEcret" not in str(caught.value)


def test_a_pulse_ages_only_while_its_mark_stays_the_same() -> None:
    now = [0.0]
    pulse = Pulse(lambda: now[0])
    assert pulse.age("one", None) == 0
    now[0] = 5
    assert (pulse.age("one", None), pulse.age("two", 1)) == (5, 0)
    assert pulse.age("one", 1) == 0
    now[0] = 7
    assert (pulse.age("one", 1), pulse.age("two", 1)) == (2, 2)


def test_signs_of_life_are_given_inside_of_the_block_only() -> None:
    beats: list[str] = []
    with beating(lambda name, value: beats.append(name), every=0.01):
        until = time.monotonic() + 10
        while len(beats) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    assert len(beats) >= 3
    count = len(beats)
    time.sleep(0.05)
    assert len(beats) == count
