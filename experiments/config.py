"""One frozen configuration, from one TOML file, that says everything a run depends on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PositiveInt,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from ..metrics import Gate
from ..metrics import gate as named_gate
from ..metrics.calibration import CALIBRATED
from ..optimizers import METHODS, SearchOptions, check_objectives
from ..optimizers.joint.address import shown
from ..programs import PROPOSER, Domain, ModelConfig, Settings
from ..programs.budget import Budget
from ..programs.domains import RESEARCH, find_domain
from .errors import InputError
from .explain import explained, unknown_key
from .secrets import refuse_secrets
from .source import DocumentSource
from .toml_table import read_table, set_key

Fraction01 = Annotated[float, Field(gt=0, lt=1)]
# Told apart by type, so that a fault in a table is not reported as "not a name" as well.
GateChoice = Annotated[
    Annotated[str, Tag("name")] | Annotated[Gate, Tag("rules")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "rules"),
]

TRANSPORT = (
    *("timeout", "retries", "concurrency", "patience", "hedge", "several"),
    *("input_price", "output_price", "api_key_env"),
)
"""Keys of a model that say how it is reached, and do not touch what it answers."""

HELDOUT = ("heldout_weak", "heldout_strong")
"""A second pair of solvers, which only report on the winner. No search sees them."""


class Part(BaseModel):
    """Base of the configuration's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class LoopConfig(Part):
    """The inner loop. What is absent is the domain's own number."""

    rounds: PositiveInt | None = None
    """Tasks tried per document, at most."""
    tokens: PositiveInt | None = None
    """Start no further round once a document has used this many tokens."""
    candidates: PositiveInt | None = None
    """Tasks written at once from one brief, each from another angle."""
    weak_attempts: PositiveInt | None = None
    """Answers of the weak solver per task."""
    strong_attempts: PositiveInt | None = None
    """Answers of the strong solver per task."""
    race: bool = True
    """Skip attempts that cannot change the verdict."""
    error: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """Share of errors, such as 0.05, with which a sequential test may end a task's attempts sooner
    (docs/gates.md). Without it only certainty ends them."""
    verify_last: bool = False
    """Ask the verifier's model only about tasks that the gate has accepted (docs/gates.md)."""
    in_flight: PositiveInt = 1
    """Attempts of one solver under way at a time."""
    memory: Annotated[int, Field(ge=0)] = 0
    """Failed rounds that orchestrator and challenger are shown; 0 shows all."""

    @model_validator(mode="after")
    def _races(self) -> "LoopConfig":
        if self.error is not None and not self.race:
            raise ValueError(
                f"loop.error={self.error:g} ends attempts early and loop.race=false makes them "
                "all; leave one of them out"
            )
        return self


class TrackingConfig(Part):
    """Where MLflow records the run."""

    uri: str | None = None
    """Tracking address. Without it `MLFLOW_TRACKING_URI`, else `mlflow.db` in the runs folder."""
    experiment: str = "autodata"
    """Name of the MLflow experiment."""


