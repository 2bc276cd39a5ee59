"""The outbox in a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, select, true, update

from .database import Database, dump
from .ports import MOVES, Delivery, DeliveryState, Fence, Json, TurnState
from .tables import DELIVERIES, TURNS
from .turns import hold
from .writer import Work

_UNSETTLED = DELIVERIES.c.state.not_in(("delivered", "abandoned"))
_UNSENT = DELIVERIES.c.state.not_in(("delivered", "abandoned", "sending"))

T = TypeVar("T")


class SqlDeliveries:
    """`ports.Deliveries`. `fences` are those of the turns that run in this process, by their id;
    the engine keeps them.
    """

    def __init__(self, database: Database, fences: Mapping[str, Fence]) -> None:
        self._database = database
        self._fences = fences
        self._now = database.habits.now
        insert = database.habits.insert(DELIVERIES).values(updated=self._now)
        self._new = insert.on_conflict_do_nothing(index_elements=[DELIVERIES.c.key])
        told = insert.excluded
        self._noted = insert.on_conflict_do_update(
            index_elements=[DELIVERIES.c.key],
            set_={
                "state": told.state,
                "receipt": told.receipt,
                "tries": DELIVERIES.c.tries + told.tries,
                "updated": self._now,
            },
            where=_UNSETTLED,
        ).returning(DELIVERIES.c.key)
        self._abandoned = (
            update(DELIVERIES)
            .where(DELIVERIES.c.turn == bindparam("of_turn"), _UNSENT)
            .values(state=DeliveryState.ABANDONED.value, updated=self._now)
        )
        self._first_abandoned = self._abandoned.where(DELIVERIES.c.ordinal == 0).values(
            receipt=bindparam("note")
        )

    def put(self, deliveries: Sequence[Delivery]) -> Future[None]:
        rows = [_row(delivery) for delivery in deliveries]
        return self._submit(
            {d.turn for d in deliveries}, lambda c: _done(c.execute(self._new, rows))
        )

    def note(self, delivery: Delivery) -> Future[bool]:
        row = _row(delivery)
        return self._submit(
            {delivery.turn}, lambda c: c.execute(self._noted, row).first() is not None
        )

    def abandon(self, turn_id: str, receipt: Json) -> Future[None]:
        row = {"of_turn": turn_id, "note": dump(receipt)}

        def work(connection: Connection) -> None:
            connection.execute(self._first_abandoned, row)
            connection.execute(self._abandoned, {"of_turn": turn_id})

        return self._submit({turn_id}, work)

    def move(self, key: str, to: DeliveryState, receipt: Json | None = None) -> bool:
        found = self.find(key)
        if found is None:
            return False
        origins = [state.value for state, ways in MOVES.items() if to in ways]
        change: dict[str, Any] = {"state": to.value, "updated": self._now}
        if to is DeliveryState.SENDING:
            change["tries"] = DELIVERIES.c.tries + 1
        if receipt is not None:
            change["receipt"] = dump(receipt)
        moved = (
            update(DELIVERIES)
            .where(DELIVERIES.c.key == key, DELIVERIES.c.state.in_(origins))
            .values(change)
        )
        return self._submit({found.turn}, lambda c: c.execute(moved).rowcount == 1).result()

    def find(self, key: str) -> Delivery | None:
        return next(iter(self._all(select(DELIVERIES).where(DELIVERIES.c.key == key))), None)

    def of_turn(self, turn_id: str) -> Sequence[Delivery]:
        query = select(DELIVERIES).where(DELIVERIES.c.turn == turn_id)
        return self._all(query.order_by(DELIVERIES.c.ordinal, DELIVERIES.c.key))

    def unsettled(self, running: bool = False) -> Sequence[Delivery]:
        ended = TURNS.c.state.not_in((TurnState.WAITING.value, TurnState.RUNNING.value))
        query = (
            select(DELIVERIES)
            .join(TURNS, TURNS.c.id == DELIVERIES.c.turn)
            .where(_UNSETTLED, true() if running else ended)
            .order_by(TURNS.c.lane, TURNS.c.number, DELIVERIES.c.turn, DELIVERIES.c.ordinal)
        )
        return self._all(query)

    def _submit(self, turns: Iterable[str], change: Work[T]) -> Future[T]:
        """`change`, by the right of those of the turns that run in this process."""
        fences = [fence for turn in turns if (fence := self._fences.get(turn)) is not None]

        def work(connection: Connection) -> T:
            for fence in fences:
                hold(connection, fence)
            return change(connection)

        return self._database.write(work, lane=fences[0].lane if fences else "")

    def _all(self, query: Select[Any]) -> Sequence[Delivery]:
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query)]


def _done(_: object) -> None:
    """Nobody asks how many there were."""


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "key": delivery.key,
        "turn": delivery.turn,
        "ordinal": delivery.ordinal,
        "content": dump(delivery.content),
        "state": delivery.state.value,
        "tries": int(delivery.state is DeliveryState.SENDING),
        "receipt": dump(delivery.receipt),
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.key,
        row.turn,
        row.ordinal,
        json.loads(row.content),
        DeliveryState(row.state),
        row.tries,
        json.loads(row.receipt),
        row.updated,
    )
