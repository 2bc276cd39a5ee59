"""Live readers of turns. A reader has a place in a list that grows; nobody waits for readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from ..store.ports import Entry


class Feed:
    """The entries of one turn, from its first, as one life of it in this process tells them."""

    def __init__(self) -> None:
        self.closed = False
        self.over = False  # it was closed because the turn has ended: there is no more
        self.users = 0
        self._entries: list[Entry] = []
        self._news = asyncio.Event()

    def publish(self, entries: Sequence[Entry]) -> None:
        """In order; those that were published before are passed over."""
        last = self._entries[-1].sequence if self._entries else 0
        fresh = [entry for entry in entries if entry.sequence > last]
        if fresh:
            self._entries += fresh
            self._tell()

    def close(self, *, over: bool) -> None:
        self.closed, self.over = True, over
        self._tell()

    async def follow(self, after: int) -> AsyncIterator[Entry]:
        """Those with a sequence above `after`, until the feed is closed."""
        place = 0
        while True:
            news = self._news
            while place < len(self._entries):
                entry = self._entries[place]
                place += 1
                if entry.sequence > after:
                    yield entry
            if self.closed:
                return
            if news is self._news:
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Feeds:
    """The feeds of the turns that live here or are watched here, by id: one for every life."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}

    @contextmanager
    def use(self, turn_id: str) -> Iterator[Feed]:
        """The turn's feed, the same for all who use it until it is closed."""
        feed = self._feeds.setdefault(turn_id, Feed())
        feed.users += 1
        try:
            yield feed
        finally:
            feed.users -= 1
            if not feed.users and self._feeds.get(turn_id) is feed:
                del self._feeds[turn_id]

    def close(self, turn_id: str, *, over: bool) -> None:
        """Tells readers that the life has ended, or all is `over`. The next one gets a new feed."""
        feed = self._feeds.pop(turn_id, None)
        if feed is not None:
            feed.close(over=over)
