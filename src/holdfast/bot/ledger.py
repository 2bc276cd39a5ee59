"""What must be remembered of deliveries so that a killed process can go on with them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ..engine.ports import LaneLost
from ..store.ports import Deliveries, DeliveryState
from ..store.ports import Delivery as Row
from .codec import read_place, write_place
from .moves import Owed, Reply
from .parts import Part, State


class Ledger(Protocol):
    """What is written is durable when the call returns. Raises store.ports.StoreFailed, and
    engine.ports.LaneLost once another process delivers.
    """

    def opening(self, reply: Reply) -> Sequence[Row]:
        """That a delivery is to come, to be written down together with its turn."""
        ...

    async def open(self, reply: Reply) -> None:
        """The same, written down now; one that is known stays as it is."""
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

    async def close(self, turn: str, owed: Owed | None) -> None:
        """Nothing more is sent, although this is `owed`."""
        ...

    async def owed(self, turn: str) -> Owed | None: ...

    async def unfinished(self, *, running: bool = False) -> Sequence[Reply]:
        """Those that were opened and not closed, in the order of their lanes; with `running` also
        those of turns that have not ended.
        """
        ...


class MemoryLedger:
    """Lasts as long as the process: for trying things and for tests."""

    def __init__(self) -> None:
        self._open: dict[str, Reply] = {}
        self._parts: dict[str, dict[int, Part]] = {}
        self._closed: dict[str, Owed | None] = {}

    def opening(self, reply: Reply) -> Sequence[Row]:
        self._open.setdefault(reply.turn, reply)
        return ()

    async def open(self, reply: Reply) -> None:
        if reply.turn not in self._closed:
            self._open.setdefault(reply.turn, reply)

    async def parts(self, turn: str) -> Sequence[Part]:
        return list(self._parts.get(turn, {}).values())

    async def sending(self, turn: str, part: Part) -> None:
        self._parts.setdefault(turn, {})[part.slot] = replace(part, state=State.SENDING)

    async def sent(self, turn: str, part: Part) -> None:
        self._parts.setdefault(turn, {})[part.slot] = part

    async def close(self, turn: str, owed: Owed | None) -> None:
        self._open.pop(turn, None)
        self._closed[turn] = owed

    async def owed(self, turn: str) -> Owed | None:
        return self._closed.get(turn)

    async def unfinished(self, *, running: bool = False) -> Sequence[Reply]:
        return list(self._open.values())


class StoredLedger:
    """In the outbox of a store. A delivery is a row of its own, number 0, before its messages';
    what is known of a message changes with every frame and stands in its row's receipt.
    """

    def __init__(self, rows: Deliveries) -> None:
        self._rows = rows

    def opening(self, reply: Reply) -> Sequence[Row]:
        content = {
            "bot": reply.bot,
            "place": write_place(reply.place),
            "at": reply.at,
            "lane": reply.lane,
            "person": reply.person,
        }
        return [Row(_key(reply.turn, 0), reply.turn, 0, content)]

    async def open(self, reply: Reply) -> None:
        await asyncio.wrap_future(self._rows.put(self.opening(reply)))

    async def parts(self, turn: str) -> Sequence[Part]:
        """What an earlier process was sending is of unknown outcome now."""

        def read() -> Sequence[Part]:
            rows = self._rows.of_turn(turn)
            for row in rows:
                if row.state is DeliveryState.SENDING:
                    self._rows.move(row.key, DeliveryState.UNKNOWN)
            return [Part.from_json(row.receipt) for row in rows if row.ordinal and row.receipt]

        return await asyncio.to_thread(read)

    async def sending(self, turn: str, part: Part) -> None:
        await self._note(turn, replace(part, state=State.SENDING), DeliveryState.SENDING)

    async def sent(self, turn: str, part: Part) -> None:
        await self._note(turn, part, _stands(part))

    async def close(self, turn: str, owed: Owed | None) -> None:
        told = {"owed": owed and owed.place, "on_request": bool(owed and owed.on_request)}
        await asyncio.wrap_future(self._rows.abandon(turn, told))

    async def owed(self, turn: str) -> Owed | None:
        row = await asyncio.to_thread(self._rows.find, _key(turn, 0))
        place = row.receipt.get("owed") if row else None
        if row is None or place is None:
            return None
        return Owed(place, bool(row.receipt.get("on_request")))

    async def unfinished(self, *, running: bool = False) -> Sequence[Reply]:
        rows = await asyncio.to_thread(self._rows.unsettled, running=running)
        return [_reply(row) for row in rows if row.ordinal == 0 and row.turn]

    async def _note(self, turn: str, part: Part, state: DeliveryState) -> None:
        """The store calls a send that is under way unknown when its turn ends. We know better."""
        key = _key(turn, part.slot)
        row = Row(key, turn, part.slot, {"form": part.form}, state, receipt=part.to_json())
        if not await asyncio.wrap_future(self._rows.note(row)):
            raise LaneLost(key)


def _key(turn: str, slot: int) -> str:
    return f"{turn}/{slot}"


def _stands(part: Part) -> DeliveryState:
    """A stream that is open is not settled: whoever finds it has to bring it to its end."""
    if part.open or (part.state is State.SENDING and part.doubtful):
        return DeliveryState.UNKNOWN
    if part.state is State.SENDING:
        return DeliveryState.FAILED
    return DeliveryState[part.state.name]


def _reply(row: Row) -> Reply:
    content = row.content
    bot, place = content["bot"], read_place(content["place"])
    lane = content.get("lane") or f"{bot}:{place.conversation}"
    return Reply(row.turn, place, content["at"], bot, lane, content.get("person", ""))
