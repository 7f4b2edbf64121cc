"""Asks through curator, an `LLM` over a dataset of prompts; see `peers.py`."""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Answer every request once."""
    import importlib.util

    # Otherwise it asks the network for an encoding; this copy of it comes with LiteLLM.
    found = importlib.util.find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    copies = sorted(Path(found.origin).parent.rglob("tokenizers/9b5ad7*"))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(copies[0].parent)
    os.environ["CURATOR_CACHE_DIR"] = str(Path.cwd() / "curator")
    os.environ["CURATOR_DISABLE_RICH_DISPLAY"] = "1"
    os.environ["TELEMETRY_ENABLED"] = "0"
    os.environ.setdefault("OPENAI_API_KEY", "none")

    from bespokelabs import curator
    from datasets import Dataset

    class Asks(curator.LLM):
        """Asks what the row says, and keeps the answer."""

        def prompt(self, row: dict[str, str]) -> list[dict[str, str]]:
            return [
                {"role": "system", "content": row["system"]},
                {"role": "user", "content": row["user"]},
            ]

        def parse(self, row: dict[str, str], answer: str) -> dict[str, str]:
            return {"answer": answer}

    url, file = sys.argv[1:]
    rows = json.loads(Path(file).read_text())
    before, started = os.times(), time.perf_counter()
    limits = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
    asks = Asks(
        model_name="m",
        backend="openai",
        backend_params={"base_url": url, "max_concurrent_requests": 64, **limits},
    )
    done = asks(Dataset.from_list(rows))
    assert len(done.dataset) == len(rows)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
