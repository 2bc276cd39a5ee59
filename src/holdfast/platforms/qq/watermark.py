"""PURE. Which events of a session are safe: what may be said to have been received."""

from __future__ import annotations


class Watermark:
    """Sequence numbers of one session, in the order in which they came.

    Two numbers: `received` is the last one seen (heartbeats tell it), `settled` the last one
    up to which everything is durable (resuming names it, so that the rest comes again).
    """

    def __init__(self, settled: int = 0) -> None:
        self.received = settled
        self._open: set[int] = set()  # on their way to the store
        self._refused: set[int] = set()  # the store did not take them; they must come again

    @property
    def settled(self) -> int:
        waiting = self._open | self._refused
        return min(waiting) - 1 if waiting else self.received

    def take(self, seq: int) -> bool:
        """An event came. Whether it is to be handed on: replays hold what is under way or safe."""
        if seq in self._open or (seq <= self.received and seq not in self._refused):
            return False
        self._refused.discard(seq)
        self._open.add(seq)
        self.received = max(self.received, seq)
        return True

    def skip(self, seq: int) -> None:
        """A frame with a number and nothing to keep."""
        self.received = max(self.received, seq)

    def settle(self, seq: int) -> None:
        self._open.discard(seq)

    def refuse(self, seq: int) -> None:
        if seq in self._open:
            self._open.discard(seq)
            self._refused.add(seq)
