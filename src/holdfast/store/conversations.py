"""What is remembered between turns, in a database: settings, history, pairings, notes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from .database import Database, dump
from .ports import Json, Pairing, Turn, TurnState
from .tables import CONVERSATIONS, EVENTS, NOTES, PAIRINGS, TURNS
from .turns import turn_of

SPOKEN = ("asked", "step_ended", "tool_answered")  # kinds of events whose "message" is history


class SqlConversations:
    """`ports.Conversations`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.habits.insert

    def settings(self, lane: str) -> Json:
        with self._database.read() as connection:
            return _settings(connection, lane)

    def change(self, lane: str, changes: Json) -> Json:
        def work(connection: Connection) -> Json:
            merged = {**_settings(connection, lane), **changes}
            kept = {name: value for name, value in merged.items() if value is not None}
            self._keep(connection, lane, settings=dump(kept))
            return kept

        return self._database.write(work, lane=lane).result()

    def reset(self, lane: str) -> None:
        begun = select(func.coalesce(func.max(TURNS.c.number), 0)).where(
            TURNS.c.lane == lane, TURNS.c.state != TurnState.WAITING.value
        )

        def work(connection: Connection) -> None:
            self._keep(connection, lane, since=connection.scalar(begun))

        self._database.write(work, lane=lane).result()

    def history(self, lane: str) -> Sequence[Json]:
        query = (
            select(EVENTS.c.event)
            .join(TURNS, TURNS.c.id == EVENTS.c.turn)
            .where(
                TURNS.c.lane == lane,
                TURNS.c.state == TurnState.DONE.value,
                TURNS.c.forgotten.is_(False),
                TURNS.c.number > _since(lane),
                EVENTS.c.kind.in_(SPOKEN),
            )
            .order_by(TURNS.c.number, EVENTS.c.sequence)
        )
        with self._database.read() as connection:
            return [json.loads(event)["message"] for event in connection.scalars(query)]

    def recent(self, lane: str, limit: int = 10, *, kept: bool = False) -> Sequence[Turn]:
        told = (TurnState.DONE.value, TurnState.PARKED.value)
        query = (
            select(TURNS)
            .where(TURNS.c.lane == lane, TURNS.c.state.in_(told))
            .order_by(TURNS.c.number.desc())
            .limit(limit)
        )
        if kept:
            query = query.where(TURNS.c.forgotten.is_(False), TURNS.c.number > _since(lane))
        with self._database.read() as connection:
            return [turn_of(row) for row in connection.execute(query)]

    def forget(self, turn_id: str) -> None:
        gone = update(TURNS).where(TURNS.c.id == turn_id).values(forgotten=True)
        self._database.write(lambda c: bool(c.execute(gone))).result()

    def _keep(self, connection: Connection, lane: str, **values: Any) -> None:
        row = {"lane": lane, "settings": "{}", "since": 0} | values
        new = self._insert(CONVERSATIONS).values(row)
        connection.execute(
            new.on_conflict_do_update(index_elements=[CONVERSATIONS.c.lane], set_=values)
        )


def _since(lane: str) -> ColumnElement[int]:
    """The number of the last turn before the conversation began anew."""
    since = select(CONVERSATIONS.c.since).where(CONVERSATIONS.c.lane == lane)
    return func.coalesce(since.scalar_subquery(), 0)


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
            connection.execute(delete(PAIRINGS).where(mine))
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
        return None if value is None else json.loads(value)

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


def _settings(connection: Connection, lane: str) -> Json:
    text = connection.scalar(select(CONVERSATIONS.c.settings).where(CONVERSATIONS.c.lane == lane))
    found: Json = json.loads(text or "{}")
    return found


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(row.code, row.bot, row.person, row.approved, row.offered_at)
