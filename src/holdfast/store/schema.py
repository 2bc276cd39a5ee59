"""The database's schema, brought up to date at the start. Forward only.

A new database is made from the tables of the code at once. Alembic is loaded for an older one
only: it takes ten megabytes that a running server has no use for.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select
from sqlalchemy import Engine as Sql

from .habits import Habits
from .ports import StoreFailed
from .tables import METADATA
from .writer import telling

VERSION = "0004"  # of the newest migration

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSIONS = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)


def bring_up_to_date(engine: Sql, habits: Habits) -> None:
    """Of several processes that start at once, one does it. Raises StoreFailed."""
    with telling(), engine.execution_options(writes=True).begin() as connection:
        if habits.lock_migrations:
            connection.exec_driver_sql(habits.lock_migrations)
        tables = inspect(connection).get_table_names()
        if not tables:
            _make(connection)
        elif _VERSIONS.name not in tables or connection.scalar(select(_VERSIONS)) != VERSION:
            habits.take_time(connection)
            migrate(connection)


def migrate(connection: Connection) -> None:
    """From whatever version the database has. Raises StoreFailed."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreFailed(
            "the database was made by a newer version of Holdfast, or is not Holdfast's"
        ) from error


def _make(connection: Connection) -> None:
    METADATA.create_all(connection)
    _VERSIONS.create(connection)
    connection.execute(insert(_VERSIONS).values(version_num=VERSION))
