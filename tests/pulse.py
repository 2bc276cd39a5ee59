"""Time as what the model says: it goes on with the work, however slow the machine is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.upstream.leaks import LOOK

STANDSTILL = 1.0  # seconds without a word, after which nobody waits for the next


class Pulse:
    """A beat is a piece that the simulated model says at a pace. `sleep` is its sleep.

    It may be held from another thread than that of the model.
    """

    def __init__(self) -> None:
        self.count = 0
        self._said: Counter[asyncio.Task[Any] | None] = Counter()  # by whoever says it
        self._most = float("inf")
        self._beat = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.count += 1
        self._beat.set()
        await asyncio.sleep(seconds)
        speaker = asyncio.current_task()
        while self._said[speaker] >= self._most:
            await asyncio.sleep(LOOK)
        self._said[speaker] += 1

    @contextmanager
    def held(self, after: int = 0) -> Iterator[None]:
        """The model stops in the middle of each answer for as long as this takes, after so many
        more pieces of it: who needs an answer that is under way cannot come too late for it.
        """
        self._said = Counter()
        self._most = after
        try:
            yield
        finally:
            self._most = float("inf")

    async def beats(self, number: int) -> None:
        """Returns after so many more, or once there come no more."""
        until = self.count + number
        while self.count < until:
            self._beat.clear()
            try:
                async with asyncio.timeout(STANDSTILL):
                    await self._beat.wait()
            except TimeoutError:
                return
