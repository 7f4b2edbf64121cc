"""A run's folder: one configuration and one set of documents, however often it is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autodata.experiments.config import load_config
from autodata.experiments.errors import InputError
from autodata.experiments.progress import Reporter
from autodata.experiments.session import open_session
from autodata.optimizers import Candidate
from autodata.programs import PROPOSER, ROLES, Document


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder of three documents."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.md").write_text(f"What {name} does to the yield was measured. " * 10)
    return folder


def start(tmp_path: Path, *overrides: str) -> list[str]:
    """Open the run as a command does; return the ids of its documents."""
    common = [f"runs={tmp_path / 'runs'}", f"documents.path={tmp_path / 'documents'}"]
    config = load_config("demo", [*common, *overrides])
    with open_session(config, Reporter(quiet=True)) as session:
        return [document.id for document in session.documents]


def refusal(tmp_path: Path, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        start(tmp_path, *overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("seed=8", "seed"),
        ("gate=meta", "gate"),
        ("loop.rounds=3", "loop.rounds"),
        ("loop.in_flight=3", "loop.in_flight"),
        ("models.weak.temperature=0.9", "models.weak.temperature"),
        ("search.trials=3", "search.trials"),
        ("documents.min_characters=3", "documents.min_characters"),
    ],
)
def test_another_configuration_in_the_same_folder_is_refused_by_its_key(
    documents: Path, tmp_path: Path, override: str, key: str
) -> None:
    start(tmp_path)
    message = refusal(tmp_path, override)
    assert f"holds a run with another {key};" in message
    assert "--set run=NAME" in message
    assert start(tmp_path, override, "run=other") == ["a.md", "b.md", "c.md"]


@pytest.mark.parametrize(
    "override", ["tracking.experiment=other", "tracking.uri=sqlite:///x.db", "in_flight=2"]
)
def test_what_does_not_touch_the_result_may_change(
    documents: Path, tmp_path: Path, override: str
) -> None:
    assert start(tmp_path) == start(tmp_path, override) == start(tmp_path)


def test_a_run_that_was_moved_goes_on(documents: Path, tmp_path: Path) -> None:
    start(tmp_path)
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert start(tmp_path, f"runs={tmp_path / 'moved'}") == ["a.md", "b.md", "c.md"]
    assert "another seed" in refusal(tmp_path, f"runs={tmp_path / 'moved'}", "seed=8")


@pytest.mark.parametrize("change", ["edited", "added", "removed", "renamed"])
def test_changed_documents_are_refused(documents: Path, tmp_path: Path, change: str) -> None:
    start(tmp_path)
    one = documents / "a.md"
    match change:
        case "edited":
            one.write_text(one.read_text() + "And more.")
        case "added":
            (documents / "d.md").write_text("Something else altogether, at length. " * 10)
        case "removed":
            one.unlink()
        case "renamed":
            one.rename(documents / "z.md")
    assert "the documents have changed since this run began" in refusal(tmp_path)


def test_a_document_that_is_left_out_is_no_change(documents: Path, tmp_path: Path) -> None:
    start(tmp_path)
    (documents / "short.md").write_text("Too short.")
    assert start(tmp_path) == ["a.md", "b.md", "c.md"]


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe"])
def test_a_damaged_record_of_the_configuration_is_one_clear_line(
    documents: Path, tmp_path: Path, content: bytes
) -> None:
    start(tmp_path)
    (tmp_path / "runs" / "demo" / "config.toml").write_bytes(content)
    assert "config.toml: damaged" in refusal(tmp_path)


def test_the_password_of_the_tracking_address_is_not_kept(documents: Path, tmp_path: Path) -> None:
    override = "tracking.uri=postgresql://me:geheim@host/db"
    start(tmp_path, override)
    kept = (tmp_path / "runs" / "demo" / "config.toml").read_text()
    assert "geheim" not in kept
    assert "postgresql://host/db" in kept
    assert start(tmp_path, override) == ["a.md", "b.md", "c.md"]


def test_the_kept_configuration_can_be_run(documents: Path, tmp_path: Path) -> None:
    start(tmp_path, "seed=3")
    kept = load_config(str(tmp_path / "runs" / "demo" / "config.toml"))
    with open_session(kept, Reporter(quiet=True)) as session:
        assert session.config.seed == 3


def test_a_second_start_goes_on_and_says_so(
    documents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [f"runs={tmp_path / 'runs'}", f"documents.path={documents}", "loop.rounds=1"]
    config = load_config("demo", overrides)
    with open_session(config, Reporter()) as session:
        candidate = Candidate.of(session.program)
        first = session.objective.episodes(candidate, session.documents[:2], "x")
        calls = session.models.ledger.total.calls
        assert calls > 0
    with open_session(config, Reporter()) as session:
        assert session.objective.episodes(candidate, session.documents[:2], "x") == first
        assert session.models.ledger.total.calls == 0
    assert "going on with 2 finished episodes" in capsys.readouterr().err


def test_what_was_left_out_is_said(
    documents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (documents / "short[x].md").write_text("Too short.")
    config = load_config("demo", [f"runs={tmp_path / 'runs'}", f"documents.path={documents}"])
    with open_session(config, Reporter()):
        assert "document short[x].md: left out, too short" in capsys.readouterr().err


def test_splits_follow_the_configuration(documents: Path, tmp_path: Path) -> None:
    config = load_config("demo", [f"runs={tmp_path / 'runs'}", "train=0.5", "validation=0.25"])
    with open_session(config, Reporter(quiet=True)) as session:
        assert [len(part) for part in session.split()] == [18, 9, 9]
        assert session.split() == session.split()


@pytest.mark.parametrize("key", ["timeout=5", "retries=1", "concurrency=2", "input_price=0.5"])
def test_how_a_model_is_reached_may_change_between_two_starts(
    documents: Path, tmp_path: Path, key: str
) -> None:
    assert start(tmp_path) == start(tmp_path, f"models.weak.{key}")


@pytest.mark.parametrize(
    ("concurrency", "overrides", "at_first", "grows"),
    [
        (64, (), 40, False),
        (9, ("models.weak.concurrency=3",), 18, False),
        (64, ("in_flight=5",), 5, False),
        (64, ("budget=100000calls",), 16, True),
        (64, ("budget=100000calls", "in_flight=5"), 5, False),
        (2, ("budget=100000calls",), 4, False),
    ],
)
def test_as_many_documents_are_under_way_as_the_endpoints_can_take(
    concurrency: int, overrides: tuple[str, ...], at_first: int, grows: bool, tmp_path: Path
) -> None:
    class Watched(list[Document]):
        """Forty documents, counted as they are taken."""

        def __iter__(self) -> Iterator[Document]:
            for number in range(40):
                taken.append(number)
                yield Document(id=str(number), text=f"Text {number}. " * 30)

    class Counting(Reporter):
        def advance(self, note: str = "") -> None:
            under_way.append(len(taken) - len(under_way))

    taken: list[int] = []
    under_way: list[int] = []
    common = [f"models.{role}.concurrency={concurrency}" for role in (*ROLES, PROPOSER)]
    common += ["loop.rounds=1", f"runs={tmp_path}", "models.challenger.extra={latency=0.02}"]
    config = load_config("demo", [*common, *overrides])
    with Counting(quiet=True) as reporter, open_session(config, reporter) as session:
        session.objective.episodes(Candidate.of(session.program), Watched(), "x")
    assert len(under_way) == 40
    assert under_way[0] == at_first
    assert (max(under_way) > at_first) == grows
