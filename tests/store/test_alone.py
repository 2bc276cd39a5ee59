"""Two processes on one data folder, or one database, are one too many."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.conformance.databases import postgres_schema

from holdfast.store.alone import InUse, alone
from holdfast.store.database import Database

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


def test_what_a_killed_process_holds_an_instant_longer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that it was about to start has its files until it runs its own program."""
    answers = iter([False, False, True])
    monkeypatch.setattr("holdfast.store.alone._locked", lambda _: next(answers))
    with closing(Database(tmp_path / "holdfast.db")) as database, alone(tmp_path, database):
        assert not list(answers)
