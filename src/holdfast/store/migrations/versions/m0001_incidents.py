"""Incidents: what the first versions kept, which had no migrations."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "incidents",
        Column("ref", String(26), primary_key=True),
        Column("at", Float, nullable=False),
        Column("route", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("record", Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_incidents_at", "incidents", ["at"], if_not_exists=True)