class ExperimentConfig(Part):
    """Everything that decides a run's result. Logged to MLflow as written."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "run"
    """Name of the run and of its folder."""
    runs: str = "runs"
    """Folder that holds the runs."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Root of all randomness. 0 is a seed like any other."""
    domain: str = "research"
    """What kind of task is written: a shipped domain, or `module:NAME` for one of your own."""
    gate: GateChoice | None = None
    """Acceptance rule: the name of a preset, `calibrated` for one measured on the solvers, or a
    table of rules; the domain's own if absent."""
    documents: DocumentSource = DocumentSource()
    """Where the documents come from."""
    train: Fraction01 = 0.3
    """Share of the documents that methods learn from."""
    validation: Fraction01 = 0.35
    """Share of the documents that candidates are compared on. The rest is the test set."""
    models: dict[str, ModelConfig]
    """A model for each role and for `proposer`; `default` fills what a role leaves out. A pair
    `heldout_weak` and `heldout_strong` tries the accepted test tasks afresh (docs/winners.md)."""
    loop: LoopConfig = LoopConfig()
    """The inner loop."""
    method: str = "optuna"
    """How to search: the name of a method (docs/methods.md)."""
    search: SearchOptions = SearchOptions()
    """How long and how widely to search."""
    budget: str | None = None
    """What the run may spend, such as `5usd`, `2Mtok`, `2000calls` or `30min` (docs/budgets.md)."""
    in_flight: PositiveInt | None = None
    """Documents under way at a time. A document mostly waits for one answer, so without it twice as
    many as the requests that an endpoint may be sent at once (the largest `concurrency`); with a
    `budget`, 16 at first, and one more with each that ends."""
    test_repeats: PositiveInt = 3
    """Times that baseline and winner are measured on each test document, with fresh answers."""
    tracking: TrackingConfig = TrackingConfig()
    """Where MLflow records the run."""

    @field_validator("domain")
    @classmethod
    def _known(cls, name: str) -> str:
        find_domain(name)
        return name

    @field_validator("budget")
    @classmethod
    def _budgeted(cls, text: str | None) -> str | None:
        return None if text is None else str(Budget.parse(text))

    @field_validator("method")
    @classmethod
    def _listed(cls, name: str) -> str:
        if name not in METHODS:
            raise ValueError(f"expected one of {', '.join(METHODS)}")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "ExperimentConfig":
        missing = [role for role in self.task_domain.spoken if role not in self.models]
        if missing:
            raise ValueError(
                f"models: no model for {', '.join(missing)}; add [models.{missing[0]}] or "
                "[models.default]"
            )
        if self.train + self.validation >= 1:
            raise ValueError(
                f"train={self.train} and validation={self.validation} leave nothing to test on; "
                "together they must be below 1"
            )
        check_objectives(self.method, self.search)
        low, high = self.search.temperature
        if not 0 <= low <= high <= 2:
            raise ValueError(
                f"search.temperature=[{low}, {high}]: expected lowest and highest, both in [0, 2]"
            )
        if sum(role in self.models for role in HELDOUT) == 1:
            raise ValueError(
                "models: heldout_weak and heldout_strong come as a pair; add the other or neither"
            )
        for role in ("weak", "strong", *HELDOUT):
            attempts = f"{role.removeprefix('heldout_')}_attempts"
            cold = role in self.models and self.models[role].temperature == 0
            if cold and getattr(self.settings, attempts) > 1:
                raise ValueError(
                    f"models.{role}.temperature=0 gives identical attempts; raise it or set "
                    f"loop.{attempts}=1"
                )
        for role, model in self.models.items():
            refuse_secrets(role, model)
        if self.gate != CALIBRATED:
            _ = self.rule
        return self

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.runs) / self.run

    @property
    def at_once(self) -> int:
        """Documents under way at a time."""
        return self.in_flight or 2 * max(model.concurrency for model in self.models.values())

    @property
    def task_domain(self) -> Domain:
        """The domain's prompts and numbers."""
        return find_domain(self.domain)

    @property
    def rule(self) -> Gate:
        """The acceptance rule in force.

        Raises:
            InputError: If it is to be calibrated; a run's session has the numbers.
        """
        if self.gate == CALIBRATED:
            raise InputError(
                'gate="calibrated": has no numbers yet; `autodata check CONFIG --calibrate` '
                "measures them, or else the first start of a run"
            )
        if self.gate is None:
            return self.task_domain.gate
        return self.gate if isinstance(self.gate, Gate) else named_gate(self.gate)

    @property
    def settings(self) -> Settings:
        """The inner loop's numbers, with the domain's where the configuration is silent."""
        own = self.task_domain.settings.model_dump()
        return Settings(**{**own, **self.loop.model_dump(exclude_none=True)})

    @property
    def public(self) -> "ExperimentConfig":
        """The same without the credentials of addresses, fit to be shown and kept."""
        tracking = self.tracking.model_copy(update={"uri": _shown(self.tracking.uri)})
        search = self.search.model_copy(update={"storage": _shown(self.search.storage)})
        return self.model_copy(update={"tracking": tracking, "search": search})

    def to_toml(self) -> str:
        """Return the whole configuration as TOML; reading it back gives an equal one."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _shown(address: str | None) -> str | None:
    return None if address is None else shown(address)


def load_config(name: str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Read a configuration.

    Args:
        name: Path of a TOML file, or the name of a preset.
        overrides: `key=value` pairs such as `search.trials=40` or `models.weak.model="qwen"`. The
            value is TOML; what is not TOML is taken as text.

    Raises:
        InputError: In one line: what is wrong, the rule, and the remedy.
    """
    table = read_table(name)
    for override in overrides:
        set_key(table, override)
    try:
        return ExperimentConfig.model_validate(_with_defaults(table))
    except ValidationError as error:
        raise InputError(f"{name}: {explained(error, ExperimentConfig)}") from None


def _with_defaults(table: Mapping[str, Any]) -> dict[str, Any]:
    """Fill every role's model from `models.default`."""
    models = table.get("models")
    if not isinstance(models, dict):
        return dict(table)
    spoken = (*_domain(table).spoken, PROPOSER)
    known = (*spoken, *HELDOUT, "default")
    unknown = [role for role in models if role not in known]
    if unknown:
        raise InputError(unknown_key(f"models.{unknown[0]}", unknown[0], known))
    for role, model in models.items():
        if not isinstance(model, dict):
            raise InputError(
                f"models.{role}: expected a table, not {model!r:.60}; name the model with "
                f"models.{role}.model"
            )
    default = models.get("default", {})
    wanted = tuple(role for role in models if role != "default")
    roles = dict.fromkeys((*spoken, *wanted)) if default else wanted
    return {**table, "models": {role: {**default, **models.get(role, {})} for role in roles}}


def _domain(table: Mapping[str, Any]) -> Domain:
    """Return the domain in force; that one is unknown is said when the table is validated."""
    try:
        return find_domain(str(table.get("domain", RESEARCH.name)))
    except ValueError:
        return RESEARCH
