"""What the routes share. Made once by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..config import GatewaySettings
from ..core.clock import Clock
from ..core.failure import Failure, StreamFailed
from ..core.record import Level
from ..core.verdict import Language
from ..store.ports import IncidentStore
from ..upstream.catalog import Routes
from ..upstream.executor import Executor
from .auth import denied
from .keeper import Keeper
from .limits import Gate
from .metrics import Metrics


class Drain:
    """The end of service: first nothing new, then nothing at all."""

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


@dataclass(frozen=True, slots=True)
class Services:
    """`node` names this gateway in Via; `language` "auto" means the client's."""

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

    @property
    def level(self) -> Level:
        return self.settings.disclose

    def check_key(self, headers: Mapping[str, str]) -> None:
        """Raises StreamFailed unless the client may ask."""
        keys = [key.get_secret_value() for key in self.settings.api_keys]
        failure = denied(headers, keys)
        if failure:
            raise self.refused(failure)

    def refused(self, failure: Failure) -> StreamFailed:
        """A request that is turned away is counted, since no call will be."""
        self.metrics.refused.labels(failure.kind.value).inc()
        return StreamFailed(failure)

    def speak(self, headers: Mapping[str, str], conversation: Language | None = None) -> Language:
        """The language to tell a client things in."""
        if self.language != "auto":
            return self.language
        if conversation:
            return conversation
        return "zh" if headers.get("accept-language", "").lower().startswith("zh") else "en"
