import asyncio
import json
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from pydantic import ValidationError
from roles import Answerer, Judge
from server import Server, Step, chat, cut, error, hang, page, raw, text

from autodata.programs import LanguageModels, ModelConfig, background
from autodata.programs.backends import LONGEST_PAUSE, backend_for
from autodata.programs.role import Reply, ask
from autodata.programs.usage import sample


def connected(server: Server, **options: Any) -> LanguageModels:
    return LanguageModels({"weak": ModelConfig(model="m", api_base=server.url, **options)})


def asked(models: LanguageModels, question: str = "why?", **options: Any) -> Reply:
    return background.run(ask(Answerer(models["weak"], **options), question=question))


def body(server: Server) -> dict[str, Any]:
    return server.requests[-1].body


def completion(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


def test_copies_of_a_program_share_one_connection(server: Server) -> None:
    role = Answerer(connected(server)["weak"])
    for number in range(6):
        assert role.deepcopy()(question=str(number)).answer == "forty-two"
    assert len(server.requests) == 6
    assert server.connections == 1


def test_no_more_requests_are_in_flight_than_configured(server: Server) -> None:
    role = Answerer(connected(server, concurrency=2)["weak"])
    server.script({**chat(answer="slow"), "sleep": 0.05}, forever=True)

    async def many() -> list[Reply]:
        return await asyncio.gather(*(ask(role.deepcopy(), question=str(n)) for n in range(8)))

    assert [reply.failure for reply in background.run(many())] == [None] * 8
    assert server.connections == 2


def test_event_loops_share_the_connections(server: Server) -> None:
    role = Answerer(connected(server)["weak"])
    for _ in range(3):
        assert asyncio.run(role.acall(question="why?")).answer == "forty-two"
    assert server.connections == 1


TRANSIENT = {
    "429": error(429),
    "500": error(500),
    "503": error(503),
    "a gateway's page": page(502),
    "a page with status 200": page(200),
    "nothing": raw(""),
    "a torn body": raw('{"choices": [{"mess'),
}
JUNK = {
    "hung up": cut(),
    "hung up amid the body": cut(after=40),
    "silence": hang(3),
    "null": raw("null"),
    "a list": raw("[]"),
    "no choices": raw('{"choices": []}'),
    "choices that are text": raw('{"choices": "none"}'),
    "an error with status 200": raw('{"detail": "Not Found", "choices": null}'),
    "usage that is text": raw(json.dumps({**completion(content="hi"), "usage": "none"})),
    "negative usage": raw(json.dumps({**completion(content="hi"), "usage": {"prompt_tokens": -1}})),
    "two choices": raw(json.dumps({"choices": completion(content="hi")["choices"] * 2})),
    "400": error(400),
    "401": error(401),
    "404": error(404),
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_fault_is_tried_again(server: Server, fault: Step) -> None:
    models = connected(server)
    server.script(fault, fault, chat(answer="at last"))
    reply = asked(models)
    assert reply.prediction.answer == "at last"
    assert len(server.requests) == 3
    assert (models.ledger.total.failed, models.ledger.total.calls) == (2, 1)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_lasting_fault_is_a_failure_of_infrastructure(server: Server, fault: Step) -> None:
    models = connected(server, retries=2)
    server.script(fault, forever=True)
    reply = asked(models)
    assert reply.prediction is None
    assert reply.failure is not None
    assert reply.failure.kind == "infrastructure"
    assert "\n" not in reply.failure.message
    assert (models.ledger.total.failed, models.ledger.total.calls) == (3, 0)


@pytest.mark.parametrize("fault", JUNK.values(), ids=JUNK)
def test_whatever_comes_over_the_wire_is_no_crash_and_no_answer(
    server: Server, fault: Step
) -> None:
    server.script(fault, forever=True)
    reply = asked(connected(server, retries=0, timeout=0.5))
    assert reply.failure is not None
    assert reply.failure.kind == "infrastructure"


def test_a_server_that_is_not_there_is_a_failure_of_infrastructure() -> None:
    with Server() as server:
        models = connected(server, retries=0)
    reply = asked(models)
    assert reply.failure is not None
    assert reply.failure.kind == "infrastructure"


def test_a_pause_that_a_server_asks_for_is_kept_within_reason(server: Server) -> None:
    server.script(error(429, retry_after=3600), error(429, retry_after=2))
    backend = backend_for(ModelConfig(model="m", api_base=server.url))
    request = lm15.Request(model="m", messages=(lm15.Message.user("why?"),))
    for pause in (LONGEST_PAUSE, 2):
        with pytest.raises(lm15.RateLimitError) as caught:
            background.run(backend.acomplete(request, ""))
        assert caught.value.retry_after == pause


def test_a_cancelled_request_frees_its_place(server: Server) -> None:
    role = Answerer(connected(server, concurrency=1)["weak"])
    server.script(hang(3), chat(answer="next"))

    async def interrupted() -> dspy.Prediction:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(role.acall(question="why?"), 0.3)
        return await role.acall(question="why?")

    assert background.run(interrupted()).answer == "next"


@pytest.mark.parametrize("status", [400, 401, 404])
def test_an_error_of_ours_is_not_tried_again_and_says_its_status(
    server: Server, status: int
) -> None:
    server.script(error(status), forever=True)
    reply = asked(connected(server))
    assert len(server.requests) == 1
    assert reply.failure is not None
    assert f"(HTTP {status})" in reply.failure.message


def test_a_bug_of_ours_still_raises(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    models = connected(server)

    def broken(call: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(models.ledger, "add", broken)
    with pytest.raises(KeyError, match="ours"):
        asked(models)


def test_text_that_no_prompt_could_hold_is_replaced(server: Server) -> None:
    content = "[[ ## answer ## ]]\nhalf a \ud83d smile"
    server.script(raw(json.dumps(completion(content=content))))
    assert asked(connected(server)).prediction.answer == "half a ? smile"


def test_sampling_and_further_fields_stand_in_the_body(server: Server) -> None:
    asked(connected(server, temperature=0, top_p=0.9, max_tokens=77, extra={"min_p": 0.1}))
    sent = body(server)
    assert [message["role"] for message in sent.pop("messages")] == ["system", "user"]
    assert sent == {"model": "m", "temperature": 0, "top_p": 0.9, "max_tokens": 77, "min_p": 0.1}


def test_without_a_structured_form_the_prompt_alone_asks_for_it(server: Server) -> None:
    server.script(chat(verdict='{"satisfied": true}'))
    assert asked(connected(server), signature=Judge).prediction.verdict.satisfied
    assert "response_format" not in body(server)


def test_json_schema_is_sent_as_openai_takes_it(server: Server) -> None:
    server.script(text('{"verdict": {"satisfied": true}}'))
    assert asked(connected(server, structured="json_schema"), signature=Judge).prediction
    form = body(server)["response_format"]
    assert set(form) == {"type", "json_schema"}
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["required"] == ["verdict"]


def test_json_object_carries_the_schema_as_llama_cpp_takes_it(server: Server) -> None:
    server.script(text('{"verdict": {"satisfied": true}}'))
    assert asked(connected(server, structured="json_object"), signature=Judge).prediction
    form = body(server)["response_format"]
    assert set(form) == {"type", "schema"}
    assert form["type"] == "json_object"
    assert form["schema"]["required"] == ["verdict"]


@pytest.mark.parametrize("structured", ["json_schema", "json_object"])
def test_an_answer_that_cannot_be_read_is_asked_for_once_in_the_chat_format(
    server: Server, structured: str
) -> None:
    server.script(text('{"verdict": {"satisf'), chat(verdict='{"satisfied": true}'))
    reply = asked(connected(server, structured=structured), signature=Judge)
    assert reply.prediction.verdict.satisfied
    first, second = (request.body for request in server.requests)
    assert "response_format" in first
    assert "response_format" not in second
    assert "[[ ## verdict ## ]]" in str(second["messages"])


def test_an_answer_that_can_never_be_read_is_malformed(server: Server) -> None:
    server.script(text("I would rather not say."), forever=True)
    reply = asked(connected(server, structured="json_schema"), signature=Judge)
    assert reply.failure is not None
    assert reply.failure.kind == "malformed"
    assert len(server.requests) == 2


def test_an_answer_cut_at_the_token_limit_is_known_as_truncated(server: Server) -> None:
    server.script({**chat(answer="and so"), "finish_reason": "length"})
    reply = asked(connected(server))
    assert reply.truncated
    assert reply.prediction.answer == "and so"


@pytest.mark.parametrize("address", ["", "localhost:8000/v1", "http://", "ftp://host/v1"])
def test_an_address_must_be_one_of_http(address: str) -> None:
    with pytest.raises(ValidationError, match="api_base"):
        ModelConfig(model="m", api_base=address)


def test_a_straggler_is_hedged_when_asked(server: Server) -> None:
    models = connected(server, hedge=0.3)
    server.script(hang(20), chat(answer="the second"))
    assert asked(models).prediction.answer == "the second"
    assert len(server.requests) == 2
    assert (models.ledger.total.calls, models.ledger.total.failed) == (1, 0)


def test_a_straggler_is_waited_for_otherwise(server: Server) -> None:
    server.script({**chat(answer="the first"), "sleep": 0.6}, chat(answer="the second"))
    assert asked(connected(server)).prediction.answer == "the first"
    assert len(server.requests) == 1


def several(*texts: str) -> Step:
    """Answer one request with several texts."""
    written = [f"[[ ## answer ## ]]\n{one}\n\n[[ ## completed ## ]]" for one in texts]
    choices = [{"message": {"content": one}, "finish_reason": "stop"} for one in written]
    usage = {"prompt_tokens": 100, "completion_tokens": 32}
    return raw(json.dumps({"choices": choices, "usage": usage}))


def three_at_once(models: LanguageModels) -> list[Reply]:
    async def attempt(number: int) -> Reply:
        with sample(f"weak-{number}"):
            return await ask(Answerer(models["weak"]), question="why?")

    async def attempts() -> list[Reply]:
        return list(await asyncio.gather(*(attempt(number) for number in range(3))))

    return background.run(attempts())


def test_attempts_made_at_once_are_one_request_where_the_server_takes_several(
    server: Server, tmp_path: Path
) -> None:
    config = ModelConfig(model="m", api_base=server.url, several=True)
    models = LanguageModels({"weak": config}, tmp_path)
    server.script(several("one", "two", "three"))
    assert [reply.prediction.answer for reply in three_at_once(models)] == ["one", "two", "three"]
    assert [request.body["n"] for request in server.requests] == [3]
    used = models.ledger.total
    assert (used.calls, used.input_tokens, used.output_tokens) == (3, 100, 32)
    # Each of them is kept under its own name.
    again = three_at_once(models)
    assert sorted(reply.prediction.answer for reply in again) == ["one", "three", "two"]
    assert len(server.requests) == 1


def test_attempts_are_requests_of_their_own_otherwise(server: Server) -> None:
    three_at_once(connected(server))
    assert [request.body.get("n") for request in server.requests] == [None] * 3


def test_a_server_that_does_not_take_several_is_named_with_the_remedy(server: Server) -> None:
    server.script(several("one"), forever=True)
    for reply in three_at_once(connected(server, several=True)):
        assert reply.failure is not None
        assert "n=3" in reply.failure.message
        assert "remove `several = true`" in reply.failure.message
    assert len(server.requests) == 1


def test_several_answers_are_asked_of_a_server_of_ones_own_only() -> None:
    with pytest.raises(ValueError, match="several=true: model='simulation/weak' has no api_base"):
        LanguageModels({"weak": ModelConfig(model="simulation/weak", several=True)})
