"""Time as what the model says: it goes on with the work, however slow the machine is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

STANDSTILL = 1.0  # seconds without a word, after which nobody waits for the next


class Pulse:
    """A beat is a piece that the simulated model says. `sleep` is its sleep."""

    def __init__(self) -> None:
        self.count = 0
        self._beat = asyncio.Event()
        self._speaks = asyncio.Event()
        self._speaks.set()

    async def sleep(self, seconds: float) -> None:
        self.count += 1
        self._beat.set()
        await asyncio.sleep(seconds)
        await self._speaks.wait()

    @contextmanager
    def held(self) -> Iterator[None]:
        """The model stops in mid-answer for as long as this takes."""
        self._speaks.clear()
        try:
            yield
        finally:
            self._speaks.set()

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
