"""How far one attempt has come, told by whoever knows: the HTTP library and our sockets.

httpcore's trace hook knows the request; our network backend, which the pool calls, knows
name resolution and the end of bytes. Both find the attempt they work for in `CURRENT`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..core.failure import Phase

_STARTED: Mapping[str, Phase] = {
    "connection.start_tls.started": Phase.TLS,
    "proxy.start_tls.started": Phase.TLS,
    "http11.send_request_headers.started": Phase.WRITE,
    "http11.receive_response_headers.started": Phase.HEADERS,
}


@dataclass(slots=True)
class Progress:
    """What must be known of an attempt to tell what its exception means."""

    report: Callable[[Phase], None]
    phase: Phase = Phase.RESOLVE
    reused: bool = True  # no connection was made for it: it runs on a kept-alive one
    ended: bool = False  # the peer has ended its side of the connection
    opening: bytes = b""  # how the last thing that the peer said begins
    unsent: bool = False  # the connection broke before all of the request was written

    def reach(self, phase: Phase) -> None:
        self.phase = phase
        self.report(phase)

    def connecting(self, phase: Phase) -> None:
        """A connection is being made for this attempt."""
        self.reused = False
        self.reach(phase)

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore's `trace` request extension. Building a proxy's tunnel is still connecting."""
        phase = _STARTED.get(name)
        if phase is None or (phase is Phase.HEADERS and self.unsent):
            return
        request = info.get("request")
        if request is None or request.method != b"CONNECT":
            self.reach(phase)


CURRENT: ContextVar[Progress] = ContextVar("holdfast_progress")
