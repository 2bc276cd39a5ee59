"""Lanes and turns in a database: the statements behind `ports.Turns`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from .database import Database, dump
from .ports import (
    Begun,
    DeliveryState,
    Entry,
    Fence,
    LaneLost,
    Overloaded,
    Turn,
    TurnState,
)
from .tables import DELIVERIES, EVENTS, LANES, TURNS

STREAMED = ("text_added", "reasoning_added")  # kinds of events that only live readers need
PRUNED_AT_ONCE = 200  # turns in one transaction
ASTRAY = 60.0  # seconds by which a lease must end too late to be that of a clock since set back

_WAITING, _RUNNING = TurnState.WAITING.value, TurnState.RUNNING.value
_OPEN = TURNS.c.state.in_((_WAITING, _RUNNING))
_FRESH = and_(TURNS.c.state == _WAITING, TURNS.c.begun == 0)
_TURN: ColumnElement[str] = bindparam("of_turn")
_LANE: ColumnElement[str] = bindparam("of_lane")

_TOKEN = select(LANES.c.token).where(LANES.c.lane == _LANE)
_HELD_SHARED = _TOKEN.with_for_update(read=True)
_HELD = _TOKEN.with_for_update()
_BY_ID = select(TURNS).where(TURNS.c.id == _TURN)
_HEAD = select(TURNS).where(TURNS.c.lane == _LANE, _OPEN).order_by(TURNS.c.number).limit(1)
_LAST = select(func.coalesce(func.max(EVENTS.c.sequence), 0)).where(EVENTS.c.turn == _TURN)
_COUNT_WAITING = (
    select(func.count())
    .select_from(TURNS)
    .where(TURNS.c.lane == _LANE, _OPEN, TURNS.c.state == _WAITING)
)
_CHANGED = update(TURNS).where(TURNS.c.id == _TURN)
_BEGUN = _CHANGED.values(
    state=_RUNNING,
    begun=TURNS.c.begun + 1,
    reached=bindparam("now_reached"),
    killed=bindparam("now_killed"),
    stop=False,
)
_FAILED = _CHANGED.values(state=_WAITING, failed_as=bindparam("how"), failures=bindparam("times"))
_SENDING = update(DELIVERIES).where(
    DELIVERIES.c.turn == _TURN, DELIVERIES.c.state == DeliveryState.SENDING.value
)
_NEW: dict[str, Any] = {
    "state": _WAITING,
    "reached": 0,
    "killed": 0,
    "failed_as": "",
    "failures": 0,
    "stop": False,
    "forgotten": False,
    "pruned": False,
}
_NEW_LANE: dict[str, Any] = {"accepted": 1, "holder": None, "token": 0, "expires_at": 0.0}


class SqlTurns:
    """`ports.Turns` over any database that `Database` knows."""

    def __init__(self, database: Database) -> None:
        insert = database.habits.insert
        self._database = database
        self._now = database.habits.now
        self._count_turn = (
            insert(LANES)
            .on_conflict_do_update(
                index_elements=[LANES.c.lane], set_={"accepted": LANES.c.accepted + 1}
            )
            .returning(LANES.c.accepted)
        )
        self._new_lane = insert(LANES).on_conflict_do_nothing(index_elements=[LANES.c.lane])
        self._new_turn = (
            insert(TURNS).on_conflict_do_nothing(index_elements=[TURNS.c.id]).returning(TURNS.c.id)
        )
        self._new_events = insert(EVENTS).on_conflict_do_nothing(
            index_elements=[EVENTS.c.turn, EVENTS.c.sequence]
        )
        self._ended = _CHANGED.values(state=bindparam("to"), ended_at=self._now)
        self._absorbed = self._ended.values(absorbed_by=bindparam("into"))
        self._unknown_now = _SENDING.values(state=DeliveryState.UNKNOWN.value, updated=self._now)

    def accept(self, turn: Turn, lane_limit: int) -> Future[bool]:
        row = {"id": turn.id, "lane": turn.lane, "body": dump(turn.body)} | _NEW
        row |= {"begun": turn.begun, "accepted_at": turn.accepted_at}
        lane = {"lane": turn.lane} | _NEW_LANE

        def work(connection: Connection) -> bool:
            if (connection.scalar(_COUNT_WAITING, {"of_lane": turn.lane}) or 0) >= lane_limit:
                if connection.execute(_BY_ID, {"of_turn": turn.id}).first() is not None:
                    return False
                raise Overloaded(turn.lane)
            number = connection.scalar(self._count_turn, lane)  # one too many does no harm
            new = connection.execute(self._new_turn, row | {"number": number})
            return new.first() is not None

        return self._database.write(work, lane=turn.lane)

    def claim(
        self, lane: str, holder: str, lease: float, force: bool = False
    ) -> Future[Fence | None]:
        held = self._runs(lease).label("held")
        found = (
            select(LANES.c.token, LANES.c.holder, held).where(LANES.c.lane == lane)
        ).with_for_update()

        def work(connection: Connection) -> Fence | None:
            connection.execute(self._new_lane, {"lane": lane} | _NEW_LANE | {"accepted": 0})
            row = connection.execute(found).one()
            if row.held and row.holder not in (None, holder) and not force:
                return None
            taken = {"holder": holder, "token": row.token + 1, "expires_at": self._now + lease}
            connection.execute(update(LANES).where(LANES.c.lane == lane).values(taken))
            return Fence(lane, row.token + 1)

        return self._database.write(work, hard=False, lane=lane)

    def renew(self, fence: Fence, lease: float) -> Future[bool]:
        prolonged = update(LANES).where(_is_held(fence)).values(expires_at=self._now + lease)

        def work(connection: Connection) -> bool:
            return connection.execute(prolonged).rowcount == 1

        return self._database.write(work, hard=False, lane=fence.lane)

    def release(self, fence: Fence, only_idle: bool = False) -> Future[bool]:
        freed = (
            update(LANES)
            .where(_is_held(fence))
            .values(holder=None, token=fence.token + 1, expires_at=0.0)
        )

        def work(connection: Connection) -> bool:
            if only_idle:
                connection.execute(_HELD, {"of_lane": fence.lane})
                if connection.execute(_HEAD, {"of_lane": fence.lane}).first() is not None:
                    return False
            connection.execute(freed)
            return True

        return self._database.write(work, hard=False, lane=fence.lane)

    def begin(self, fence: Fence) -> Future[Begun | None]:
        def work(connection: Connection) -> Begun | None:
            hold(connection, fence, alone=True)
            row = connection.execute(_HEAD, {"of_lane": fence.lane}).first()
            if row is None:
                return None
            reached = killed = 0
            if row.begun:
                reached = connection.scalar(_LAST, {"of_turn": row.id}) or 0
                vanished = row.state == _RUNNING and reached == row.reached
                killed = row.killed + 1 if vanished else 0
                self._unknown(connection, row.id)
            begun = {"of_turn": row.id, "now_reached": reached, "now_killed": killed}
            connection.execute(_BEGUN, begun)
            return Begun(turn_of(row), reached, killed)

        return self._database.write(work, hard=False, lane=fence.lane)

    def append(
        self, fence: Fence, turn_id: str, entries: Sequence[Entry], hard: bool = False
    ) -> Future[None]:
        rows = [
            {
                "turn": turn_id,
                "sequence": entry.sequence,
                "kind": str(entry.event.get("type", "")),
                "event": dump(entry.event),
            }
            for entry in entries
        ]
        touched = update(LANES).where(LANES.c.lane == fence.lane).values(token=fence.token)

        def work(connection: Connection) -> None:
            hold(connection, fence)
            if rows:
                connection.execute(self._new_events, rows)
            else:  # a transaction that writes nothing would make nothing durable
                connection.execute(touched)

        return self._database.write(work, hard, fence.lane)

    def failed(self, fence: Fence, turn_id: str, how: str) -> Future[int]:
        def work(connection: Connection) -> int:
            hold(connection, fence)
            row = connection.execute(_BY_ID, {"of_turn": turn_id}).one()
            times = row.failures + 1 if row.failed_as == how else 1
            connection.execute(_FAILED, {"of_turn": turn_id, "how": how, "times": times})
            return times

        return self._database.write(work, lane=fence.lane)

    def pause(self, fence: Fence, turn_id: str) -> Future[None]:
        running = TURNS.c.state == _RUNNING
        put_back = update(TURNS).where(TURNS.c.id == turn_id, running).values(state=_WAITING)

        def work(connection: Connection) -> None:
            hold(connection, fence)
            connection.execute(put_back)
            self._unknown(connection, turn_id)

        return self._database.write(work, lane=fence.lane)

    def end(self, fence: Fence, turn_id: str, state: TurnState) -> Future[None]:
        def work(connection: Connection) -> None:
            hold(connection, fence)
            connection.execute(self._ended, {"of_turn": turn_id, "to": state.value})
            self._unknown(connection, turn_id)

        return self._database.write(work, hard=state is TurnState.PARKED, lane=fence.lane)

    def absorb(self, fence: Fence, turn_ids: Sequence[str], into: str) -> Future[Sequence[Turn]]:
        fresh = (
            select(TURNS)
            .where(TURNS.c.id.in_(turn_ids), TURNS.c.lane == fence.lane, _FRESH)
            .order_by(TURNS.c.number)
        )

        def work(connection: Connection) -> Sequence[Turn]:
            hold(connection, fence, alone=True)
            rows = connection.execute(fresh).all()
            for row in rows:
                ended = {"of_turn": row.id, "to": TurnState.ABSORBED.value, "into": into}
                connection.execute(self._absorbed, ended)
            return [turn_of(row) for row in rows]

        return self._database.write(work, lane=fence.lane)

    def ask_stop(self, lane: str) -> Future[str | None]:
        running = TURNS.c.state == _RUNNING

        def work(connection: Connection) -> str | None:
            asked = update(TURNS).where(TURNS.c.lane == lane, _OPEN, running).values(stop=True)
            row = connection.execute(asked.returning(TURNS.c.id)).first()
            return row.id if row else None

        return self._database.write(work, hard=False, lane=lane)

    def stops(self, fences: Sequence[Fence]) -> Sequence[str]:
        lanes = [fence.lane for fence in fences]
        query = select(TURNS.c.id).where(TURNS.c.lane.in_(lanes), _OPEN, TURNS.c.stop)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def waiting(self, lane: str) -> Sequence[Turn]:
        query = select(TURNS).where(TURNS.c.lane == lane, _OPEN, _FRESH)
        return self._turns(query.order_by(TURNS.c.number))

    def running(self, lane: str) -> Turn | None:
        query = select(TURNS).where(TURNS.c.lane == lane, _OPEN, TURNS.c.state == _RUNNING)
        return next(iter(self._turns(query)), None)

    def absorbed(self, into: str) -> Sequence[Turn]:
        query = select(TURNS).where(TURNS.c.absorbed_by == into).order_by(TURNS.c.number)
        return self._turns(query)

    def find(self, turn_id: str) -> tuple[Turn, TurnState] | None:
        with self._database.read() as connection:
            row = connection.execute(_BY_ID, {"of_turn": turn_id}).first()
        return None if row is None else (turn_of(row), TurnState(row.state))

    def events(self, turn_id: str, after: int = 0) -> Sequence[Entry]:
        query = (
            select(EVENTS.c.sequence, EVENTS.c.event)
            .where(EVENTS.c.turn == turn_id, EVENTS.c.sequence > after)
            .order_by(EVENTS.c.sequence)
        )
        with self._database.read() as connection:
            return [Entry(row.sequence, json.loads(row.event)) for row in connection.execute(query)]

    def open_lanes(self, unheld: float | None = None, limit: int | None = None) -> Sequence[str]:
        query = select(TURNS.c.lane).where(_OPEN)
        if unheld is not None:
            free = or_(LANES.c.holder.is_(None), ~self._runs(unheld))
            query = query.join(LANES, LANES.c.lane == TURNS.c.lane).where(free)
        query = query.group_by(TURNS.c.lane).order_by(func.min(TURNS.c.accepted_at), TURNS.c.lane)
        with self._database.read() as connection:
            return list(connection.scalars(query.limit(limit)))

    def count_waiting(self) -> int:
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).where(_OPEN, _FRESH)) or 0

    def prune(self, before: float) -> Future[int]:
        old = (
            select(TURNS.c.id)
            .where(TURNS.c.ended_at < before, TURNS.c.pruned.is_(False))
            .order_by(TURNS.c.ended_at)
            .limit(PRUNED_AT_ONCE)
        )

        def work(connection: Connection) -> int:
            ids = list(connection.scalars(old))
            drop = delete(EVENTS).where(EVENTS.c.turn.in_(ids), EVENTS.c.kind.in_(STREAMED))
            connection.execute(drop)
            connection.execute(update(TURNS).where(TURNS.c.id.in_(ids)).values(pruned=True))
            return len(ids)

        return self._database.write(work, hard=False)

    def delete(self, turn_id: str) -> Future[bool]:
        ended = select(TURNS.c.id).where(TURNS.c.id == turn_id, TURNS.c.ended_at.is_not(None))

        def work(connection: Connection) -> bool:
            ids = list(connection.scalars(ended))
            _drop(connection, ids)
            return bool(ids)

        return self._database.write(work)

    def drop(self, lanes: str, before: float) -> Future[int]:
        old = (
            select(TURNS.c.id)
            .where(TURNS.c.ended_at < before, _begins(TURNS.c.lane, lanes))
            .limit(PRUNED_AT_ONCE)
        )
        used = select(TURNS.c.id).where(TURNS.c.lane == LANES.c.lane).exists()
        empty = delete(LANES).where(_begins(LANES.c.lane, lanes), ~used)

        def work(connection: Connection) -> int:
            ids = list(connection.scalars(old))
            _drop(connection, ids)
            connection.execute(empty)
            return len(ids)

        return self._database.write(work, hard=False)

    def _runs(self, lease: float) -> ColumnElement[bool]:
        """Whether the lane's lease runs. One that ends later than any that is given now was given
        by a clock that has been set back, and its holder may be dead: fences keep two apart.
        """
        ends = LANES.c.expires_at
        return and_(ends > self._now, ends <= self._now + (lease + ASTRAY))

    def _turns(self, query: Select[Any]) -> Sequence[Turn]:
        with self._database.read() as connection:
            return [turn_of(row) for row in connection.execute(query)]

    def _unknown(self, connection: Connection, turn_id: str) -> None:
        """Whoever was sending is gone, and with it what came of it."""
        connection.execute(self._unknown_now, {"of_turn": turn_id})


def hold(connection: Connection, fence: Fence, alone: bool = False) -> None:
    """Keeps the lane from changing hands until this transaction ends. Raises LaneLost."""
    lock = _HELD if alone else _HELD_SHARED
    if connection.scalar(lock, {"of_lane": fence.lane}) != fence.token:
        raise LaneLost(fence.lane)


def _drop(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(EVENTS).where(EVENTS.c.turn.in_(ids)))
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.turn.in_(ids)))
    connection.execute(delete(TURNS).where(TURNS.c.id.in_(ids)))


def _begins(column: Column[str], words: str) -> ColumnElement[bool]:
    """In every database alike: what LIKE takes for the same letter differs."""
    return func.substr(column, 1, len(words)) == words


def _is_held(fence: Fence) -> Any:
    return and_(LANES.c.lane == fence.lane, LANES.c.token == fence.token)


def turn_of(row: Row[Any]) -> Turn:
    return Turn(row.id, row.lane, json.loads(row.body), row.accepted_at, row.begun)
