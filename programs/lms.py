"""A role's language model: DSPy's, on an endpoint that is shared, metered and cached."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15

from .autodata import ROLES, Models
from .cache import AnswerCache
from .endpoint import Backend, Endpoint, ModelConfig, NativeBackend, SimulatedBackend
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
        self.structured = config.structured != "none"
        sampling = {"top_p": config.top_p} if config.top_p is not None else {}
        super().__init__(
            model=config.model,
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            cache=False,
            num_retries=config.retries,
            engine=RoleEngine(endpoint, role, ledger),
            async_engine=AsyncRoleEngine(endpoint, role, ledger),
            **sampling,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer from synchronous code; DSPy's `rollout_id` asks for a sample of its own."""
        with self._rolled(kwargs):
            return super().__call__(*args, **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Answer from the event loop; DSPy's `rollout_id` asks for a sample of its own."""
        with self._rolled(kwargs):
            return await super().acall(*args, **kwargs)

    def _rolled(self, kwargs: dict[str, Any]) -> AbstractContextManager[None]:
        rollout_id = kwargs.get("rollout_id", self.kwargs.get("rollout_id"))
        return nullcontext() if rollout_id is None else sample(f"rollout-{rollout_id}")

    def __deepcopy__(self, memo: dict[int, Any]) -> "RoleLM":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconnected, (self.config.model_dump(mode="json"), self.role)


def _reconnected(config: dict[str, Any], role: str) -> RoleLM:
    parsed = ModelConfig.model_validate(config)
    return RoleLM(parsed, role, Endpoint(parsed, backend_for(parsed)), Ledger())


class LanguageModels:
    """The models of a run: one endpoint per distinct configuration, one ledger for all of them."""

    def __init__(self, configs: Mapping[str, ModelConfig], cache: Path | None = None) -> None:
        """Connect roles to models. No request is sent.

        Args:
            configs: A configuration for each role of `ROLES`, and for `proposer` if one is needed.
            cache: Folder of finished answers; without one nothing is kept.

        Raises:
            ValueError: If a model string is unknown or a key variable is not set.
        """
        self.ledger = Ledger()
        self.cache = AnswerCache(cache) if cache is not None else None
        endpoints: dict[str, Endpoint] = {}
        self._lms: dict[str, RoleLM] = {}
        for role, config in configs.items():
            name = config.model_dump_json()
            if name not in endpoints:
                endpoints[name] = Endpoint(config, backend_for(config), self.cache)
            self._lms[role] = RoleLM(config, role, endpoints[name], self.ledger)

    def __getitem__(self, role: str) -> RoleLM:
        return self._lms[role]

    @property
    def roles(self) -> Models:
        """The models of the program's roles."""
        return Models(**{role: self._lms.get(role) for role in ROLES})

    def close(self) -> None:
        """Close the cache's files. Connections end with the process."""
        if self.cache is not None:
            self.cache.close()


def backend_for(config: ModelConfig) -> Backend:
    """Return what answers for a configuration.

    Raises:
        ValueError: If the model string is unknown or its key variable is not set.
    """
    if config.api_key_env is not None and not os.environ.get(config.api_key_env):
        raise ValueError(
            f"api_key_env={config.api_key_env!r}: this environment variable is not set; export it "
            "or name another one"
        )
    if config.model.startswith("simulation/"):
        from .simulation import SimulatedModel

        return SimulatedBackend(SimulatedModel(config.model.partition("/")[2], config.extra))
    if config.api_base is None:
        _check_route(config)
    return NativeBackend(config)


def _check_route(config: ModelConfig) -> None:
    """Refuse a model string that leads nowhere, before anything runs."""
    from dspy.clients.engines import LM15Engine

    try:
        LM15Engine(lm15.RouterConfig(env={})).resolve(config.model)
    except lm15.LM15Error as error:
        raise ValueError(
            f"model={config.model!r}: no provider of that name ({error}); write PROVIDER/MODEL, or "
            "give api_base for a server of your own"
        ) from error
