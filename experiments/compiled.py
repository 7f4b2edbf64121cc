"""A compiled program: a folder without pickles that any later process can load and run."""

import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..metrics import Gate
from ..optimizers import Candidate, Knobs
from ..programs import DOMAINS, Autodata, Domain, LanguageModels, ModelConfig, Models, Settings
from .config import ExperimentConfig, Part
from .errors import InputError
from .source import one_line


class Manifest(Part):
    """What a compiled program is and where it comes from."""

    format: Literal[1] = 1
    """Version of the folder's layout."""
    versions: dict[str, str]
    """Of Python, autodata and DSPy when it was compiled."""
    domain: str
    gate: Gate
    settings: Settings
    knobs: Knobs
    models: dict[str, ModelConfig]
    """The models that it was optimized for, without secrets."""
    candidate: str
    """Hash of instructions, demonstrations and settings."""
    run: str
    seed: int
    metrics: dict[str, Any]
    """Baseline, winner and difference on the test documents; empty if not measured."""
    mlflow: dict[str, str]
    """Tracking address without credentials, experiment and run; empty if not tracked."""


def save_compiled(
    folder: Path,
    candidate: Candidate,
    config: ExperimentConfig,
    *,
    metrics: dict[str, Any],
    mlflow: dict[str, str],
) -> None:
    """Write a candidate as a compiled program.

    Args:
        folder: Made if missing; its three files are replaced.
        candidate: What to write.
        config: The run that it comes from.
        metrics: What was measured on the test documents.
        mlflow: Where the run is recorded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = candidate.applied(Autodata(gate=config.rule, settings=config.settings))
    program.save(str(folder / "program.json"))
    manifest = Manifest(
        versions={
            "python": platform.python_version(),
            "autodata-dspy": version("autodata-dspy"),
            "dspy": version("dspy"),
        },
        domain=config.domain,
        gate=config.rule,
        settings=program.settings,
        knobs=candidate.knobs,
        models=config.models,
        candidate=candidate.id,
        run=config.run,
        seed=config.seed,
        metrics=metrics,
        mlflow=mlflow,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json(indent=1) + "\n")
    (folder / "README.md").write_text(_readme(manifest, candidate))


def load_manifest(folder: Path) -> Manifest:
    """Read what a compiled program says about itself.

    Raises:
        InputError: If the folder is no compiled program.
    """
    file = folder / "manifest.json"
    if not file.is_file():
        raise InputError(
            f"{folder}: no compiled program (manifest.json is missing); give the folder that "
            "`autodata optimize` or `autodata export` wrote"
        )
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "".join(f"{part}: " for part in first["loc"])
        raise InputError(
            f"{file}: damaged or of another version ({where}{first['msg']}); export it again"
        ) from None


def load(
    path: str | Path,
    models: Models | None = None,
    *,
    domain: Domain | None = None,
    cache: Path | None = None,
) -> Autodata:
    """Load a compiled program, ready to call: `load("compiled")(document=text)`.

    Args:
        path: The folder.
        models: Models to run it on; those that it was optimized for if absent.
        domain: The domain that it was made for, if that is one of your own: a folder that somebody
            hands you never decides what code is imported.
        cache: Folder of finished answers; without one nothing is kept.

    Raises:
        InputError: If the folder is no compiled program, or a model cannot be connected.
    """
    folder = Path(path)
    manifest = load_manifest(folder)
    domain = domain or DOMAINS.get(manifest.domain)
    if domain is None:
        raise InputError(
            f"{folder}: made for domain {manifest.domain!r}, and this version knows "
            f"{', '.join(DOMAINS)}; pass your own with load(path, domain=...), or use the version "
            "named in manifest.json"
        )
    try:
        needed = {role: manifest.models[role] for role in domain.spoken}
        connected = models or LanguageModels(needed, cache).roles
    except ValueError as error:
        raise InputError(f"{folder}: {error}") from None
    program = Autodata(connected, domain, gate=manifest.gate, settings=manifest.settings)
    try:
        program.load(str(folder / "program.json"))
    except (OSError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / 'program.json'}: missing or damaged ({one_line(error)}); export it again"
        ) from None
    program.challenger.temperature = manifest.knobs.temperature
    return program


def read_candidate(folder: Path, domain: Domain | None = None) -> Candidate:
    """Return the candidate that a compiled program embodies; `domain` as in `load`.

    Raises:
        InputError: If the folder is no compiled program.
    """
    return Candidate.of(load(folder, Models(), domain=domain))


def _readme(manifest: Manifest, candidate: Candidate) -> str:
    """Write the page that tells a person what the folder is."""
    prompts = "\n\n".join(
        f"### `{name}`\n\n{_fenced(text)}" for name, text in candidate.instructions.items()
    )
    shown = manifest.metrics.get("difference") or {}
    found = (
        f"On test documents its gap minus the baseline's is {shown['gap']:+.3f} "
        f"(95 % interval {shown['low']:+.3f} to {shown['high']:+.3f})."
        if shown.get("gap") is not None
        else "It was not measured on test documents."
    )
    return f"""# Compiled program of run `{manifest.run}`

Turns a document into a task that the strong solver solves and the weak one does not
(domain `{manifest.domain}`, gate `{manifest.gate.name}`, candidate `{manifest.candidate}`).
{found}

```python
import autodata

program = autodata.load("FOLDER")
print(program(document=open("paper.txt").read()).task)
```

`program.json` holds instructions and demonstrations, `manifest.json` everything else. Neither holds
a key: what `api_key_env` names must be set where the program runs.

## Instructions

{prompts}
"""


def _fenced(text: str) -> str:
    """Show a text as it is: inside a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text}\n{fence}"
