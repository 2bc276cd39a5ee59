"""Schemas of every age become the present one; trouble with the disk or the server is told."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, create_engine, func, make_url, select, text
from tests.conformance.databases import POSTGRES, Place, postgres_schema

from holdfast.store import migrations
from holdfast.store.conversations import SqlNotes
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.habits import MOVED
from holdfast.store.incidents import SqlIncidents
from holdfast.store.ports import (
    Delivery,
    DeliveryState,
    Entry,
    Incident,
    StoreFailed,
    Turn,
    TurnState,
)
from holdfast.store.schema import VERSION, migrate
from holdfast.store.tables import LANES, METADATA
from holdfast.store.turns import SqlTurns

# What the versions before migrations made (release 0.1).
FIRST = """
CREATE TABLE incidents (
    ref VARCHAR(26) NOT NULL, at FLOAT NOT NULL, route TEXT NOT NULL, outcome TEXT NOT NULL,
    kind TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (ref)
);
CREATE INDEX ix_incidents_at ON incidents (at);
INSERT INTO incidents VALUES ('01JAAA', 1.5, 'gpt-5.5', 'failed', 'closed', '{"中文": ["好"]}');
"""


MIGRATIONS = Path(migrations.__path__[0])
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg"}


def accept(database: Database, name: str) -> Future[bool]:
    return SqlTurns(database).accept(Turn(name, name, {"text": name * 1000}, 1.0), 10)


def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.db"
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode=WAL;" + FIRST)
    connection.close()
    for _ in range(2):
        database = Database(file)
        assert SqlIncidents(database).recent() == [
            Incident("01JAAA", 1.5, "gpt-5.5", "failed", "closed", {"中文": ["好"]})
        ]
        assert not accept(database, "1").exception()
        database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_migrations_lead_to_the_tables_of_the_code(kind: str, tmp_path: Path) -> None:
    def differences(place: Place) -> object:
        """Between migrating step by step from nothing, and the tables that new databases get."""
        url = f"sqlite:///{place}" if isinstance(place, Path) else place
        engine = create_engine(make_url(url).set(drivername=DRIVERS[kind]))
        with engine.begin() as connection:
            migrate(connection)
            context = MigrationContext.configure(connection)
            assert context.get_current_revision() == VERSION
            found = compare_metadata(context, METADATA)
        engine.dispose()
        Database(place).close()
        return found

    if kind == "sqlite":
        assert differences(tmp_path / "holdfast.db") == []
        return
    with postgres_schema() as url:
        assert differences(url) == []


def versions() -> list[str]:
    """Every version that a database may have, the oldest first."""
    script = ScriptDirectory(str(MIGRATIONS))
    return [found.revision for found in reversed(list(script.walk_revisions()))]


def of_type(column: Column[Any]) -> Any:
    """A value that such a column takes."""
    kind = column.type.python_type
    return {str: f'{{"{column.name}": "中文"}}', bool: False}.get(kind, 1)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("version", versions())
def test_of_every_version_everything_is_kept(version: str, kind: str, tmp_path: Path) -> None:
    def kept(place: Place) -> None:
        url = f"sqlite:///{place}" if isinstance(place, Path) else place
        engine = create_engine(make_url(url).set(drivername=DRIVERS[kind]))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        old = MetaData()
        rows: dict[str, dict[str, Any]] = {}
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, version)
            old.reflect(connection)
            for table in old.sorted_tables:
                if table.name != "alembic_version":
                    rows[table.name] = {column.name: of_type(column) for column in table.columns}
                    connection.execute(table.insert().values(rows[table.name]))
        assert rows
        database = Database(place)
        with database.read() as connection:
            for name, row in rows.items():
                found = connection.execute(select(old.tables[name])).mappings().all()
                assert [dict(each) for each in found] == [row]
        assert not accept(database, "new").exception()
        database.close()
        engine.dispose()

    if kind == "sqlite":
        kept(tmp_path / "holdfast.db")
        return
    with postgres_schema() as url:
        kept(url)


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.db"
    Database(file).close()
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreFailed, match="newer version"):
        Database(file)


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.db"
    file.write_text("Dear diary, " * 100)
    with pytest.raises(StoreFailed, match="not a database"):
        Database(file)
    with pytest.raises(StoreFailed, match="mysql"):
        Database("mysql://localhost/test")
    with pytest.raises(StoreFailed):
        Database("postgres is at home")
    with pytest.raises(StoreFailed, match="refused"):
        Database("postgresql://127.0.0.1:1/test")


def test_a_full_disk_refuses_what_is_new_and_keeps_what_was(tmp_path: Path) -> None:
    database = Database(tmp_path / "holdfast.db")
    assert accept(database, "before").result()
    database.write(lambda c: bool(c.exec_driver_sql("PRAGMA max_page_count=1"))).result()
    refused = [accept(database, f"refused {n}") for n in range(50)]
    assert any(isinstance(result.exception(), StoreFailed) for result in refused)
    with pytest.raises(StoreFailed, match="full"):
        accept(database, "refused" * 1000).result()
    assert SqlTurns(database).find("before")
    database.write(lambda c: bool(c.exec_driver_sql("PRAGMA max_page_count=1073741823"))).result()
    assert accept(database, "after").result()
    database.close()


def test_an_error_of_the_driver_itself_does_not_end_all_writing(tmp_path: Path) -> None:
    database = Database(tmp_path / "holdfast.db")

    def work(connection: Any) -> None:
        connection.connection.cursor().execute("PRAGMA")

    with pytest.raises(StoreFailed, match="incomplete"):
        database.write(work).result()
    assert accept(database, "after").result()
    database.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_read_only_disk_is_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "holdfast.db")
    database.write(lambda c: bool(c.exec_driver_sql("PRAGMA query_only=ON"))).result()
    with pytest.raises(StoreFailed, match="readonly"):
        accept(database, "1").result()
    assert SqlNotes(database).get("k") is None
    database.close()


def test_a_lock_of_another_process_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.db"
    database = Database(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    result = accept(database, "1")
    assert not result.done()
    other.execute("COMMIT")
    other.close()
    assert result.result()
    database.close()


def test_a_restart_of_postgres_costs_nobody_their_message() -> None:
    with postgres_schema() as url:
        database = Database(url)
        pid = database.write(lambda c: c.scalar(text("SELECT pg_backend_pid()"))).result()
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        results = [accept(database, f"{n} after") for n in range(20)]
        assert all(result.result() for result in results)
        database.close()


def test_a_server_that_became_a_standby_is_left_for_whoever_answers_there_now() -> None:
    with postgres_schema() as url, closing(Database(url)) as database:
        pid = text("SELECT pg_backend_pid()")
        demoted = text("SET default_transaction_read_only = on")
        with database.read() as connection:
            reader = connection.scalar(pid)
        before = database.write(lambda c: c.scalar(pid)).result()
        database.write(lambda c: bool(c.execute(demoted))).result()
        assert accept(database, "1").result()
        assert database.write(lambda c: c.scalar(pid)).result() != before
        with database.read() as connection:
            assert connection.scalar(pid) != reader, "it would read what was"


def test_a_commit_whose_answer_was_lost_is_told_as_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have been done. Done again, it would be told as a repetition of itself, and what was
    accepted would be nobody's.
    """
    with postgres_schema() as url, closing(Database(url)) as database:
        turns, dialect = SqlTurns(database), database.engine.dialect

        def commit_and_break(connection: Any) -> None:
            connection.commit()
            monkeypatch.undo()
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("the connection is lost")

        monkeypatch.setattr(dialect, "do_commit", commit_and_break)
        with pytest.raises(StoreFailed, match="lost"):
            turns.start(Turn("1", "a", {}, 1.0), 10, "me").result()
        assert turns.find("1") is not None
        delivery = Delivery("1/1", "1", 1, {}, DeliveryState.DELIVERED)
        outbox = SqlDeliveries(database, {})
        monkeypatch.setattr(dialect, "do_commit", commit_and_break)
        with pytest.raises(StoreFailed, match="lost"):
            outbox.note(delivery).result()
        assert accept(database, "after").result()


