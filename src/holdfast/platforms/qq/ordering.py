"""Messages are kept side by side, those of one conversation one after the other."""

from __future__ import annotations

import asyncio

from ...bot.adapter import Sink
from ...bot.event import Inbound, Notice
from ...store.ports import StoreFailed


class InOrder:
    """A `bot.adapter.Sink` before another. Behind a message that could not be kept, none of its
    conversation that is under way is: it will come again, and has to be first.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._last: dict[str, asyncio.Future[bool]] = {}  # by conversation: whether it was kept

    async def __call__(self, event: Inbound | Notice) -> bool:
        """Raises store.ports.StoreFailed."""
        where = event.place.conversation
        before = self._last.get(where)
        kept = self._last[where] = asyncio.get_running_loop().create_future()
        safe = False
        try:
            if before is not None and not await asyncio.shield(before):
                raise StoreFailed("the message before it could not be kept")
            fresh = await self._sink(event)
            safe = True
            return fresh
        finally:
            kept.set_result(safe)
            if self._last[where] is kept:
                del self._last[where]
