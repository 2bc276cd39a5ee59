"""One attempt at a time, over whatever transport, with everything it reports written down."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest
from tests.upstream.lines import Lines

from holdfast.core.attempt import Credential, How, Target
from holdfast.core.events import StreamEvent, TextDelta
from holdfast.core.failure import Failure, Phase, StreamFailed
from holdfast.core.request import Request
from holdfast.upstream.connector import Connector, Ids
from holdfast.upstream.transport import HttpTransport, Transports

ASK = Request("lines", "m")


class RealClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return 1_700_000_000.0


def target(url: str, name: str = "there/m", secret: str = "", proxy: str = "") -> Target:
    return Target(name, "lines", url, "m", Credential("k_1", secret), proxy=proxy)


@dataclass(slots=True)
class Tried:
    """What one attempt brought, in the order in which it came."""

    events: list[StreamEvent | Failure] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    status: int | None = None
    ids: Ids = ()

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    def report(self, phase: Phase, status: int | None, ids: Ids) -> None:
        self.phases.append(phase)
        self.status = status or self.status
        self.ids = ids or self.ids


class Trier:
    """A connector with a dialect of lines."""

    def __init__(self, transports: Callable[[str], httpx2.AsyncBaseTransport]) -> None:
        self.lines = Lines()
        self._transports = transports
        self.connector = Connector(transports, {"lines": self.lines}, "holdfast", RealClock())

    @property
    def keeps(self) -> bool:
        """Whether a connection is there that could be used again, as far as is known here."""
        transport = self._transports("")
        assert isinstance(transport, HttpTransport)
        return any(connection.lasting for connection in transport._open)

    async def ask(self, asked: Target, tried: Tried | None = None) -> Tried:
        """The whole answer. Raises StreamFailed."""
        tried = tried or Tried()
        async with self.connector.open(ASK, asked, How.START, "", tried.report) as batches:
            async for batch in batches:
                tried.events += batch
        return tried

    async def fail(self, asked: Target, tried: Tried | None = None) -> Failure:
        """The failure that the attempt must meet, raised or given as its last item."""
        tried = tried or Tried()
        try:
            await self.ask(asked, tried)
        except StreamFailed as failed:
            return failed.failure
        last = tried.events[-1] if tried.events else None
        if not isinstance(last, Failure):
            pytest.fail(f"the attempt did not fail: {tried}")
        return last


@asynccontextmanager
async def trier(tls: ssl.SSLContext | None = None) -> AsyncIterator[Trier]:
    """Over real sockets. Trusts nobody unless told."""
    transports = Transports(tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    try:
        yield Trier(transports)
    finally:
        await transports.aclose()
