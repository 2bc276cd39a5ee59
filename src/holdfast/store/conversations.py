"""What is remembered between turns, in a database: settings, history, pairings, notes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Text,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from .database import Database, dump, load
from .ports import ENDED, Json, Pairing, Recalled, Remembered, Turn, TurnState
from .prepared import Prepared
from .statements import MEDIA
from .tables import CONVERSATIONS, DELIVERIES, EVENTS, NOTES, PAIRINGS, TURNS
from .turns import turn_of

SPOKEN = ("asked", "step_ended", "tool_answered")  # kinds of events whose "message" is history
NEWEST = 8  # media that a history has
REACH = 2048  # messages: every turn reads its history, which may have become years long

_LANE: ColumnElement[str] = bindparam("of_lane", type_=Text)
_MOST: ColumnElement[int] = bindparam("most", type_=Integer)
_SINCE = func.coalesce(  # the number of the last turn before the conversation began anew
    select(CONVERSATIONS.c.since).where(CONVERSATIONS.c.lane == _LANE).scalar_subquery(), 0
)
_SETTINGS = select(CONVERSATIONS.c.settings).where(CONVERSATIONS.c.lane == _LANE)
_HISTORY = (
    select(
        TURNS.c.number,
        EVENTS.c.turn,
        EVENTS.c.sequence,
        case((EVENTS.c.kind == MEDIA, ""), else_=EVENTS.c.event).label("event"),
    )
    .join(TURNS, TURNS.c.id == EVENTS.c.turn)
    .where(
        TURNS.c.lane == _LANE,
        TURNS.c.state == TurnState.DONE.value,
        TURNS.c.forgotten.is_(False),
        TURNS.c.number > _SINCE,
        or_(*(EVENTS.c.kind == kind for kind in (*SPOKEN, MEDIA))),
    )
    .order_by(TURNS.c.number.desc(), EVENTS.c.sequence.desc())
    .limit(REACH)
)
_EVENT = select(EVENTS.c.event).where(
    EVENTS.c.turn == bindparam("of_turn", type_=Text),
    EVENTS.c.sequence == bindparam("at", type_=BigInteger),
)
_RECENT = (
    select(TURNS)
    .where(
        TURNS.c.lane == _LANE,
        or_(TURNS.c.state == TurnState.DONE.value, TURNS.c.state == TurnState.PARKED.value),
    )
    .order_by(TURNS.c.number.desc())
    .limit(_MOST)
)
_KEPT = _RECENT.where(TURNS.c.forgotten.is_(False), TURNS.c.number > _SINCE)
_RECEIPTS = _KEPT.with_only_columns(
    TURNS.c.id,
    select(DELIVERIES.c.receipt)
    .where(DELIVERIES.c.turn == TURNS.c.id, DELIVERIES.c.ordinal == 0)
    .limit(1)
    .scalar_subquery()
    .label("receipt"),
)
_NOTES = select(EVENTS.c.turn, EVENTS.c.event).where(
    EVENTS.c.turn.in_(_KEPT.with_only_columns(TURNS.c.id)), EVENTS.c.kind == "noted"
)


def _ready(database: Database) -> list[Prepared]:
    asked = (_SETTINGS, _HISTORY, _EVENT, _RECENT, _KEPT, _RECEIPTS, _NOTES)
    return [database.prepare(statement) for statement in asked]


class SqlConversations:
    """`ports.Conversations`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.habits.insert
        ready = database.prepared(_ready)
        self._settings, self._history, self._event, *others = ready
        self._recent, self._kept, self._receipts, self._notes = others

    def recall(self, lane: str, limit: int) -> Future[Remembered]:
        asked = {"of_lane": lane, "most": limit}

        def work(connection: Connection) -> Remembered:
            notes: dict[str, list[Json]] = {}
            for row in self._notes.all(connection, asked):
                notes.setdefault(row.turn, []).append(load(row.event))
            recent = [
                Recalled(row.id, load(row.receipt or "{}"), notes.get(row.id, ()))
                for row in self._receipts.all(connection, asked)
            ]
            settings = self._settings_of(connection, lane)
            return Remembered(settings, self._history_of(connection, lane), recent)

        return self._database.look(work)

    def settings(self, lane: str) -> Json:
        with self._database.read() as connection:
            return self._settings_of(connection, lane)

    def change(self, lane: str, changes: Json) -> Json:
        def work(connection: Connection) -> Json:
            merged = {**self._settings_of(connection, lane), **changes}
            kept = {name: value for name, value in merged.items() if value is not None}
            self._keep(connection, lane, settings=dump(kept))
            return kept

        return self._database.write(work, lane=lane).result()

    def reset(self, lane: str) -> None:
        begun = select(func.coalesce(func.max(TURNS.c.number), 0)).where(
            TURNS.c.lane == lane, TURNS.c.state.in_([state.value for state in ENDED])
        )

        def work(connection: Connection) -> None:
            self._keep(connection, lane, since=connection.scalar(begun))

        self._database.write(work, lane=lane).result()

    def history(self, lane: str) -> Sequence[Json]:
        with self._database.read() as connection:
            return self._history_of(connection, lane)

    def recent(self, lane: str, limit: int = 10, *, kept: bool = False) -> Sequence[Turn]:
        query = self._kept if kept else self._recent
        with self._database.read() as connection:
            return list(map(turn_of, query.all(connection, {"of_lane": lane, "most": limit})))

    def forget(self, turn_id: str) -> None:
        gone = update(TURNS).where(TURNS.c.id == turn_id).values(forgotten=True)
        self._database.write(lambda c: bool(c.execute(gone))).result()

    def _settings_of(self, connection: Connection, lane: str) -> Json:
        found: Json = load(self._settings.scalar(connection, {"of_lane": lane}) or "{}")
        return found

    def _history_of(self, connection: Connection, lane: str) -> Sequence[Json]:
        rows = self._history.all(connection, {"of_lane": lane})
        first = _first_shown([row.number for row in rows])
        kept = [row for row in reversed(rows) if row.number >= first]
        large = [row for row in kept if not row.event][-NEWEST:]
        events = {
            (row.turn, row.sequence): self._event.scalar(
                connection, {"of_turn": row.turn, "at": row.sequence}
            )
            for row in large
        }
        told = (row.event or events.get((row.turn, row.sequence)) for row in kept)
        spoken = (load(event).get("message") for event in told if event)
        return [message for message in spoken if message]

    def _keep(self, connection: Connection, lane: str, **values: Any) -> None:
        row = {"lane": lane, "settings": "{}", "since": 0} | values
        new = self._insert(CONVERSATIONS).values(row)
        connection.execute(
            new.on_conflict_do_update(index_elements=[CONVERSATIONS.c.lane], set_=values)
        )


