"""A part of a benchmark in a process of its own, which prints what it found as its last line."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def told(name: str, command: Sequence[str | Path], folder: str | Path | None = None) -> Any:
    """Run it in a folder, and return what the last line of its output holds as JSON.

    Raises:
        SystemExit: If it fails, with the name and the end of what it said.
    """
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])
