"""Live readers of turns. A reader has a place in a list that grows; nobody waits for readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from ..store.ports import Entry


class Feed:
    """The entries of one turn, from its first, as they become known to this process."""

    def __init__(self) -> None:
        self.closed = False
        self._entries: list[Entry] = []
        self._news = asyncio.Event()

    def publish(self, entries: Sequence[Entry]) -> None:
        """In order; those that were published before are passed over."""
        last = self._entries[-1].sequence if self._entries else 0
        fresh = [entry for entry in entries if entry.sequence > last]
        if fresh:
            self._entries += fresh
            self._tell()

    def close(self) -> None:
        self.closed = True
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
    """The feeds of the turns that run here or are watched here, by id."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._users: dict[str, int] = {}

    @contextmanager
    def use(self, turn_id: str) -> Iterator[Feed]:
        """The turn's feed, the same for all who use it at one time."""
        feed = self._feeds.setdefault(turn_id, Feed())
        self._users[turn_id] = self._users.get(turn_id, 0) + 1
        try:
            yield feed
        finally:
            self._users[turn_id] -= 1
            if not self._users[turn_id]:
                del self._users[turn_id], self._feeds[turn_id]

    def close(self, turn_id: str) -> None:
        """Tells the turn's readers that it has ended."""
        if turn_id in self._feeds:
            self._feeds[turn_id].close()
