"""That one process only works on a data folder or a database, where it must be alone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from .database import Database
from .ports import StoreFailed
from .writer import telling

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        file.seek(1 << 20)  # a byte behind all text: others may read who holds the lock
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


FILE = "holdfast.lock"
# Seconds in which a process that was killed is let go of: a child that it was just about to start
# holds what it held for an instant longer.
PATIENCE = 1.0
_LOOK = 0.02


class InUse(StoreFailed):
    """Another process works there. `holder` is its process id, if known, else ""."""

    def __init__(self, where: str, holder: str) -> None:
        by = f" by process {holder}" if holder else ""
        super().__init__(f"{where} is in use{by}")
        self.where = where
        self.holder = holder


@contextmanager
def alone(data_dir: Path, database: Database) -> Iterator[None]:
    """Holds the folder and the database for this process; the operating system and the server
    take them back if it dies. Raises InUse, StoreFailed.
    """
    with ExitStack() as stack:
        stack.enter_context(_folder(data_dir))
        if database.habits.lock_alone:
            stack.enter_context(_server(database))
        yield


@contextmanager
def _folder(data_dir: Path) -> Iterator[None]:
    with telling():
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / FILE).open("a+", encoding="utf-8")
    with file:
        if not _had(lambda: _locked(file)):
            file.seek(0)
            raise InUse(str(data_dir), file.read().strip())
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _server(database: Database) -> Iterator[None]:
    """The lock ends with the connection. If that breaks, fences still keep two apart."""
    with telling(), database.engine.connect() as connection:
        connection.detach()  # closing it really closes it

        def locked() -> bool:
            got = connection.exec_driver_sql(database.habits.lock_alone).scalar()
            connection.commit()
            return bool(got)

        if not _had(locked):
            raise InUse("the database", "")
        yield


def _had(take: Callable[[], bool]) -> bool:
    """Whether `take` succeeds, at once or soon."""
    until = time.monotonic() + PATIENCE
    while not take():
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK)
    return True


def _locked(file: IO[str]) -> bool:
    try:
        _lock(file)
    except OSError:
        return False
    return True
