"""Lanes and turns in a database: the statements behind `ports.Turns`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from .database import Database, dump, load
from .deliveries import row_of
from .ports import (
    ENDED,
    Begun,
    Delivery,
    Entry,
    Fence,
    Overloaded,
    Taken,
    Turn,
    TurnState,
)
from .statements import (
    ABSORBED,
    BY_ID,
    COUNT_FRESH,
    DROPPED,
    EMPTY_LANES,
    ENTRY,
    FAILED,
    FRESH,
    HAS_ENDED,
    HELD_ALONE,
    OLD,
    OLD_IN,
    PAUSED,
    RUNS,
    STOPPED,
    STOPPED_BEGUN,
    STREAMED,
    UNPRUNED,
    Statements,
    begins,
    is_fresh,
    is_open,
)
from .tables import EVENTS, LANES, NAMES, TURNS

_NEW_TURN: dict[str, Any] = {
    "new_state": TurnState.WAITING.value,
    "new_ended_at": None,
    "new_absorbed_by": None,
    "new_reached": 0,
    "new_killed": 0,
    "new_failed_as": "",
    "new_failures": 0,
    "new_stop": False,
    "new_forgotten": False,
    "new_pruned": False,
}
_NEW_LANE: dict[str, Any] = {"accepted": 1, "holder": None, "token": 0, "expires_at": 0.0}


class SqlTurns:
    """`ports.Turns` over any database that `Database` knows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = database.prepared(Statements)

    def accept(
        self, turn: Turn, lane_limit: int, deliveries: Sequence[Delivery] = ()
    ) -> Future[bool]:
        accept = self._acceptance(turn, lane_limit, deliveries)
        return self._database.write(accept, lane=turn.lane)

    def start(
        self, turn: Turn, lane_limit: int, holder: str, deliveries: Sequence[Delivery] = ()
    ) -> Future[Taken | None]:
        accept, lane = self._acceptance(turn, lane_limit, deliveries), turn.lane

        def work(connection: Connection) -> Taken | None:
            if not accept(connection):
                return None
            fence = self._claim(connection, lane, holder, 0.0, True)
            assert fence is not None, "it was forced"
            return Taken(fence, self._begin(connection, lane, turn))

        return self._database.write(work, lane=lane)

    def _acceptance(
        self, turn: Turn, lane_limit: int, deliveries: Sequence[Delivery]
    ) -> Callable[[Connection], bool]:
        row = _row(turn) | {"lane_limit": lane_limit}
        lane = {"lane": turn.lane} | _NEW_LANE
        replies = list(map(row_of, deliveries))

        def work(connection: Connection) -> bool:
            made = self._statements
            number = made.count_turn.scalar(connection, lane)
            if made.new_turn.scalar(connection, row | {"new_number": number}) is not None:
                made.new_delivery.run_each(connection, replies)
                return True
            if made.by_id.first(connection, {"of_turn": turn.id}) is not None:
                return False
            raise Overloaded(turn.lane)

        return work

    def keep(
        self,
        turn: Turn,
        entries: Sequence[Entry],
        state: TurnState = TurnState.DONE,
        hard: bool = False,
    ) -> Future[None]:
        over = state in ENDED
        row = _row(turn) | {"new_number": 1, "new_state": state.value, "new_begun": turn.begun + 1}
        events = _rows(turn.id, entries)

        def work(connection: Connection) -> None:
            made = self._statements
            if not made.kept_turn.run(connection, row | {"over": over}) and over:
                made.ended.run(connection, {"of_turn": turn.id, "to": state.value})
            if not over:
                made.own_lane.run(connection, {"of_lane": turn.lane})
            if events:
                made.new_events.run_each(connection, events)

        return self._database.write(work, hard, turn.lane)

    def name(self, turn_id: str, names: Sequence[str]) -> Future[None]:
        new = self._database.habits.insert(NAMES)
        given = new.on_conflict_do_update(
            index_elements=[NAMES.c.name], set_={"turn": new.excluded.turn}
        )
        rows = [{"name": name, "turn": turn_id} for name in names]

        def work(connection: Connection) -> None:
            for row in rows:  # as in Prepared.run_each
                connection.execute(given, row)

        return self._database.write(work, hard=False)

    def named(self, name: str) -> str | None:
        with self._database.read() as connection:
            return connection.scalar(select(NAMES.c.turn).where(NAMES.c.name == name))

    def claim(
        self, lane: str, holder: str, lease: float, force: bool = False
    ) -> Future[Fence | None]:
        def work(connection: Connection) -> Fence | None:
            return self._claim(connection, lane, holder, lease, force)

        return self._database.write(work, hard=False, lane=lane)

    def take(
        self, lane: str, holder: str, lease: float, force: bool = False
    ) -> Future[Taken | None]:
        def work(connection: Connection) -> Taken | None:
            fence = self._claim(connection, lane, holder, lease, force)
            return Taken(fence, self._begin(connection, lane)) if fence else None

        return self._database.write(work, hard=False, lane=lane)

    def renew(self, fence: Fence, lease: float) -> Future[bool]:
        given = {"of_lane": fence.lane, "of_token": fence.token, "lease": lease}

        def work(connection: Connection) -> bool:
            return self._statements.renewed.run(connection, given) == 1

        return self._database.write(work, hard=False, lane=fence.lane)

    def release(self, fence: Fence, only_idle: bool = False) -> Future[bool]:
        def work(connection: Connection) -> bool:
            if only_idle:
                connection.execute(HELD_ALONE, {"of_lane": fence.lane})
                if self._statements.next.first(connection, {"of_lane": fence.lane}) is not None:
                    return False
            self._statements.freed.run(connection, _mine(fence))
            return True

        return self._database.write(work, hard=False, lane=fence.lane)

    def begin(self, fence: Fence, or_release: bool = False) -> Future[Begun | None]:
        def work(connection: Connection) -> Begun | None:
            self._statements.hold(connection, fence, alone=True)
            begun = self._begin(connection, fence.lane)
            if begun is None and or_release:
                self._statements.freed.run(connection, _mine(fence))
            return begun

        return self._database.write(work, hard=False, lane=fence.lane)

    def append(
        self, fence: Fence, turn_id: str, entries: Sequence[Entry], hard: bool = False
    ) -> Future[None]:
        rows = _rows(turn_id, entries)

        def work(connection: Connection) -> None:
            self._statements.hold(connection, fence)
            if rows:
                self._statements.new_events.run_each(connection, rows)
            else:  # a transaction that writes nothing would make nothing durable
                self._statements.touched.run(connection, _mine(fence))

        return self._database.write(work, hard, fence.lane)

    def failed(self, fence: Fence, turn_id: str, how: str) -> Future[int]:
        def work(connection: Connection) -> int:
            self._statements.hold(connection, fence)
            row = connection.execute(BY_ID, {"of_turn": turn_id}).one()
            times = row.failures + 1 if row.failed_as == how else 1
            connection.execute(FAILED, {"of_turn": turn_id, "how": how, "times": times})
            return times

        return self._database.write(work, lane=fence.lane)

    def pause(self, fence: Fence, turn_id: str) -> Future[None]:
        def work(connection: Connection) -> None:
            self._statements.hold(connection, fence)
            connection.execute(PAUSED, {"of_turn": turn_id})
            self._unknown(connection, turn_id)

        return self._database.write(work, lane=fence.lane)

    def end(
        self,
        fence: Fence,
        turn_id: str,
        state: TurnState,
        entries: Sequence[Entry] = (),
        hard: bool = False,
    ) -> Future[None]:
        rows = _rows(turn_id, entries)

        def work(connection: Connection) -> None:
            self._statements.hold(connection, fence)
            if rows:
                self._statements.new_events.run_each(connection, rows)
            self._statements.ended.run(connection, {"of_turn": turn_id, "to": state.value})
            self._unknown(connection, turn_id)

        return self._database.write(work, hard, lane=fence.lane)

    def absorb(self, fence: Fence, turn_ids: Sequence[str], into: str) -> Future[Sequence[Turn]]:
        fresh = (
            select(TURNS)
            .where(TURNS.c.id.in_(turn_ids), TURNS.c.lane == fence.lane, is_fresh(TURNS))
            .order_by(TURNS.c.number)
        )

        def work(connection: Connection) -> Sequence[Turn]:
            self._statements.hold(connection, fence, alone=True)
            rows = connection.execute(fresh).all()
            for row in rows:
                ended = {"of_turn": row.id, "to": TurnState.ABSORBED.value, "into": into}
                connection.execute(self._statements.absorbed, ended)
            return [turn_of(row) for row in rows]

        return self._database.write(work, lane=fence.lane)

    def ask_stop(
        self, lane: str, waiting: bool = False, only: str | None = None
    ) -> Future[Sequence[str]]:
        stopped = STOPPED if waiting else STOPPED_BEGUN
        if only is not None:
            stopped = stopped.where(TURNS.c.id == only)

        def work(connection: Connection) -> Sequence[str]:
            return list(connection.scalars(stopped, {"of_lane": lane}))

        return self._database.write(work, hard=False, lane=lane)

    def stops(self, fences: Sequence[Fence]) -> Sequence[str]:
        lanes = [fence.lane for fence in fences]
        query = select(TURNS.c.id).where(TURNS.c.lane.in_(lanes), is_open(TURNS), TURNS.c.stop)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def waiting(self, lane: str) -> Sequence[Turn]:
        return self._turns(FRESH, of_lane=lane)

    def running(self, lane: str) -> Turn | None:
        return next(iter(self._turns(RUNS, of_lane=lane)), None)

    def absorbed(self, into: str) -> Sequence[Turn]:
        return self._turns(ABSORBED, of_turn=into)

    def find(self, turn_id: str) -> tuple[Turn, TurnState] | None:
        with self._database.read() as connection:
            row = self._statements.by_id.first(connection, {"of_turn": turn_id})
        return None if row is None else (turn_of(row), TurnState(row.state))

    def events(self, turn_id: str, after: int = 0, *, media: bool = True) -> Sequence[Entry]:
        asked = {"of_turn": turn_id, "after": after}
        journal = self._statements.journal if media else self._statements.words
        with self._database.read() as connection:
            rows = journal.all(connection, asked)
        return [Entry(row.sequence, load(row.event)) for row in rows]

    def event(self, turn_id: str, sequence: int) -> Entry | None:
        with self._database.read() as connection:
            event = connection.scalar(ENTRY, {"of_turn": turn_id, "sequence": sequence})
        return None if event is None else Entry(sequence, load(event))

    def open_lanes(self, unheld: float | None = None, limit: int | None = None) -> Sequence[str]:
        query, given = select(TURNS.c.lane).where(is_open(TURNS)), {}
        if unheld is not None:
            query = query.join(LANES, LANES.c.lane == TURNS.c.lane).where(self._statements.unheld)
            given = {"lease": unheld}
        query = query.group_by(TURNS.c.lane).order_by(func.min(TURNS.c.accepted_at), TURNS.c.lane)
        with self._database.read() as connection:
            return list(connection.scalars(query.limit(limit), given))

    def count_waiting(self) -> int:
        with self._database.read() as connection:
            return connection.scalar(COUNT_FRESH) or 0

    def prune(self, before: float) -> Future[int]:
        def work(connection: Connection) -> int:
            ids = list(connection.scalars(UNPRUNED, {"before": before}))
            drop = delete(EVENTS).where(EVENTS.c.turn.in_(ids), EVENTS.c.kind.in_(STREAMED))
            connection.execute(drop)
            connection.execute(update(TURNS).where(TURNS.c.id.in_(ids)).values(pruned=True))
            return len(ids)

        return self._database.write(work, hard=False)

    def delete(self, turn_id: str) -> Future[bool]:
        def work(connection: Connection) -> bool:
            ids = list(connection.scalars(HAS_ENDED, {"of_turn": turn_id}))
            _drop(connection, ids)
            return bool(ids)

        return self._database.write(work)

    def drop(self, lanes: str, before: float) -> Future[int]:
        old = OLD_IN.where(begins(TURNS.c.lane, lanes)) if lanes else OLD

        def work(connection: Connection) -> int:
            rows = connection.execute(old, {"before": before}).all()
            _drop(connection, [row.id for row in rows])
            if lanes:
                connection.execute(EMPTY_LANES, {"lanes": [row.lane for row in rows]})
            return len(rows)

        return self._database.write(work, hard=False)

    def give_back(self) -> Future[bool]:
        return self._database.write(self._database.habits.give_back, hard=False)

    def _turns(self, query: Select[Any], **asked: str) -> Sequence[Turn]:
        with self._database.read() as connection:
            return [turn_of(row) for row in connection.execute(query, asked)]

    def _claim(
        self, connection: Connection, lane: str, holder: str, lease: float, force: bool
    ) -> Fence | None:
        given = {"of_lane": lane, "by": holder, "lease": lease}
        token = self._statements.claimed.scalar(connection, given | {"force": force})
        if token is None:  # another holds it, or nothing was ever said in it
            token = self._statements.first_claim.scalar(connection, given)
        return None if token is None else Fence(lane, token)

    def _begin(self, connection: Connection, lane: str, known: Turn | None = None) -> Begun | None:
        """Whoever calls this has the lane's row to itself. A turn that is known is not read."""
        row = self._statements.begun.first(connection, {"of_lane": lane})
        if row is None:
            return None
        turn = known if known and known.id == row.id else turn_of(row)
        earlier = replace(turn, begun=row.begun - 1, stop=bool(row.stop))
        if earlier.begun:
            self._unknown(connection, turn.id)
        return Begun(earlier, row.reached, row.killed)

    def _unknown(self, connection: Connection, turn_id: str) -> None:
        """Whoever was sending is gone, and with it what came of it."""
        self._statements.unknown.run(connection, {"of_turn": turn_id})


def _mine(fence: Fence) -> dict[str, Any]:
    return {"of_lane": fence.lane, "of_token": fence.token}


def _row(turn: Turn) -> dict[str, Any]:
    told = {"id": turn.id, "lane": turn.lane, "body": dump(turn.body), "begun": turn.begun}
    told |= {"accepted_at": turn.accepted_at}
    return _NEW_TURN | {f"new_{name}": value for name, value in told.items()}


def _rows(turn_id: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "turn": turn_id,
            "sequence": entry.sequence,
            "kind": str(entry.event.get("type", "")),
            "event": dump(entry.event),
        }
        for entry in entries
    ]


def _drop(connection: Connection, ids: Sequence[str]) -> None:
    if ids:
        for dropped in DROPPED:
            connection.execute(dropped, {"ids": ids})


def turn_of(row: Any) -> Turn:
    body, stop = load(row.body), bool(row.stop)
    return Turn(row.id, row.lane, body, row.accepted_at, row.begun, stop)
