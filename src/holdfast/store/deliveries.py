"""The outbox in a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    literal_column,
    select,
    true,
    update,
)

from .database import Database, dump, load
from .ports import MOVES, Delivery, DeliveryState, Fence, Json, TurnState
from .statements import OF_DELIVERY, Statements
from .tables import DELIVERIES, TURNS
from .writer import Work

_SETTLED: list[ColumnElement[str]] = [  # as the index has them
    literal_column("'delivered'"),
    literal_column("'abandoned'"),
]
_UNSETTLED = DELIVERIES.c.state.not_in(_SETTLED)
_UNSENT = and_(_UNSETTLED, DELIVERIES.c.state != DeliveryState.SENDING.value)

T = TypeVar("T")


class _Ready:
    """For databases that speak alike."""

    def __init__(self, database: Database) -> None:
        now = database.habits.now
        insert = database.habits.insert(DELIVERIES).values(updated=now)
        told = insert.excluded
        noted = insert.on_conflict_do_update(
            index_elements=[DELIVERIES.c.key],
            set_={
                "state": told.state,
                "receipt": told.receipt,
                "tries": DELIVERIES.c.tries + told.tries,
                "updated": now,
            },
            where=_UNSETTLED,
        )
        self.noted = database.prepare(noted.returning(DELIVERIES.c.key), OF_DELIVERY)
        abandoned = (
            update(DELIVERIES)
            .where(DELIVERIES.c.turn == bindparam("of_turn"), _UNSENT)
            .values(state=DeliveryState.ABANDONED.value, updated=now)
        )
        self.abandoned = database.prepare(abandoned)
        self.first_abandoned = database.prepare(
            abandoned.where(DELIVERIES.c.ordinal == 0).values(receipt=bindparam("note"))
        )
        of_turn = select(DELIVERIES).where(DELIVERIES.c.turn == bindparam("of_turn"))
        self.of_turn = database.prepare(of_turn.order_by(DELIVERIES.c.ordinal, DELIVERIES.c.key))
        self.by_key = database.prepare(
            select(DELIVERIES).where(DELIVERIES.c.key == bindparam("of_key"))
        )


class SqlDeliveries:
    """`ports.Deliveries`. `fences` are those of the turns that run in this process, by their id;
    the engine keeps them.
    """

    def __init__(self, database: Database, fences: Mapping[str, Fence]) -> None:
        self._database = database
        self._fences = fences
        self._now = database.habits.now
        statements, ready = database.prepared(Statements), database.prepared(_Ready)
        self._hold, self._new = statements.hold, statements.new_delivery
        self._noted, self._of_turn, self._by_key = ready.noted, ready.of_turn, ready.by_key
        self._abandoned, self._first_abandoned = ready.abandoned, ready.first_abandoned

    def put(self, deliveries: Sequence[Delivery]) -> Future[None]:
        rows = [row_of(delivery) for delivery in deliveries]
        return self._submit({d.turn for d in deliveries}, lambda c: self._new.run_each(c, rows))

    def note(self, delivery: Delivery) -> Future[bool]:
        row = row_of(delivery)
        # Without its outcome a send is one of unknown outcome: no reason to wait for a disk.
        hard = delivery.state is DeliveryState.SENDING

        def noted(connection: Connection) -> bool:
            return self._noted.scalar(connection, row) is not None

        return self._submit({delivery.turn}, noted, hard=hard)

    def abandon(self, turn_id: str, receipt: Json) -> Future[None]:
        row = {"of_turn": turn_id, "note": dump(receipt)}

        def work(connection: Connection) -> None:
            self._first_abandoned.run(connection, row)
            self._abandoned.run(connection, row)

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
        with self._database.read() as connection:
            row = self._by_key.first(connection, {"of_key": key})
        return None if row is None else _delivery(row)

    def of_turn(self, turn_id: str) -> Sequence[Delivery]:
        with self._database.read() as connection:
            return list(map(_delivery, self._of_turn.all(connection, {"of_turn": turn_id})))

    def unsettled(self, running: bool = False) -> Sequence[Delivery]:
        ended = TURNS.c.state.not_in((TurnState.WAITING.value, TurnState.RUNNING.value))
        query = (
            select(DELIVERIES)
            .join(TURNS, TURNS.c.id == DELIVERIES.c.turn)
            .where(_UNSETTLED, true() if running else ended)
            .order_by(TURNS.c.lane, TURNS.c.number, DELIVERIES.c.turn, DELIVERIES.c.ordinal)
        )
        with self._database.read() as connection:
            return list(map(_delivery, connection.execute(query)))

    def _submit(self, turns: Iterable[str], change: Work[T], *, hard: bool = True) -> Future[T]:
        """`change`, by the right of those of the turns that run in this process."""
        fences = [fence for turn in turns if (fence := self._fences.get(turn)) is not None]

        def work(connection: Connection) -> T:
            for fence in fences:
                self._hold(connection, fence)
            return change(connection)

        return self._database.write(work, hard, lane=fences[0].lane if fences else "")


def row_of(delivery: Delivery) -> dict[str, Any]:
    return {
        "key": delivery.key,
        "turn": delivery.turn,
        "ordinal": delivery.ordinal,
        "content": dump(delivery.content),
        "state": delivery.state.value,
        "tries": int(delivery.state is DeliveryState.SENDING),
        "receipt": dump(delivery.receipt),
    }


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.key,
        row.turn,
        row.ordinal,
        load(row.content),
        DeliveryState(row.state),
        row.tries,
        load(row.receipt),
        row.updated,
    )
