"""Settings to routes: which targets there are, and what each vendor can do with a cut answer.

What vendors do is data, see `capabilities.toml`; what an operator configures comes before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..config import WILDCARD, ProviderSettings, RouteSettings, Settings
from ..core.attempt import Continuation, Credential, Target, Timeouts
from ..core.redact import key_id
from ..resilience.policy import Policy, Route
from .capabilities import ECHOES, FLAGS, MAX_TOKENS, PARTIAL, PREFIX, VLLM, capability


@dataclass(frozen=True, slots=True)
class Preset:
    """A backend that speaks a dialect with demands of its own, known by name or by address."""

    name: str
    address: str
    dialect: str
    quirks: frozenset[str]


PRESETS: Sequence[Preset] = (
    Preset("codex", r"^chatgpt\.com/backend-api/codex", "responses", frozenset({"codex"})),
)

# What an operator means who declares prefill for an endpoint that the table does not know:
# servers take the flag that they know and leave the others.
_ANY_PREFILL = frozenset({PREFIX, PARTIAL, VLLM})


class Routes:
    """The routes by the name that clients ask for; "*" serves every other name."""

    def __init__(
        self, routes: Mapping[str, Route], providers: Mapping[str, ProviderSettings] | None = None
    ) -> None:
        self._routes = routes
        self._providers = providers or {}

    def names(self) -> list[str]:
        return [name for name in self._routes if name != WILDCARD]

    def find(self, name: str) -> Route | None:
        known = self._routes.get(name)
        if known:
            return known
        others = self._routes.get(WILDCARD)
        return others and _renamed(others, name, self._providers)


def embedding(route: Route) -> Route:
    """The route's targets as they are asked for embeddings, which not every dialect has.

    They go by names of their own: that a model has no embeddings says nothing of its answers.
    """
    targets = tuple(
        replace(target, name=f"{target.name}:embeddings", dialect="embeddings")
        for target in route.targets
        if target.dialect != "messages"
    )
    return replace(route, targets=targets)


def routes(settings: Settings, pepper: bytes) -> Routes:
    """`pepper` is a secret of this installation: it keeps key ids from being guessed."""
    made = {}
    for name, route in settings.routes.items():
        targets = [
            target
            for wanted in route.targets
            for target in _pool(wanted, settings.providers, pepper)
        ]
        made[name] = Route(name, tuple(targets), _policy(route))
    return Routes(made, settings.providers)


def ways(provider: ProviderSettings, model: str) -> tuple[Continuation, frozenset[str]]:
    """How a cut answer is continued there, and with which quirks: as configured, else as known."""
    found = capability(provider.base_url, model)
    if provider.continuation == "auto":
        return found.continuation or Continuation.INSTRUCT, found.quirks
    wanted = Continuation(provider.continuation)
    if wanted is Continuation.PREFILL and not found.quirks:
        return wanted, _ANY_PREFILL
    return wanted, found.quirks


def _preset(provider: ProviderSettings) -> Preset | None:
    address = provider.base_url.partition("://")[2]
    return next(
        (p for p in PRESETS if provider.preset == p.name or re.search(p.address, address)), None
    )


def _pool(wanted: str, providers: Mapping[str, ProviderSettings], pepper: bytes) -> list[Target]:
    """One target per key, one without a key where there are none."""
    provider_name, _, model = wanted.partition("/")
    provider = providers[provider_name]
    continuation, quirks = ways(provider, model)
    preset = _preset(provider)
    known = capability(provider.base_url, model)
    target = Target(
        name=wanted,
        dialect=preset.dialect if preset else provider.dialect,
        base_url=provider.base_url,
        model=model,
        continuation=continuation,
        timeouts=Timeouts(**provider.timeouts.model_dump()),
        headers=tuple((n, v.get_secret_value()) for n, v in provider.headers.items()),
        proxy=provider.proxy.get_secret_value(),
        quirks=quirks | known.habits | (preset.quirks if preset else frozenset()),
        returned=known.returned,
    )
    secrets = list(dict.fromkeys(key.get_secret_value() for key in provider.api_keys))
    return [replace(target, credential=c) for c in _credentials(secrets, pepper)] or [target]


def _credentials(secrets: Sequence[str], pepper: bytes) -> list[Credential]:
    made: dict[str, str] = {}
    for secret in secrets:
        name = key_id(secret, pepper)
        made[name if name not in made else f"{name}.{len(made)}"] = secret
    return [Credential(name, secret) for name, secret in made.items()]


def _policy(route: RouteSettings) -> Policy:
    return Policy(deadline=route.deadline, hedge=route.hedge, max_attempts=route.max_attempts)


def _renamed(route: Route, model: str, providers: Mapping[str, ProviderSettings]) -> Route:
    """The wildcard route for one model: "provider/*" asks the provider for that very name."""
    targets = tuple(
        _named(target, model, providers) if target.model == WILDCARD else target
        for target in route.targets
    )
    return replace(route, name=model, targets=targets)


def _named(target: Target, model: str, providers: Mapping[str, ProviderSettings]) -> Target:
    """`target` for one model, with what is known of that model there."""
    named = replace(target, name=f"{target.name[:-1]}{model}", model=model)
    provider = providers.get(target.name.partition("/")[0])
    if provider is None:
        return named
    continuation, quirks = ways(provider, model)
    known = capability(provider.base_url, model)
    kept = target.quirks - {*FLAGS, ECHOES, MAX_TOKENS}
    quirks |= kept | known.habits
    return replace(named, continuation=continuation, quirks=quirks, returned=known.returned)
