"""Messages are kept side by side, those of one conversation one after the other."""

from __future__ import annotations

import asyncio

from ...bot.adapter import Sink
from ...bot.event import Inbound, Notice
from ...store.ports import StoreFailed


class InOrder:
    """A `bot.adapter.Sink` before another. Behind a message that could not be kept, none of its
    conversation that is under way is, until it comes again: it has to be first.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        # By conversation: the id of the message that has to come again; "" if none has.
        self._last: dict[str, asyncio.Future[str]] = {}

    async def __call__(self, event: Inbound | Notice) -> bool:
        """Raises store.ports.StoreFailed."""
        where = event.place.conversation
        before = self._last.get(where)
        kept = self._last[where] = asyncio.get_running_loop().create_future()
        lost = event.id
        try:
            if before is not None:
                lost = await asyncio.shield(before) or event.id
            if lost != event.id:
                raise StoreFailed("the message before it could not be kept")
            fresh = await self._sink(event)
            lost = ""
            return fresh
        finally:
            kept.set_result(lost)
            if self._last[where] is kept:
                del self._last[where]


class OnConnection:
    """A `bot.adapter.Sink` before `InOrder`, for what one connection brings. Behind a message that
    could not be kept, none of its conversation is until it comes again, however much later it
    comes; another connection brings it again, or does not.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._missing: dict[str, str] = {}  # by conversation: the id of that message

    async def __call__(self, event: Inbound | Notice) -> bool:
        """Raises store.ports.StoreFailed."""
        where = event.place.conversation
        if self._missing.get(where, event.id) != event.id:
            raise StoreFailed("a message before it could not be kept")
        try:
            fresh = await self._sink(event)
        except StoreFailed:
            self._missing.setdefault(where, event.id)
            raise
        self._missing.pop(where, None)
        return fresh