class SqlPairings:
    """`ports.Pairings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def offer(self, bot: str, person: str, code: str, now: float, valid: float) -> Pairing:
        new = Pairing(code.upper(), bot, person, False, now)
        mine = (PAIRINGS.c.bot == bot) & (PAIRINGS.c.person == person)

        def work(connection: Connection) -> Pairing:
            row = connection.execute(select(PAIRINGS).where(mine)).first()
            if row is not None and (row.approved or row.offered_at + valid > now):
                return _pairing(row)
            too_old = PAIRINGS.c.approved.is_(False) & (PAIRINGS.c.offered_at + valid <= now)
            connection.execute(delete(PAIRINGS).where(PAIRINGS.c.bot == bot, too_old))
            connection.execute(
                PAIRINGS.insert().values(
                    bot=bot, person=person, code=new.code, approved=False, offered_at=now
                )
            )
            return new

        return self._database.write(work).result()

    def approve(self, code: str, now: float, valid: float) -> Pairing | None:
        approved = (
            update(PAIRINGS)
            .where(PAIRINGS.c.code == code.upper(), PAIRINGS.c.offered_at + valid > now)
            .values(approved=True)
            .returning(PAIRINGS)
        )

        def work(connection: Connection) -> Pairing | None:
            row = connection.execute(approved).first()
            return None if row is None else _pairing(row)

        return self._database.write(work).result()

    def approved(self, bot: str, person: str) -> bool:
        query = select(PAIRINGS.c.approved).where(
            PAIRINGS.c.bot == bot, PAIRINGS.c.person == person
        )
        with self._database.read() as connection:
            return bool(connection.scalar(query))

    def all(self) -> Sequence[Pairing]:
        query = select(PAIRINGS).order_by(PAIRINGS.c.offered_at.desc(), PAIRINGS.c.code)
        with self._database.read() as connection:
            return [_pairing(row) for row in connection.execute(query)]

    def remove(self, bot: str, person: str) -> bool:
        gone = delete(PAIRINGS).where(PAIRINGS.c.bot == bot, PAIRINGS.c.person == person)
        return self._database.write(lambda c: c.execute(gone).rowcount == 1).result()


class SqlNotes:
    """`ports.Notes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Json | None:
        with self._database.read() as connection:
            value = connection.scalar(select(NOTES.c.value).where(NOTES.c.key == key))
        return None if value is None else load(value) or None

    def put(self, key: str, value: Json | None) -> None:
        if value is None:
            gone = delete(NOTES).where(NOTES.c.key == key)
            self._database.write(lambda c: bool(c.execute(gone))).result()
            return
        new = self._database.habits.insert(NOTES).values(key=key, value=dump(value))
        kept = new.on_conflict_do_update(
            index_elements=[NOTES.c.key], set_={"value": new.excluded.value}
        )
        self._database.write(lambda c: bool(c.execute(kept))).result()


def _first_shown(numbers: Sequence[int]) -> int:
    """The turn that a history begins with, of the `numbers` of those whose messages were read, the
    newest first. Where there are older ones it stays the same for many turns: what was made of
    the beginning, as a summary, is found by it.
    """
    if len(numbers) < REACH:
        return 0
    newest, oldest = numbers[0], numbers[-1]
    stride = 1 << ((newest - oldest) // 4).bit_length()
    return min(newest, (oldest // stride + 1) * stride)


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(row.code, row.bot, row.person, row.approved, row.offered_at)
