"""What must be remembered of deliveries so that a killed process can go on with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from .delivery import Reply
from .parts import Part, State


class Ledger(Protocol):
    """What is written is durable when the call returns. Raises store.ports.StoreFailed, and
    engine.ports.LaneLost once another process delivers.
    """

    async def open(self, reply: Reply) -> None:
        """A delivery is to come; one that is known stays as it is."""
        ...

    async def parts(self, turn: str) -> Sequence[Part]:
        """Its messages so far, by slot."""
        ...

    async def sending(self, turn: str, part: Part) -> None:
        """From now on nobody knows whether the platform has it."""
        ...

    async def sent(self, turn: str, part: Part) -> None:
        """What became of it."""
        ...

    async def close(self, turn: str, owed: int | None) -> None:
        """Nothing more is sent. `owed`: the place in the turn's text behind which the person has
        nothing.
        """
        ...

    async def owed(self, turn: str) -> int | None: ...

    async def unfinished(self) -> Sequence[Reply]:
        """Those that were opened and not closed, the oldest first."""
        ...


class MemoryLedger:
    """Lasts as long as the process: for trying things and for tests."""

    def __init__(self) -> None:
        self._open: dict[str, Reply] = {}
        self._parts: dict[str, dict[int, Part]] = {}
        self._closed: dict[str, int | None] = {}

    async def open(self, reply: Reply) -> None:
        if reply.turn not in self._closed:
            self._open.setdefault(reply.turn, reply)

    async def parts(self, turn: str) -> Sequence[Part]:
        return list(self._parts.get(turn, {}).values())

    async def sending(self, turn: str, part: Part) -> None:
        self._parts.setdefault(turn, {})[part.slot] = replace(part, state=State.SENDING)

    async def sent(self, turn: str, part: Part) -> None:
        self._parts.setdefault(turn, {})[part.slot] = part

    async def close(self, turn: str, owed: int | None) -> None:
        self._open.pop(turn, None)
        self._closed[turn] = owed

    async def owed(self, turn: str) -> int | None:
        return self._closed.get(turn)

    async def unfinished(self) -> Sequence[Reply]:
        return list(self._open.values())
