"""How far one attempt has come, told by whoever knows: the transport and our sockets.

The transport knows the request; our network backend knows name resolution and the end of bytes.
Both find the attempt they work for in `CURRENT`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from ..core.failure import Phase


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


CURRENT: ContextVar[Progress] = ContextVar("holdfast_progress")
