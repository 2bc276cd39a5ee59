"""The contract between turns and the engine that runs them, in this process or on a cluster.

A turn is accepted once, under an id that makes repetitions harmless. Turns of one lane run one
after the other, lanes side by side. All that a turn does goes through its journal: what is in
there is durable, numbered, and seen by whoever watches; what is not has not happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from ..store.ports import Delivery, Entry, Json, LaneLost, Overloaded, Turn

__all__ = [
    "Delivery",
    "Engine",
    "Entry",
    "Handler",
    "Journal",
    "Json",
    "LaneLost",
    "Overloaded",
    "Turn",
]


class Journal(Protocol):
    """The journal of one turn, for whoever runs it. Only the holder of the lane can write."""

    @property
    def past(self) -> Sequence[Entry]:
        """What earlier lives of the turn wrote; empty in its first."""
        ...

    def add(self, event: Json) -> int:
        """Takes an event; returns its sequence. It becomes durable soon, and in order."""
        ...

    def last(self, event: Json) -> None:
        """Takes the last event, which becomes durable with the end of the turn: the handler has
        to return now.
        """
        ...

    async def settle(self) -> None:
        """Returns once all that was added is durable. Raises LaneLost, store.ports.StoreFailed."""
        ...

    def gather(self, event: Callable[[], Json | None]) -> None:
        """Says that there is something to add, of which `event` makes one event once it is to be
        written (None: it is gone). What is told in a short time is so written together, and the
        busier the store and this process are, the more; but nothing waits for a quarter second.
        """
        ...


Handler = Callable[[Turn, Journal], Awaitable[None]]
"""Runs one turn to its end. If it raises, the turn is tried again, and parked in the end."""


class Engine(Protocol):
    """`accept` and `watch` work on every node; turns run where `run` was entered."""

    async def accept(
        self, turn: Turn, deliveries: Sequence[Delivery] = (), *, relieves: bool = False
    ) -> bool:
        """True once the turn is durable, and with it what is to be `deliveries` of it; False if one
        of this id was accepted before. One that `relieves` ends work: a full node takes it too.

        Raises store.ports.StoreFailed, and Overloaded when the lane or the node is full.
        """
        ...

    async def undertake(self, turn: Turn) -> None:
        """Accepts a turn in a lane of its own whose id nobody knows yet, and is to be told before
        `watch` gives the first entry: the turn is durable with that, and without it a moment later.

        Raises as `accept` does.
        """
        ...

    def watch(self, turn_id: str, after: int = 0) -> AsyncIterator[Entry]:
        """All entries after sequence `after`, as they come; ends with the turn. A turn that
        nobody knows has none. Entries are durable, but for those of turns that go on while the
        store fails; of turns that ended long ago streamed text may be gone. A store that is away
        is waited for; raises StoreFailed once that took too long.
        """
        ...

    async def waiting(self, lane: str) -> Sequence[Turn]:
        """The lane's turns that were accepted and not begun, in order."""
        ...

    async def running(self, lane: str) -> Turn | None:
        """The lane's turn that was begun and has not ended. Raises StoreFailed."""
        ...

    async def absorb(self, turn_ids: Sequence[str], into: str) -> Sequence[Turn]:
        """Ends waiting turns because the turn `into`, which runs, answers them too.

        Returns those that were still waiting. The two stay linked in the store.
        """
        ...

    async def absorbed(self, into: str) -> Sequence[Turn]:
        """All that `into` absorbed, in order: after a crash it asks what it has to answer."""
        ...

    async def stop(self, lane: str, waiting: bool = False, only: str | None = None) -> bool:
        """Asks the turn that runs in `lane` to end: its handler is cancelled with
        asyncio.CancelledError after `stopping(turn_id)` became true. With `waiting` so will those
        be that wait, as soon as they begin, wherever that is. `only` names the one turn that is
        meant: by now another may run. False if there is none.
        """
        ...

    def stopping(self, turn_id: str) -> bool:
        """Whether the turn's cancellation was asked for by `stop` (not by a shutdown)."""
        ...

    async def run(self, handler: Handler) -> None:
        """Runs turns until cancelled: first those that an earlier process left open."""
        ...
