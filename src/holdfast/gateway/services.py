"""What the routes share. Made once by the composition root."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ..config import GatewaySettings
from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.record import Level
from ..core.request import Request
from ..core.verdict import Language
from ..engine.ports import Engine
from ..resilience.policy import Route
from ..store.ports import IncidentStore, Turns
from ..upstream.catalog import Routes, embedding
from ..upstream.executor import Call, Executor
from .auth import denied, key_of
from .keeper import Keeper
from .limits import Gate
from .metrics import Metrics


class Drain:
    """The end of service: first nothing new, then nothing at all."""

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @contextmanager
    def telling(self, stop: Callable[[], None]) -> Iterator[None]:
        """`stop` is called when nothing more may go on, while this is entered."""

        def tell(over: asyncio.Future[None]) -> None:
            stop()

        self.over.add_done_callback(tell)
        try:
            yield
        finally:
            self.over.remove_done_callback(tell)

    def finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


@dataclass(frozen=True, slots=True)
class Services:
    """`node` names this gateway in Via; `language` "auto" means the client's.

    Without an engine no call outlives its connection, and asking for that is refused.
    """

    settings: GatewaySettings
    language: Language | Literal["auto"]
    executor: Executor
    routes: Routes
    incidents: IncidentStore
    keeper: Keeper
    metrics: Metrics
    gate: Gate
    drain: Drain
    clock: Clock
    new_ref: Callable[[], str]
    node: str
    engine: Engine | None = None
    turns: Turns | None = None
    standing: Callable[[], Mapping[str, str]] = dict  # what else an operator should know

    @property
    def level(self) -> Level:
        return self.settings.disclose

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Raises StreamFailed unless the client may ask."""
        keys = [key.get_secret_value() for key in self.settings.api_keys]
        failure = denied(headers, keys, self.settings.origins)
        if failure:
            raise StreamFailed(failure)

    def route(self, request: Request) -> Route:
        """Whom to ask. Raises StreamFailed."""
        route = self.routes.find(request.model)
        if route is None:
            raise StreamFailed(Failure(Kind.NO_ROUTE, Phase.ADMIT, Hop.CLIENT, param="model"))
        if request.dialect != "embeddings":
            return route
        route = embedding(route)
        if not route.targets:
            raise StreamFailed(_NO_EMBEDDINGS)
        return route

    def tenant(self, headers: Mapping[str, str]) -> str:
        """Who asks, as a name that says nothing of the key: calls of others are nobody's business.

        Where no key is needed, whoever may ask is the same.
        """
        key = key_of(headers) if self.settings.api_keys else ""
        return hashlib.sha256(key.encode()).hexdigest()[:16] if key else ""

    def turned_away(self, failure: Failure) -> None:
        """Counts a request that is refused, since no call will be."""
        self.metrics.refused.labels(failure.kind.value).inc()

    def speak(self, headers: Mapping[str, str], conversation: Language | None = None) -> Language:
        """The language to tell a client things in."""
        if self.language != "auto":
            return self.language
        reads = headers.get("accept-language", "").strip().lower()
        return "zh" if reads.startswith("zh") else conversation or "en"


_NO_EMBEDDINGS = Failure(
    Kind.UNSUPPORTED,
    Phase.ADMIT,
    Hop.CLIENT,
    "no target of this route has embeddings",
    param="model",
    detail_zh="这条路由的目标都没有 embeddings",
)


def extension(call: Call, ref: str) -> Mapping[str, Any] | None:
    """What is added to an answer that was saved; None where nothing went wrong."""
    failed = [a for a in call.attempts if a.failure and a.failure.kind is not Kind.CANCELLED]
    if not failed:
        return None
    under_way = call.outcome is None
    return {"ref": ref, "recovered": True, "attempts": len(call.attempts) + under_way}
