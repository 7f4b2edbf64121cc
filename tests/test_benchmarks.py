"""The benchmark of methods: what it keeps of runs that have ended."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

FILE = Path(__file__).parents[1] / "benchmarks" / "optimizers.py"


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("optimizers_benchmark", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_benchmark_that_was_killed_while_it_wrote_goes_on_with_what_is_whole(
    tmp_path: Path,
) -> None:
    module, file = benchmark(), tmp_path / "runs.jsonl"
    first = module.Run("gepa", 0, 4000, [(300, 0.1), (2600, 0.2)], 2, 1.5)
    whole = json.dumps(first) + "\n"
    file.write_text(whole + json.dumps(first._replace(seed=1))[:30])
    assert module.kept_runs(file) == [first]
    assert file.read_text() == whole  # What is appended next begins a line.
    assert module.kept_runs(tmp_path / "none.jsonl") == []


def test_the_table_tells_how_many_of_the_calls_a_method_has_used() -> None:
    module = benchmark()
    runs = [
        module.Run("gepa", seed, budget, [(300, 0.1), (used, 0.2)], 2, 1.5)
        for budget in (4000, 8000)
        for seed, used in enumerate((budget // 2, budget // 4, budget))
    ]
    table = module.shown(runs, 0.5)
    cells = {column.header: list(column.cells) for column in table.columns}
    assert cells["calls used"] == ["4,000"]
