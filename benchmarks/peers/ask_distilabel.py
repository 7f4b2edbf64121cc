"""Asks through a distilabel pipeline of one step; see `peers.py`."""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Answer every request once."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    url, file = sys.argv[1:]
    rows = [
        {"system_prompt": one["system"], "instruction": one["user"]}
        for one in json.loads(Path(file).read_text())
    ]
    before, started = os.times(), time.perf_counter()
    with Pipeline(name="peer") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=64)
        write = TextGeneration(
            llm=OpenAILLM(model="m", base_url=url, api_key="none"),
            use_system_prompt=True,
            input_batch_size=64,
        )
        load >> write
    done = pipeline.run(use_cache=False)
    assert len(done["default"]["train"]) == len(rows)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
