"""alembic runs this to migrate; the connection, in its transaction, is given by `Database`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
