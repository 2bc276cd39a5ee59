"""The outbox in a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, or_, select, true, update

from .database import Database, dump
from .ports import MOVES, Delivery, DeliveryState, Fence, Json, TurnState
from .tables import DELIVERIES, TURNS
from .turns import hold
from .writer import Work

_UNSETTLED = DELIVERIES.c.state.not_in(("delivered", "abandoned"))


class SqlDeliveries:
    """`ports.Deliveries`. `fences` are those of the turns that run in this process, by their id;
    the engine keeps them.
    """

    def __init__(self, database: Database, fences: Mapping[str, Fence]) -> None:
        self._database = database
        self._fences = fences
        self._now = database.habits.now

    def put(self, deliveries: Sequence[Delivery]) -> None:
        new = self._database.habits.insert(DELIVERIES).on_conflict_do_nothing(
            index_elements=[DELIVERIES.c.key]
        )
        for turn in dict.fromkeys(delivery.turn for delivery in deliveries):
            rows = [
                {
                    "key": delivery.key,
                    "turn": turn,
                    "ordinal": delivery.ordinal,
                    "content": dump(delivery.content),
                    "state": DeliveryState.PENDING.value,
                    "tries": 0,
                    "receipt": "{}",
                }
                for delivery in deliveries
                if delivery.turn == turn
            ]
            self._write(turn, partial(_add, new.values(updated=self._now), rows))

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
        return self._write(found.turn, lambda c: c.execute(moved).rowcount == 1)

    def find(self, key: str) -> Delivery | None:
        return next(iter(self._all(select(DELIVERIES).where(DELIVERIES.c.key == key))), None)

    def of_turn(self, turn_id: str) -> Sequence[Delivery]:
        query = select(DELIVERIES).where(DELIVERIES.c.turn == turn_id)
        return self._all(query.order_by(DELIVERIES.c.ordinal, DELIVERIES.c.key))

    def unsettled(self, running: bool = False) -> Sequence[Delivery]:
        ended = TURNS.c.state.not_in((TurnState.WAITING.value, TurnState.RUNNING.value))
        query = (
            select(DELIVERIES)
            .outerjoin(TURNS, TURNS.c.id == DELIVERIES.c.turn)
            .where(_UNSETTLED, true() if running else or_(TURNS.c.id.is_(None), ended))
            .order_by(TURNS.c.lane, TURNS.c.number, DELIVERIES.c.turn, DELIVERIES.c.ordinal)
        )
        return self._all(query)

    def _write(self, turn: str, change: Work[bool]) -> bool:
        fence = self._fences.get(turn)

        def work(connection: Connection) -> bool:
            if fence is not None:
                hold(connection, fence)
            return change(connection)

        return self._database.write(work, lane=fence.lane if fence else "").result()

    def _all(self, query: Select[Any]) -> Sequence[Delivery]:
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query)]


def _add(new: Insert, rows: Sequence[Mapping[str, Any]], connection: Connection) -> bool:
    return connection.execute(new, rows).rowcount > 0


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
