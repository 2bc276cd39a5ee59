"""A turn is found by names that others gave to parts of it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "names",
        Column("name", Text, primary_key=True),
        Column("turn", Text, nullable=False),
    )
    op.create_index("names_of_turn", "names", ["turn"])
