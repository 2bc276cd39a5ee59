"""The tables as they are now. `migrations` brings older databases here; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

METADATA = MetaData()

INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("ref", String(26), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("route", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
)

_OPEN = text("state IN ('waiting', 'running')")
_CALLS = text("substr(lane, 1, 5) = 'call:'")  # which are kept for a day, all others for long
_UNSETTLED = text("state NOT IN ('delivered', 'abandoned')")

TURNS = Table(
    "turns",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("number", BigInteger, nullable=False),  # in its lane, growing
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("begun", Integer, nullable=False),  # lives so far
    Column("accepted_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("absorbed_by", Text),
    Column("reached", BigInteger, nullable=False),  # last sequence when its last life began
    Column("killed", Integer, nullable=False),  # lives in a row that wrote nothing and vanished
    Column("failed_as", Text, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row, alike
    Column("stop", Boolean, nullable=False),
    Column("forgotten", Boolean, nullable=False),
    Column("pruned", Boolean, nullable=False),
    Index("turns_in_lane", "lane", "number", unique=True),
    Index("turns_open", "lane", "state", "number", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("turns_by_age", "pruned", "ended_at"),
    Index("turns_absorbed", "absorbed_by"),
    Index("turns_of_calls", "ended_at", sqlite_where=_CALLS, postgresql_where=_CALLS),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("turn", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # the event's "type"
    Column("event", Text, nullable=False),
    sqlite_with_rowid=False,
)

NAMES = Table(
    "names",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("turn", Text, nullable=False),
    Index("names_of_turn", "turn"),
)

LANES = Table(
    "lanes",
    METADATA,
    Column("lane", Text, primary_key=True),
    Column("accepted", BigInteger, nullable=False),  # the number of its last turn
    Column("holder", Text),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),  # by the database's clock
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("turn", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("updated", Double, nullable=False),
    Index("deliveries_of_turn", "turn", "ordinal"),
    Index("deliveries_unsettled", "updated", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
)

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("lane", Text, primary_key=True),
    Column("settings", Text, nullable=False),
    Column("since", BigInteger, nullable=False),  # the history begins behind this turn's number
)

PAIRINGS = Table(
    "pairings",
    METADATA,
    Column("bot", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("approved", Boolean, nullable=False),
    Column("offered_at", Double, nullable=False),
)

NOTES = Table(
    "notes",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
