"""Settings to routes: which targets there are, and what each vendor can do with a cut answer.

The table is dated: vendors change their minds. A row that is wrong costs one refused
request, since the planner then asks in another form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..config import WILDCARD, ProviderSettings, RouteSettings, Settings
from ..core.attempt import Continuation, Credential, Target, Timeouts
from ..core.redact import key_id
from ..resilience.policy import Policy, Route

PREFIX = "prefill:prefix"  # {"prefix": true} on the last message
PARTIAL = "prefill:partial"  # {"partial": true} on the last message
VLLM = "prefill:vllm"  # continue_final_message beside the messages
PLAIN = "prefill:plain"  # the assistant message alone
ECHOES = "echoes_prefix"  # the answer begins with the prefilled text


@dataclass(frozen=True, slots=True)
class Habit:
    """What the vendor at `address` (host and path) does for models that match `model`."""

    address: str
    model: str
    continuation: Continuation
    quirks: frozenset[str] = frozenset()


def _prefills(address: str, model: str, *quirks: str) -> Habit:
    return Habit(address, model, Continuation.PREFILL, frozenset(quirks))


# As documented in November 2026; first match counts.
HABITS: Sequence[Habit] = (
    _prefills(r"^api\.deepseek\.com/beta", r"", PREFIX),
    Habit(r"^api\.deepseek\.com", r"", Continuation.INSTRUCT),
    _prefills(r"^(api|codestral)\.mistral\.ai", r"", PREFIX, ECHOES),
    Habit(r"^dashscope[\w-]*\.aliyuncs\.com", r"think|qwq|qvq", Continuation.INSTRUCT),
    _prefills(r"^dashscope[\w-]*\.aliyuncs\.com", r"^qwen", PARTIAL),
    Habit(r"^api\.moonshot\.(cn|ai)", r"think", Continuation.INSTRUCT),
    _prefills(r"^api\.moonshot\.(cn|ai)", r"", PARTIAL),
    _prefills(r"^api\.anthropic\.com", r"^claude-(2|3|instant)", PLAIN),
    _prefills(r"^api\.anthropic\.com", r"^claude-\w+-4(-[0-5])?(-\d{8})?$", PLAIN),
)


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

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes

    def names(self) -> list[str]:
        return [name for name in self._routes if name != WILDCARD]

    def find(self, name: str) -> Route | None:
        known = self._routes.get(name)
        if known:
            return known
        others = self._routes.get(WILDCARD)
        return others and _renamed(others, name)


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
    return Routes(made)


def habit(provider: ProviderSettings, model: str) -> Habit:
    """What this provider does with a cut answer: as configured, else as the table knows."""
    address = provider.base_url.partition("://")[2]
    known = next(
        (h for h in HABITS if re.search(h.address, address) and re.search(h.model, model)), None
    )
    if provider.continuation == "auto":
        return known or Habit(address, model, Continuation.INSTRUCT)
    wanted = Continuation(provider.continuation)
    quirks = known.quirks if known else frozenset()
    if wanted is Continuation.PREFILL and not quirks:
        quirks = _ANY_PREFILL
    return Habit(address, model, wanted, quirks)


def _preset(provider: ProviderSettings) -> Preset | None:
    address = provider.base_url.partition("://")[2]
    return next(
        (p for p in PRESETS if provider.preset == p.name or re.search(p.address, address)), None
    )


def _pool(wanted: str, providers: Mapping[str, ProviderSettings], pepper: bytes) -> list[Target]:
    """One target per key, one without a key where there are none."""
    provider_name, _, model = wanted.partition("/")
    provider = providers[provider_name]
    habits = habit(provider, model)
    preset = _preset(provider)
    target = Target(
        name=wanted,
        dialect=preset.dialect if preset else provider.dialect,
        base_url=provider.base_url,
        model=model,
        continuation=habits.continuation,
        timeouts=Timeouts(**provider.timeouts.model_dump()),
        headers=tuple((n, v.get_secret_value()) for n, v in provider.headers.items()),
        proxy=provider.proxy.get_secret_value(),
        quirks=habits.quirks | preset.quirks if preset else habits.quirks,
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


def _renamed(route: Route, model: str) -> Route:
    """The wildcard route for one model: "provider/*" asks the provider for that very name."""
    targets = tuple(
        replace(target, name=f"{target.name[:-1]}{model}", model=model)
        if target.model == WILDCARD
        else target
        for target in route.targets
    )
    return replace(route, name=model, targets=targets)
