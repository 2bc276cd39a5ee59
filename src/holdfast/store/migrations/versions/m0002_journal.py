"""Lanes, turns, their events, the outbox, and what is remembered between turns."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Text, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _turns()
    _outbox()
    _memory()


def _turns() -> None:
    op.create_table(
        "turns",
        Column("id", Text, primary_key=True),
        Column("lane", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("begun", Integer, nullable=False),
        Column("accepted_at", Double, nullable=False),
        Column("ended_at", Double),
        Column("absorbed_by", Text),
        Column("reached", BigInteger, nullable=False),
        Column("killed", Integer, nullable=False),
        Column("failed_as", Text, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("stop", Boolean, nullable=False),
        Column("forgotten", Boolean, nullable=False),
        Column("pruned", Boolean, nullable=False),
    )
    op.create_index("turns_in_lane", "turns", ["lane", "number"], unique=True)
    op.create_index("turns_absorbed", "turns", ["absorbed_by"])
    waiting = text("state IN ('waiting', 'running')")
    op.create_index(
        "turns_open", "turns", ["lane", "number"], sqlite_where=waiting, postgresql_where=waiting
    )
    unpruned = text("NOT pruned")
    op.create_index(
        "turns_unpruned", "turns", ["ended_at"], sqlite_where=unpruned, postgresql_where=unpruned
    )
    op.create_table(
        "events",
        Column("turn", Text, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", Text, nullable=False),
        Column("event", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lanes",
        Column("lane", Text, primary_key=True),
        Column("accepted", BigInteger, nullable=False),
        Column("holder", Text),
        Column("token", BigInteger, nullable=False),
        Column("expires_at", Double, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "deliveries",
        Column("key", Text, primary_key=True),
        Column("turn", Text, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("content", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("receipt", Text, nullable=False),
        Column("updated", Double, nullable=False),
    )
    op.create_index("deliveries_of_turn", "deliveries", ["turn", "ordinal"])
    unsettled = text("state NOT IN ('delivered', 'abandoned')")
    op.create_index(
        "deliveries_unsettled",
        "deliveries",
        ["updated"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )


def _memory() -> None:
    op.create_table(
        "conversations",
        Column("lane", Text, primary_key=True),
        Column("settings", Text, nullable=False),
        Column("since", BigInteger, nullable=False),
    )
    op.create_table(
        "pairings",
        Column("bot", Text, primary_key=True),
        Column("person", Text, primary_key=True),
        Column("code", Text, nullable=False, unique=True),
        Column("approved", Boolean, nullable=False),
        Column("offered_at", Double, nullable=False),
    )
    op.create_table(
        "notes",
        Column("key", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
