"""Progress: lines that tell people and files what happens, and nothing on standard output."""

import pytest

from autodata.experiments.progress import Reporter


def test_without_a_terminal_stages_are_plain_lines_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Reporter(every=0) as reporter:
        reporter.stage("documents", 2)
        reporter.advance("a.md: accepted")
        reporter.advance()
        reporter.stage("more", 1, announce=False)
        reporter.line("the end")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "documents (2)",
        "documents: 1 of 2 a.md: accepted",
        "documents: 2 of 2",
        "the end",
    ]


def test_steps_are_not_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter(every=3600) as reporter:
        reporter.stage("documents", 1000)
        for _ in range(1000):
            reporter.advance("a note")
    assert capsys.readouterr().err.splitlines() == ["documents (1000)"]


def test_a_quiet_reporter_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Reporter(quiet=True, every=0) as reporter:
        reporter.stage("documents", 2)
        reporter.advance("a note")
        reporter.line("a line")
    assert capsys.readouterr() == ("", "")


def test_a_long_line_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text = "a word and " * 30 + "the end"
    Reporter().line(text)
    assert capsys.readouterr().err == f"{text}\n"


@pytest.mark.parametrize("name", ["[red]x", "a[/b].md", "[link=x]", "100 %", "\\[x]"])
def test_names_are_shown_as_they_are_on_a_terminal_too(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Reporter() as reporter:
        reporter.stage(f"stage {name}", 3)
        reporter.advance(f"note {name}")
        reporter.stage("another", 3)
        reporter.line(f"line {name}")
    out, err = capsys.readouterr()
    assert out == ""
    assert f"line {name}" in err
    assert "another" in err
