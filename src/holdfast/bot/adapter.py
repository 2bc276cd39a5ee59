"""The contract of a chat platform. The settings name it; the composition root makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ..core.mediatype import Kind
from ..core.request import Surface
from .event import Inbound, Notice, Outbound, Place, Receipt

Sink = Callable[[Inbound | Notice], Awaitable[bool]]
"""Takes an event; returns once it is durable: only then is the platform acknowledged. False: a
repetition. Raises store.ports.StoreFailed: then nothing is acknowledged; and Overloaded, where
readers watch the journal and so nothing can be sent (`Capabilities.live`)."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do in one kind of place. Times in seconds.

    `media` are the kinds of files that it shows. `replies` is how many messages may answer one
    inbound message, `window` for how long.
    """

    surface: Surface
    max_chars: int = 4000  # of one message
    replies: int | None = None
    window: float | None = None
    frame_interval: float = 0.5  # between two frames of a growing message
    frame_chars: int | None = None  # of a growing message in all
    markdown: bool = True
    media: frozenset[Kind] = frozenset()
    typing: bool = False
    typing_takes_reply: bool = False
    recognises_repeats: bool = False  # an Outbound sent twice is taken once
    proactive: bool = False  # it may be written to, in answer to nothing: by a Place without anchor
    live: bool = False  # readers watch the journal themselves; nothing is sent


class Adapter(Protocol):
    """One bot on one platform."""

    name: str  # the bot's, as configured

    def capabilities(self, place: Place) -> Capabilities:
        """Of answers that go there."""
        ...

    async def run(self, sink: Sink) -> None:
        """Receives events until cancelled; reconnects by itself. Raises StreamFailed (hop
        PLATFORM) only for what an operator must mend: wrong secret, bot banned.
        """
        ...

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        """Sends once. `key` names this delivery: the same key is the same message.

        Raises StreamFailed with a failure of hop PLATFORM. Its phase tells whether the platform
        may have taken the message: from WRITE on, unless it answered, nobody knows.
        """
        ...