def test_nothing_is_sent_ahead_of_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped in mid-pipeline is active to PostgreSQL: no limit for idle
    transactions ends it, and the lane that it has locked waits for ever.
    """

    def enter(pipeline: psycopg.Pipeline) -> psycopg.Pipeline:
        raise AssertionError("a pipeline")

    with postgres_schema() as url, closing(Database(url)) as database:
        turns = SqlTurns(database)
        monkeypatch.setattr(psycopg.Pipeline, "__enter__", enter)
        said = [Entry(number, {"type": "said"}) for number in range(1, 4)]
        turns.keep(Turn("t", "a", {}, 1.0), said).result()
        assert turns.events("t") == said
        turns.name("t", ["one", "two"]).result()
        assert turns.named("two") == "t"
        incidents = SqlIncidents(database, 10)
        incidents.put([Incident(ref, 1.0, "main", "failed", "timeout", {}) for ref in "ab"])
        assert len(incidents.recent()) == 2


def test_a_database_in_which_old_turns_are_dropped_grows_no_more(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.db"
    database = Database(file)
    turns, outbox = SqlTurns(database), SqlDeliveries(database, {})

    def some_days(number: int) -> int:
        """The pages of the file after so many more messages and calls, and the end of the old."""
        for name in (f"bot:{number}:{n}" for n in range(100)):
            for lane in ("bot:person", f"call:{name}"):
                turn = f"{lane} {name}"
                turns.accept(Turn(turn, lane, {"text": "x" * 1000}, 1.0), 10)
                taken = turns.take(lane, "me", 60.0).result()
                assert taken
                entries = [Entry(n + 1, {"type": "said", "text": "x" * 500}) for n in range(5)]
                outbox.put([Delivery(f"{turn}/0", turn, 0, {})])
                turns.end(taken.fence, turn, TurnState.DONE, entries).result()
        for lanes in ("call:", ""):
            while turns.drop(lanes, 4e9).result():
                continue
        return int(database.write(lambda c: c.scalar(text("PRAGMA page_count"))).result())

    first = some_days(0)
    assert max(some_days(number) for number in range(1, 5)) <= first * 1.1
    with database.read() as connection:
        for table in METADATA.sorted_tables:
            rows = connection.scalar(select(func.count()).select_from(table))
            assert rows == (1 if table.name == "lanes" else 0), table.name
    database.close()


def test_databases_that_speak_alike_share_what_is_compiled(tmp_path: Path) -> None:
    made: list[Database] = []

    def make(database: Database) -> int:
        made.append(database)
        return len(made)

    one, other = Database(tmp_path / "one.db"), Database(tmp_path / "other.db")
    assert [database.prepared(make) for database in (one, other)] == [1, 1]
    with postgres_schema() as url:
        third = Database(url)
        assert third.prepared(make) == 2
        third.close()
    assert made == [one, third]
    for database in (one, other):
        database.close()


def test_what_was_dropped_is_given_back_to_the_disk(tmp_path: Path) -> None:
    """All but a part of it, which what comes next will need."""
    file = tmp_path / "holdfast.db"
    with closing(Database(file)) as database:
        turns = SqlTurns(database)
        for number in range(400):
            turn = Turn(f"{number}", f"call:{number}", {"text": "x" * 10_000}, 1.0)
            turns.keep(turn, [Entry(1, {"type": "text", "text": "y" * 10_000})]).result()
    full = file.stat().st_size
    with closing(Database(file)) as database:
        turns = SqlTurns(database)
        while turns.drop("call:", 1e12).result():
            pass
        count = text("PRAGMA page_count")
        pages = database.write(lambda c: c.scalar(count)).result()
        assert turns.give_back().result()
        after = database.write(lambda c: c.scalar(count)).result()
        assert 0 < pages - after <= MOVED, "others write in between"
        accept(database, "new").result()
        while turns.give_back().result():
            pass
    assert full > 8_000_000
    assert file.stat().st_size < 1_000_000
    with closing(Database(file)) as database:
        assert SqlTurns(database).find("new") is not None


def test_a_fault_in_what_is_written_costs_nobody_else(tmp_path: Path) -> None:
    """The thread that writes does so for all."""
    with closing(Database(tmp_path / "holdfast.db")) as database:
        turns, held = SqlTurns(database), threading.Event()

        def fault(connection: Connection) -> bool:
            row = {"lane": "never", "accepted": 0, "token": 0, "expires_at": 0.0}
            connection.execute(LANES.insert().values(row))
            raise ZeroDivisionError

        database.write(lambda _: held.wait())  # so that what comes is one batch
        done: list[Future[Any]] = [
            accept(database, "1"),
            database.write(fault),
            accept(database, "2"),
        ]
        held.set()
        assert done[0].result()
        assert isinstance(done[1].exception(), ZeroDivisionError)
        assert done[2].result()
        assert turns.open_lanes() == ["1", "2"]
        with database.read() as connection:
            lanes = connection.scalars(select(LANES.c.lane).order_by(LANES.c.lane))
            assert list(lanes) == ["1", "2"]


def test_a_database_that_hangs_holds_up_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.store.writer.BUSY", 0.01)
    database, answers = Database(tmp_path / "holdfast.db"), threading.Event()
    hangs = database.write(lambda _: answers.wait())
    try:
        database.close()
        assert not hangs.done()
        with pytest.raises(StoreFailed, match="closed"):
            accept(database, "1").result()
    finally:
        answers.set()
    assert hangs.result()
