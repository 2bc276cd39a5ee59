"""PURE. Which events of a session are safe: what may be said to have been received."""

from __future__ import annotations

from collections import Counter


class Watermark:
    """Sequence numbers of one session, in the order in which they came.

    Two numbers: `received` is the highest one seen (heartbeats tell it), `settled` the last one
    up to which everything is durable (resuming names it, so that the rest comes again). A number
    says nothing of what is new: one that comes again may count another event, for a gateway may
    begin to count anew. Only the id of an event tells that.
    """

    def __init__(self, settled: int = 0) -> None:
        self.received = settled
        self._open: Counter[int] = Counter()  # on their way to the store
        self._refused: set[int] = set()  # the store did not take them; they must come again

    @property
    def settled(self) -> int:
        waiting = self._open.keys() | self._refused
        return min(waiting) - 1 if waiting else self.received

    def take(self, seq: int) -> None:
        """An event came, and is handed on."""
        self._refused.discard(seq)
        self._open[seq] += 1
        self.skip(seq)

    def skip(self, seq: int) -> None:
        """A frame with a number and nothing to keep."""
        self.received = max(self.received, seq)

    def settle(self, seq: int) -> None:
        if self._open[seq] > 1:
            self._open[seq] -= 1
        else:
            del self._open[seq]

    def refuse(self, seq: int) -> None:
        if seq in self._open:
            self.settle(seq)
            self._refused.add(seq)
