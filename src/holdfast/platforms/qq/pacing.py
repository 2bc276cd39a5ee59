"""PURE. When frames may go, so that all growing messages together keep within the platform's rate.

Source: the page on streams of API v2 (50 requests in a second). Beginnings and ends are not kept
waiting: they have the rest of that rate, and the frames in between wait for them too.
"""

from __future__ import annotations

FRAMES_PER_SECOND = 30.0


class Pacing:
    """Gives every message its turn for the next frame. Times are monotonic, in seconds."""

    def __init__(self, per_second: float = FRAMES_PER_SECOND) -> None:
        self._step = 1.0 / per_second
        self._given = 0.0  # the latest turn that was given

    def spend(self, now: float) -> None:
        """A frame goes out of turn: the first of a message, or the last."""
        self._given = max(now, self._given + self._step)

    def pause(self, now: float, least: float) -> float:
        """Seconds until the turn of a message of which a frame goes now: `least` or more."""
        self._given = max(now + least, self._given + self._step)
        return self._given - now
