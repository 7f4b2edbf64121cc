"""`autodata cache`: what is kept, and less of it."""

import json
from pathlib import Path

import dspy.lm15 as lm15
import pytest

from autodata.programs.cache import AnswerCache

from .conftest import Command


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    cache = AnswerCache(tmp_path / "cache")
    for number in range(6):
        answer = lm15.Response(
            id=None,
            model="m",
            message=lm15.Message.assistant("x" * 1000),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=1, output_tokens=1),
        )
        cache.put(str(number), answer, endpoint="weak@http://here" if number < 4 else "strong@[b]")
    cache.close()
    return tmp_path


def test_it_shows_the_answers_of_each_endpoint(cli: Command, runs: Path) -> None:
    shown = cli("cache", str(runs))
    assert shown.code == 0
    for text in ("weak@http://here", "strong@[b]", "4", "2", "all", "6"):
        assert text in shown.out


def test_it_removes_the_oldest_and_says_so(cli: Command, runs: Path) -> None:
    shown = cli("cache", str(runs), "--keep", "3kB", "--json")
    found = json.loads(shown.out)
    assert found["removed"] == 4
    assert [(one["endpoint"], one["answers"]) for one in found["endpoints"]] == [("strong@[b]", 2)]
    assert json.loads(cli("cache", str(runs), "--keep", "0", "--json").out)["endpoints"] == []


@pytest.mark.parametrize("given", [["nowhere"], ["RUNS", "--keep", "much"]], ids=["place", "size"])
def test_bad_input_is_refused_in_a_line(cli: Command, runs: Path, given: list[str]) -> None:
    shown = cli("cache", *(str(runs) if word == "RUNS" else word for word in given))
    assert shown.code == 2
    assert len(shown.err.splitlines()) == 1
    assert given[-1] in shown.err
