"""An event loop whose clock jumps: hours of waiting take no time and every run is the same."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.upstream.leaks import watched

T = TypeVar("T")


class Deadlock(AssertionError):
    """Every task waits and no timer is set: in real time the test would hang."""


class _Jump(selectors.DefaultSelector):
    """When nothing is ready, the time is that of the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Deadlock("every task waits for another")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


class LoopClock:
    """The clock of the running loop, as `core.clock.Clock`."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_700_000_000.0 + self.monotonic()


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` in virtual time and fails if it leaves anything behind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(watched(main))
