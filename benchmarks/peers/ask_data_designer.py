"""Asks through Data Designer, a text column over a table of prompts; see `peers.py`."""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Answer every request once."""
    import data_designer.config as dd
    import pandas as pd
    from data_designer.interface import DataDesigner

    url, file = sys.argv[1:]
    rows = json.loads(Path(file).read_text())
    model = dd.ModelConfig(
        alias="m",
        model="m",
        provider="local",
        skip_health_check=True,
        inference_parameters=dd.ChatCompletionInferenceParams(max_parallel_requests=64),
    )
    provider = dd.ModelProvider(name="local", endpoint=url, api_key="none")
    before, started = os.times(), time.perf_counter()
    config = dd.DataDesignerConfigBuilder(model_configs=[model])
    config.with_seed_dataset(dd.DataFrameSeedSource(df=pd.DataFrame(rows)))
    config.add_column(
        dd.LLMTextColumnConfig(
            name="answer", prompt="{{ user }}", system_prompt="{{ system }}", model_alias="m"
        )
    )
    designer = DataDesigner(artifact_path=Path.cwd() / "artifacts", model_providers=[provider])
    done = designer.create(config, num_records=len(rows))
    assert len(done.load_dataset()) == len(rows)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
