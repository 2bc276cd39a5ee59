"""What time it is: the one door to the clock, so that tests can bring their own."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that never jump; for durations, timeouts and deadlines."""
        ...

    def wall(self) -> float:
        """Unix seconds; for people and for HTTP dates."""
        ...
