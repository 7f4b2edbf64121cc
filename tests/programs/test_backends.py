import asyncio
import subprocess
import sys
from typing import Any

import pytest
from fakes import TASK

from autodata.programs import LanguageModels, ModelConfig, Task, Usage, background
from autodata.programs.role import ask
from autodata.programs.solver import Solver

SECRET = "sk-secret-7d1f"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable that holds a key."""
    monkeypatch.setenv("AUTODATA_TEST_KEY", SECRET)
    return "AUTODATA_TEST_KEY"


def refusal(model: str, **options: Any) -> str:
    with pytest.raises(ValueError) as caught:
        LanguageModels({"weak": ModelConfig(model=model, **options)})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_not_set_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("AUTODATA_TEST_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("AUTODATA_TEST_KEY", value)
    message = refusal("m", api_base="http://127.0.0.1:9/v1", api_key_env="AUTODATA_TEST_KEY")
    assert message.startswith("api_key_env='AUTODATA_TEST_KEY'")
    assert "export it" in message


def test_a_provider_without_its_key_is_refused_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert refusal("openai/gpt-4o-mini") == (
        "model='openai/gpt-4o-mini': no API key; export OPENAI_API_KEY, or name another variable "
        "in api_key_env"
    )


def test_a_key_of_another_name_reaches_its_provider(secret: str) -> None:
    for model in ("openai/gpt-4o-mini", "gpt-4o-mini", "groq/llama", "anthropic/claude-sonnet-4"):
        assert LanguageModels({"weak": ModelConfig(model=model, api_key_env=secret)})["weak"]


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("opena/gpt-4o", "no provider is called 'opena'; did you mean 'openai'? Otherwise write"),
        ("simulatoin/weak", "did you mean 'simulation'?"),
        ("my-own-model", "write PROVIDER/MODEL, or give api_base for a server of your own"),
    ],
)
def test_an_unknown_provider_is_refused_in_one_line(model: str, hint: str) -> None:
    message = refusal(model)
    assert hint in message
    assert len(message) < 200


def test_fields_that_are_not_the_users_to_set_are_refused() -> None:
    message = refusal("m", api_base="http://127.0.0.1:9/v1", extra={"stream": True})
    assert message.startswith("extra={'stream': True}")
    assert "remove" in message


def test_sampling_that_a_reasoning_model_does_not_take_is_refused(secret: str) -> None:
    message = refusal("openai/o3", temperature=0.5, api_key_env=secret)
    assert "temperature=1.0" in message


def test_what_only_litellm_knows_goes_through_litellm(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    models = LanguageModels(
        {"weak": ModelConfig(model="together_ai/some/model", api_key_env=secret, temperature=0.5)}
    )
    import litellm

    sent: list[dict[str, Any]] = []

    def answer(**body: Any) -> Any:
        sent.append(body)
        return litellm.ModelResponse(
            model="some/model",
            choices=[
                {"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
            ],
            usage={"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
        )

    async def aanswer(**body: Any) -> Any:
        return answer(**body)

    monkeypatch.setattr(litellm, "completion", answer)
    monkeypatch.setattr(litellm, "acompletion", aanswer)
    assert models["weak"]("why?") == ["hello"]
    assert asyncio.run(models["weak"].acall("why?")) == ["hello"]
    assert models.ledger.total == Usage(calls=2, input_tokens=6, output_tokens=2)
    for body in sent:
        assert body["model"] == "together_ai/some/model"
        assert (body["api_key"], body["temperature"], body["num_retries"]) == (SECRET, 0.5, 0)


def test_an_error_of_litellm_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    models = LanguageModels({"weak": ModelConfig(model="together_ai/some/model", retries=0)})
    import litellm

    async def refuse(**body: Any) -> Any:
        raise litellm.exceptions.ServiceUnavailableError("down", "together_ai", "some/model")

    monkeypatch.setattr(litellm, "acompletion", refuse)
    reply = background.run(ask(Solver("weak", models["weak"]), task=Task.model_validate(TASK)))
    assert reply.failure is not None
    assert reply.failure.kind == "infrastructure"
    assert models.ledger.total == Usage(failed=1)


def test_litellm_is_imported_only_if_it_is_needed_and_then_without_the_network() -> None:
    code = (
        "import os, sys\n"
        "from autodata.programs import LanguageModels, ModelConfig\n"
        "LanguageModels({'weak': ModelConfig(model='m', api_base='http://127.0.0.1:9/v1')})\n"
        "LanguageModels({'weak': ModelConfig(model='hosted_vllm/m')})\n"
        "assert 'litellm' not in sys.modules\n"
        "LanguageModels({'weak': ModelConfig(model='together_ai/m')})\n"
        "assert os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] == 'True'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
