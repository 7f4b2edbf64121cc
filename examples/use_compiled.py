"""Write a task with a compiled program: python examples/use_compiled.py FOLDER DOCUMENT."""

import sys
from pathlib import Path

import autodata

program = autodata.load(sys.argv[1])
task = program(document=Path(sys.argv[2]).read_text()).task
print(task.model_dump_json(indent=1) if task else "no task was accepted")
