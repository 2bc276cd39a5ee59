"""What SQLite and PostgreSQL do differently, as data. Nothing else in this room knows which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, event
from sqlalchemy import Engine as Sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.expression import literal_column

BUSY = 5.0  # seconds to wait for another process's lock
SPARE = 4  # the part of a file that stays free for what comes next: one in so many pages
MOVED = 256  # pages in one transaction
# Both sides ask one that is silent for a sign of life, first after so many seconds.
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
STUCK = 5  # seconds after which a process that was stopped in mid-transaction loses it

Transaction = Callable[[Connection, bool], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Habits:
    """`transaction(connection, hard)`: what is written within survives this process; if hard,
    a power cut too, and so does all that was written before. `now` is the database's clock in
    Unix seconds. `shared`: other processes write at the same time. `give_back` gives the disk a
    little of the room that was freed, as long as there is some. `take_time` is for a connection on
    which one statement may take as long as it likes. `session` asks for two values that name a
    session, by which `end_session` ends it, and tells of none where there is none any more.
    """

    driver: str
    transaction: Transaction
    insert: Callable[[Table], Any]
    now: ColumnElement[float]
    lock_migrations: str
    lock_alone: str
    session: str
    end_session: str
    shared: bool
    tune: Callable[[Sql], None]
    give_back: Callable[[Connection], bool]
    take_time: Callable[[Connection], object]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def _sqlite_transaction(connection: Connection, hard: bool) -> Iterator[None]:
    """A WAL is synced by the commits that ask for it, whole: NORMAL commits before it too."""
    raw = connection.connection.cursor()
    raw.execute(f"PRAGMA synchronous={'FULL' if hard else 'NORMAL'}")
    raw.close()
    with connection.begin():
        yield


def _postgres_transaction(connection: Connection, hard: bool) -> AbstractContextManager[Any]:
    """Always hard. The server can crash under processes that live on: what they had been told was
    written would be a hole in their turns.
    """
    return connection.begin()


def _sqlite_gives_back(connection: Connection) -> bool:
    """Moves pages from the file's end into its holes (sqlite.org/pragma.html#pragma_auto_vacuum).
    A file that was made without that setting stays as long as it is.
    """
    free, pages, mode = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("freelist_count", "page_count", "auto_vacuum")
    )
    due = min(free - pages // SPARE, MOVED) if mode else 0
    for _ in range(due):  # the module goes one step with it, whatever N
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return due > 0


def _postgres_gives_back(_: Connection) -> bool:
    """Its autovacuum does."""
    return False


def _tune_sqlite(engine: Sql) -> None:
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)


def _on_sqlite_connect(connection: Any, _: object) -> None:
    """Readers beside one writer. The module's own transactions are off: see `_on_sqlite_begin`."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY * 1000)}")
    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # says nothing to a file that has pages
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA journal_size_limit=67108864")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    """A writer that begins as a reader could find that it may not become one."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sqlite_takes_time(_: Connection) -> None:
    """A file says when it fails."""


def _postgres_takes_time(connection: Connection) -> None:
    """It is not used again."""
    connection.detach()
    driver: Any = connection.connection.dbapi_connection
    driver.silence = float("inf")


def _tune_postgres(engine: Sql) -> None:
    from .answering import Answering  # noqa: PLC0415 - an extra

    def connect(_: object, __: object, place: Sequence[Any], how: Mapping[str, Any]) -> Any:
        return Answering.connect(*place, **how)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", _on_postgres_connect)


def _on_postgres_connect(connection: Any, _: object) -> None:
    """A process that is stopped in mid-transaction must not hold a lane for ever, nor a machine
    that is gone what it was alone on.
    """
    settings = {
        "lock_timeout": f"'{int(BUSY)}s'",
        "idle_in_transaction_session_timeout": f"'{STUCK}s'",
        **{f"tcp_{name}": value for name, value in _ALIVE.items()},
    }
    cursor = connection.cursor()
    cursor.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))
    cursor.close()
    connection.commit()


SQLITE = Habits(
    driver="sqlite",
    transaction=_sqlite_transaction,
    insert=sqlite.insert,
    now=literal_column("((julianday('now') - 2440587.5) * 86400.0)"),
    lock_migrations="",  # BEGIN IMMEDIATE is a lock
    lock_alone="",  # so is the file beside it
    session="",
    end_session="",
    shared=False,
    tune=_tune_sqlite,
    give_back=_sqlite_gives_back,
    take_time=_sqlite_takes_time,
)

POSTGRES = Habits(
    driver="postgresql+psycopg",
    transaction=_postgres_transaction,
    insert=postgresql.insert,
    now=literal_column("extract(epoch from clock_timestamp())::float8"),
    lock_migrations="SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.migrations'))",
    lock_alone="SELECT pg_try_advisory_lock(hashtext(current_schema() || '.alone'))",
    session="SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()",
    end_session=(  # numbers of processes come again
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid = %s AND backend_start::text = %s"
    ),
    shared=True,
    tune=_tune_postgres,
    give_back=_postgres_gives_back,
    take_time=_postgres_takes_time,
    arguments={
        "connect_timeout": 5,
        "application_name": "holdfast",
        **_ALIVE,
        "tcp_user_timeout": 20_000,  # milliseconds; keepalives say nothing of what is not taken
    },
)
