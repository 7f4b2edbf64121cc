"""A role's language model: DSPy's, on an endpoint that is shared, metered and cached."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
from dspy.clients.base_lm import LM_CLASS_STATE_KEY

from . import background
from .backends import backend_for
from .budget import BudgetError
from .cache import AnswerCache
from .endpoint import Endpoint, ModelConfig
from .meter import Meter
from .pace import Health
from .program import Models
from .usage import Ledger, sample

PROPOSER = "proposer"
"""The role of the model that proposes instructions to an optimizer."""


class RoleEngine:
    """DSPy's synchronous engine interface for one role at an endpoint."""

    supports_function_calling = False
    supports_reasoning = False

    def __init__(self, endpoint: Endpoint, role: str, ledger: Ledger) -> None:
        self.endpoint, self.role, self.ledger = endpoint, role, ledger
        self.supports_response_schema = endpoint.config.structured != "none"
        self.supported_params = frozenset(
            {"temperature", "max_tokens", "top_p"}
            | ({"response_format"} if self.supports_response_schema else set())
        )

    def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer one request."""
        return self.endpoint.complete(request, self.role, self.ledger.add)


class AsyncRoleEngine(RoleEngine):
    """DSPy's asynchronous engine interface for one role at an endpoint."""

    async def complete(self, request: lm15.Request) -> lm15.Response:  # type: ignore[override]
        """Answer one request."""
        return await self.endpoint.acomplete(request, self.role, self.ledger.add)


class RoleLM(dspy.LM):
    """The language model of one role.

    Copies are the same object, so that a program copied by an optimizer keeps its connections. A
    pickle holds the configuration alone: no key, no connection, no history.
    """

    def __init__(self, config: ModelConfig, role: str, endpoint: Endpoint, ledger: Ledger) -> None:
        self.config, self.role = config, role
        self.endpoint, self.ledger = endpoint, ledger
        self.structured = config.structured != "none"
        sampling: dict[str, Any] = {"top_p": config.top_p} if config.top_p is not None else {}
        try:
            super().__init__(
                model=config.model,
                temperature=config.temperature,
                max_tokens=config.max_tokens,
                cache=False,
                num_retries=0,  # The endpoint tries again.
                engine=RoleEngine(endpoint, role, ledger),
                async_engine=AsyncRoleEngine(endpoint, role, ledger),
                **sampling,
            )
        except dspy.LMConfigurationError as error:
            raise ValueError(f"model={config.model!r}: {error.message}") from error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer from synchronous code; DSPy's `rollout_id` asks for a sample of its own."""
        with self._rolled(kwargs), _budget_as_it_is():
            return super().__call__(*args, **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Answer from the event loop; DSPy's `rollout_id` asks for a sample of its own."""
        with self._rolled(kwargs), _budget_as_it_is():
            return await super().acall(*args, **kwargs)

    @property
    def meter(self) -> Meter:
        """What counts the spending of this model's run."""
        return self.endpoint.meter

    async def answer(self, request: lm15.Request) -> lm15.Response:
        """Answer a request without DSPy's cache, history, callbacks and prices."""
        with self._rolled({}):
            return await self.endpoint.acomplete(request, self.role, self.ledger.add)

    def _rolled(self, kwargs: dict[str, Any]) -> AbstractContextManager[None]:
        rollout_id = kwargs.get("rollout_id", self.kwargs.get("rollout_id"))
        return nullcontext() if rollout_id is None else sample(f"rollout-{rollout_id}")

    def dump_state(self) -> dict[str, Any]:
        """Return the configuration and nothing else."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return {LM_CLASS_STATE_KEY: path, "config": self._plain(), "role": self.role}

    @classmethod
    def load_state(cls, state: dict[str, Any], *, allow_custom_lm_class: bool = False) -> "RoleLM":
        """Connect again from what `dump_state` returned."""
        return _reconnected(state["config"], state["role"])

    def _plain(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    def __copy__(self) -> "RoleLM":
        """Share everything, so that `copy(rollout_id=...)` stays metered, cached and connected."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> "RoleLM":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconnected, (self._plain(), self.role)


@contextmanager
def _budget_as_it_is() -> Iterator[None]:
    """Let a `BudgetError` out as itself; DSPy takes it for a fault of the model, to be handled."""
    try:
        yield
    except dspy.LMUnexpectedError as error:
        if isinstance(error.__cause__, BudgetError):
            raise error.__cause__ from None
        raise


def _reconnected(config: dict[str, Any], role: str) -> RoleLM:
    parsed = ModelConfig.model_validate(config)
    return RoleLM(parsed, role, Endpoint(parsed, backend_for(parsed)), Ledger())


class LanguageModels:
    """The models of a run: one endpoint per distinct configuration, one ledger for all of them."""

    def __init__(
        self,
        configs: Mapping[str, ModelConfig],
        cache: Path | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Connect roles to models. No request is sent.

        Args:
            configs: A configuration for each role that the domain lists, and for `proposer` if one
                is needed.
            cache: Folder of finished answers; without one nothing is kept.
            meter: Counts what is paid for, and ends it when the budget is used up; without one
                there is no limit.

        Raises:
            ValueError: If a model string is unknown, a key variable is not set, the folder cannot
                be used, or the budget is in US dollars and a model has no price.
        """
        self.meter = meter or Meter()
        _check_prices(configs, self.meter)
        backends = {config.model_dump_json(): backend_for(config) for config in configs.values()}
        self.ledger = Ledger()
        self.cache = AnswerCache(cache) if cache is not None else None
        endpoints: dict[str, Endpoint] = {}
        # One server may have several models, and dies for all of them.
        health: dict[str, Health] = {}
        self._lms: dict[str, RoleLM] = {}
        for role, config in configs.items():
            name = config.model_dump_json()
            if name not in endpoints:
                where = config.api_base or config.model.partition("/")[0]
                # An offline model that fails does so by its own settings, and not for a while.
                patience = 0.0 if config.offline else config.patience
                well = health.setdefault(where, Health(where, patience))
                endpoints[name] = Endpoint(config, backends[name], self.cache, self.meter, well)
            self._lms[role] = RoleLM(config, role, endpoints[name], self.ledger)

    def __getitem__(self, role: str) -> RoleLM:
        return self._lms[role]

    @property
    def roles(self) -> Models:
        """The models of the program's roles."""
        return Models(**{role: self._lms.get(role) for role in Models._fields})

    def close(self) -> None:
        """Close the connections, and the files of cache and meter."""
        background.run(self._disconnected())
        self.meter.close()
        if self.cache is not None:
            self.cache.close()

    async def _disconnected(self) -> None:
        for lm in self._lms.values():
            await lm.endpoint.close()


def _check_prices(configs: Mapping[str, ModelConfig], meter: Meter) -> None:
    """Refuse a budget in US dollars that could never be counted."""
    if meter.budget is None or "usd" not in meter.budget.limits:
        return
    remedy = "(US dollars per million tokens), or give the budget in tokens or calls"
    for role, config in configs.items():
        if not config.offline and None in (config.input_price, config.output_price):
            raise ValueError(
                f"model={config.model!r} has no price for a budget in usd; set "
                f"models.{role}.input_price and models.{role}.output_price {remedy}"
            )
    if not any(config.input_price or config.output_price for config in configs.values()):
        raise ValueError(
            "no model has a price above 0, so that a budget in usd would have no end; set "
            f"models.default.input_price and models.default.output_price {remedy}"
        )
