"""Two processes on one data folder, or one database, are one too many."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from tests.conformance.databases import postgres_schema

from holdfast.store.alone import InUse, _Lock, alone
from holdfast.store.database import Database
from holdfast.store.ports import StoreFailed

HOLD = """
import sys
from pathlib import Path
from holdfast.store.alone import alone
from holdfast.store.database import Database
database = Database(Path(sys.argv[1]) / "holdfast.db")
with alone(Path(sys.argv[1]), database):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_on_the_same_folder_is_refused_until_the_first_dies(
    tmp_path: Path,
) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        database = Database(tmp_path / "holdfast.db")
        with (
            pytest.raises(InUse, match=f"in use by process {first.pid}"),
            alone(tmp_path, database),
        ):
            pass
        first.kill()
        first.wait()
        with alone(tmp_path, database):
            assert (tmp_path / "holdfast.lock").read_text() == str(os.getpid())
        database.close()


def test_a_second_process_on_the_same_server_is_refused(tmp_path: Path) -> None:
    with postgres_schema() as url:
        first, second = Database(url), Database(url)
        with (
            alone(tmp_path / "1", first),
            pytest.raises(InUse, match="the database is in use"),
            alone(tmp_path / "2", second),
        ):
            pass
        with alone(tmp_path / "2", second):
            pass
        first.close()
        second.close()


def forgotten(url: str) -> None:
    """As by a server that is started again: all who are connected are not any more."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks"
            " JOIN pg_database AS here ON here.oid = database AND datname = current_database()"
            " WHERE locktype = 'advisory' AND granted"
            " AND objid = hashtext(current_schema() || '.alone')::bit(32)::bigint"
        )


def kept(keep: Callable[[], None]) -> None:
    """It notices that the server has forgotten it, and takes it again."""
    with pytest.raises(StoreFailed):
        keep()
    keep()


def test_what_a_server_has_forgotten_is_taken_again(tmp_path: Path) -> None:
    with (
        postgres_schema() as url,
        closing(Database(url)) as first,
        closing(Database(url)) as second,
        alone(tmp_path / "1", first) as keep,
    ):
        assert keep
        keep()
        forgotten(url)
        kept(keep)
        keep()
        with pytest.raises(InUse), alone(tmp_path / "2", second):
            pass


def test_who_was_faster_is_told_of(tmp_path: Path) -> None:
    with (
        postgres_schema() as url,
        closing(Database(url)) as first,
        closing(Database(url)) as second,
        alone(tmp_path / "1", first) as keep,
    ):
        assert keep
        forgotten(url)
        with alone(tmp_path / "2", second):
            with pytest.raises(StoreFailed):
                keep()
            with pytest.raises(InUse):
                keep()
        keep()


def test_a_session_of_ours_that_only_the_server_remembers_is_nobody_else(tmp_path: Path) -> None:
    with postgres_schema() as url, closing(Database(url)) as database:
        lock = _Lock(database)
        lock.keep()
        lost, lock._connection = lock._connection, None
        lock.keep()
        assert lost
        with pytest.raises(DBAPIError):
            lost.exec_driver_sql("SELECT 1")
        lost.invalidate()
        lock.close()
        lock.keep()  # it is closed: nothing is taken
        with alone(tmp_path, database):
            pass


def test_a_file_is_never_forgotten(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "holdfast.db")) as database, alone(tmp_path, database) as keep:
        assert keep is None


def test_what_a_killed_process_holds_an_instant_longer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that it was about to start has its files until it runs its own program."""
    answers = iter([False, False, True])
    monkeypatch.setattr("holdfast.store.alone._locked", lambda _: next(answers))
    with closing(Database(tmp_path / "holdfast.db")) as database, alone(tmp_path, database):
        assert not list(answers)
