import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from server import Server, error, text

from autodata.programs import LanguageModels, ModelConfig, background
from autodata.programs.cache import AnswerCache, cache_key
from autodata.programs.usage import sample


def connected(server: Server, cache: Path, **options: Any) -> LanguageModels:
    config = ModelConfig(model="m", api_base=server.url, **options)
    return LanguageModels({"weak": config}, cache)


def answer(content: str, finish_reason: Any = "stop") -> lm15.Response:
    return lm15.Response(
        id=None,
        model="m",
        message=lm15.Message.assistant(content),
        finish_reason=finish_reason,
        usage=lm15.Usage(input_tokens=3, output_tokens=2),
    )


def request(content: str = "why?", system: str | None = None, **config: Any) -> lm15.Request:
    return lm15.Request(
        model="m",
        messages=(lm15.Message.user(content),),
        system=system,
        config=lm15.Config(**config),
    )


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
@pytest.mark.parametrize("content", ["hello", "", "Zo\u00eb \U0001f600\0", "x" * 300_000])
def test_an_answer_comes_back_as_it_was_kept(
    tmp_path: Path, content: str, finish_reason: str
) -> None:
    AnswerCache(tmp_path).put("key", answer(content, finish_reason))
    kept = AnswerCache(tmp_path).get("key")
    assert kept is not None
    assert kept.message.text == content
    assert kept.finish_reason == finish_reason
    assert (kept.usage.input_tokens, kept.usage.output_tokens) == (3, 2)
    assert AnswerCache(tmp_path).get("other") is None


def test_a_request_is_not_sent_twice(server: Server, tmp_path: Path) -> None:
    models = connected(server, tmp_path)
    with sample("round-1"):
        first = models["weak"]("why?")
        second = models["weak"]("why?")
    assert first == second
    assert len(server.requests) == 1


def test_another_sample_is_sent(server: Server, tmp_path: Path) -> None:
    lm = connected(server, tmp_path)["weak"]
    server.script(text("one"), text("two"))
    with sample("weak-1"):
        assert lm("why?") == ["one"]
    with sample("weak-2"):
        assert lm("why?") == ["two"]
    with sample("weak-1"):
        assert lm("why?") == ["one"]


def test_another_process_finds_the_answer(server: Server, tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from autodata.programs import LanguageModels, ModelConfig\n"
        "config = ModelConfig(model='m', api_base=sys.argv[1])\n"
        "models = LanguageModels({'judge': config}, pathlib.Path(sys.argv[2]))\n"
        "print(models['judge']('why?')[0], models.ledger.total.cached)\n"
    )
    server.script(text("because"))
    assert connected(server, tmp_path)["weak"]("why?") == ["because"]
    command = [sys.executable, "-c", code, server.url, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "because 1\n"
    assert len(server.requests) == 1


def test_two_servers_with_a_model_of_the_same_name_are_not_mixed(
    server: Server, tmp_path: Path
) -> None:
    with Server() as other:
        server.script(text("one"))
        other.script(text("two"))
        assert connected(server, tmp_path)["weak"]("why?") == ["one"]
        assert connected(other, tmp_path)["weak"]("why?") == ["two"]


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0.0}, {"max_tokens": 9}, {"top_p": 0.5}, {"extra": {"min_p": 0.1}}],
    ids=str,
)
def test_what_is_sent_otherwise_is_answered_otherwise(
    server: Server, tmp_path: Path, options: dict[str, Any]
) -> None:
    connected(server, tmp_path)["weak"]("why?")
    connected(server, tmp_path, **options)["weak"]("why?")
    assert len(server.requests) == 2


def test_the_way_there_does_not_matter(server: Server, tmp_path: Path) -> None:
    connected(server, tmp_path)["weak"]("why?")
    connected(server, tmp_path, retries=0, timeout=5, concurrency=1)["weak"]("why?")
    assert len(server.requests) == 1


def test_an_error_is_not_kept(server: Server, tmp_path: Path) -> None:
    lm = connected(server, tmp_path)["weak"]
    server.script(error(500), text("because"))
    assert lm("why?") == ["because"]
    assert len(server.requests) == 2


def test_a_folder_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "answers.db").write_bytes(b"no database at all, by any means" * 99)
    for path in (file, damaged):
        with pytest.raises(ValueError, match="name a folder that can be written, or delete") as bad:
            AnswerCache(path)
        assert str(bad.value).startswith(f"cache={str(path)!r}")


def test_keys_tell_apart_all_that_decides_an_answer() -> None:
    schema = {"type": "json_schema", "name": "a", "schema": {"type": "object"}}
    keys = [
        cache_key(endpoint, asked, rollout)
        for endpoint in ("a", "b")
        for rollout in ("", "1")
        for asked in (
            request(),
            request("who?"),
            request(system="Be brief."),
            request(temperature=0.0),
            request(temperature=1.0),
            request(stop=("\n",)),
            request(seed=1),
            request(response_format=schema),
            request(extensions={"min_p": 0.1}),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert cache_key("a", request(), "") == cache_key("a", request(), "")


def test_many_threads_may_write_at_once(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)

    def write(number: int) -> None:
        cache.put(str(number), answer(str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))
    kept = [cache.get(str(number)) for number in range(200)]
    assert [one.message.text for one in kept if one is not None] == [str(n) for n in range(200)]


def test_the_oldest_answers_go_first(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    for number in range(10):
        cache.put(f"{9 - number}", answer("x" * 1000), endpoint=f"m{number % 2}")
    before = cache.kept()
    assert [(one.endpoint, one.answers) for one in before] == [("m0", 5), ("m1", 5)]
    assert cache.prune(4 * (before[0].bytes // 5)) == 6
    left = [number for number in range(10) if cache.get(str(9 - number)) is not None]
    assert left == [6, 7, 8, 9]
    assert cache.prune(0) == 4
    assert cache.kept() == []


def test_a_folder_that_has_grown_too_large_is_cut_when_it_is_opened(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path)
    for number in range(300):
        cache.put(str(number), answer("x" * 10_000))
    cache.close()
    limit = 2**20
    opened = AnswerCache(tmp_path, gigabytes=limit / 2**30)
    assert limit * 0.95 < sum(one.bytes for one in opened.kept()) <= limit
    assert opened.get("299") is not None
    assert opened.get("0") is None
    assert (tmp_path / "answers.db").stat().st_size < 1.5 * limit


def test_equal_requests_at_the_same_moment_are_sent_once(server: Server, tmp_path: Path) -> None:
    models = connected(server, tmp_path)
    server.script({**text("late"), "sleep": 0.2})

    async def together() -> list[Any]:
        return await asyncio.gather(*(models["weak"].acall("why?") for _ in range(8)))

    assert background.run(together()) == [["late"]] * 8
    assert len(server.requests) == 1
    assert (models.ledger.total.calls, models.ledger.total.cached) == (8, 7)


def test_who_waits_for_a_request_that_fails_or_is_cancelled_sends_its_own(
    server: Server, tmp_path: Path
) -> None:
    models = connected(server, tmp_path, retries=0)
    server.script({**text("never"), "sleep": 5}, error(500), text("at last"))

    async def together() -> list[Any]:
        first, *others = (asyncio.create_task(models["weak"].acall("why?")) for _ in range(3))
        await asyncio.sleep(0.2)
        first.cancel()
        return await asyncio.gather(first, *others, return_exceptions=True)

    cancelled, failed, answered = background.run(together())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(failed, dspy.LMServerError)
    assert answered == ["at last"]
