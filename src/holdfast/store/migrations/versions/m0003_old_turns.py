"""Open turns are found without a look at those that ended, old ones by their age."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("turns_open", "turns_unpruned"):
        op.drop_index(name, "turns")
    waits = text("state IN ('waiting', 'running')")
    op.create_index(
        "turns_open",
        "turns",
        ["lane", "state", "number"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index("turns_by_age", "turns", ["pruned", "ended_at"])
    calls = text("substr(lane, 1, 5) = 'call:'")
    op.create_index(
        "turns_of_calls", "turns", ["ended_at"], sqlite_where=calls, postgresql_where=calls
    )
