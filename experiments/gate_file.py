"""Where a calibrated gate is kept between commands, and how it is written down."""

import hashlib
import json
import tomllib
from fractions import Fraction
from pathlib import Path

from ..metrics import Gate
from ..metrics.calibration import Calibration
from ..optimizers.files import write_whole
from .config import TRANSPORT, ExperimentConfig
from .errors import InputError
from .source import one_line


def gate_file(config: ExperimentConfig) -> Path:
    """Return where the calibration for a configuration's domain, models and documents is kept.

    Runs of other names share it, so that a search and a comparison are held to the same numbers.
    """
    basis = {
        "domain": config.domain,
        "attempts": [config.settings.weak_attempts, config.settings.strong_attempts],
        "documents": config.documents.model_dump(mode="json", exclude={"limit"}),
        "models": {
            role: config.models[role].model_dump(mode="json", exclude=set(TRANSPORT))
            for role in config.task_domain.spoken
        },
    }
    name = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:12]
    return Path(config.runs) / "gates" / f"{name}.toml"


def keep_gate(config: ExperimentConfig, calibration: Calibration) -> Path:
    """Write a calibration's gate to its file, in place of an earlier one, and return the file."""
    weak, strong = config.models["weak"].model, config.models["strong"].model
    about = f"Domain {config.domain}: {weak} against {strong}, documents {config.documents.path}."
    file = gate_file(config)
    file.parent.mkdir(parents=True, exist_ok=True)
    comments = "".join(f"# {_printable(text)}\n" for text in (about, *calibration.reasons))
    write_whole(file, f"{comments}\n{gate_table(calibration.gate)}")
    return file


def kept_gate(config: ExperimentConfig) -> Gate | None:
    """Return the gate that an earlier calibration has left; `None` if there is none.

    Raises:
        InputError: If the file is damaged.
    """
    file = gate_file(config)
    if not file.exists():
        return None
    try:
        return Gate.model_validate(tomllib.loads(file.read_text())["gate"])
    except (OSError, LookupError, ValueError) as error:
        raise InputError(
            f"{file}: damaged ({one_line(error)}); remove it, or calibrate again with "
            "`autodata check CONFIG --calibrate`"
        ) from None


def gate_table(gate: Gate) -> str:
    """Return a calibrated gate as a TOML table to paste into a configuration."""
    lines = ["[gate]", f'name = "{gate.name}"']
    for rule in ("weak_mean_max", "strong_mean_min", "gap_min"):
        lines.append(f'{rule} = {{ limit = "{_text(getattr(gate, rule).limit)}" }}')
    return "\n".join(lines) + "\n"


def told(gate: Gate) -> str:
    """Return the bounds of a gate in one phrase."""
    rules = (
        ("weak mean at most", gate.weak_mean_max),
        ("strong mean at least", gate.strong_mean_min),
        ("gap at least", gate.gap_min),
    )
    return ", ".join(f"{rule} {_text(bound.limit)}" for rule, bound in rules if bound is not None)


def _text(limit: Fraction) -> str:
    """Write percent with two decimals, and anything else as the fraction that it is."""
    return f"{float(limit):.2f}" if 100 % limit.denominator == 0 else str(limit)


def _printable(text: str) -> str:
    """Return a text that may stand in a comment: on one line, without control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
