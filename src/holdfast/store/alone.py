"""That one process only works on a data folder or a database, where it must be alone."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from .database import Database
from .ports import StoreFailed
from .writer import forgiving, telling

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
def alone(data_dir: Path, database: Database) -> Iterator[Callable[[], None] | None]:
    """Holds the folder and the database for this process; the operating system and the server
    take them back if it dies. What it gives for a server is to be called now and then: one that
    was started again has forgotten who was alone. All raises InUse, StoreFailed.
    """
    with ExitStack() as stack:
        stack.enter_context(_folder(data_dir))
        if database.habits.lock_alone:
            lock = stack.enter_context(closing(_Lock(database)))
            lock.keep()
            yield lock.keep
        else:
            yield None


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


class _Lock:
    """That of a server, which ends with its connection. Fences keep two apart that both believe to
    have it. Thread-safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._session: tuple[Any, ...] | None = None  # that had it last
        self._closed = False
        self._door = threading.Lock()

    def keep(self) -> None:
        """Takes it if it is not held, or no more."""
        with self._door, telling():
            kept = False
            try:
                if self._connection is not None:
                    self._connection.exec_driver_sql("SELECT 1")
                    self._connection.rollback()
                elif not self._closed:
                    self._take()
                kept = True
            finally:
                if not kept or self._closed:
                    self._leave()

    def close(self) -> None:
        """Whoever takes it at this moment, of a server that may hang, leaves it by itself."""
        self._closed = True
        if self._door.acquire(timeout=PATIENCE):
            self._leave()
            self._door.release()

    def _take(self) -> None:
        connection = self._connection = self._database.engine.connect()
        connection.detach()  # closing it really closes it
        habits = self._database.habits

        ours = False  # a session that we have lost hold of, and the server has not yet

        def locked() -> bool:
            nonlocal ours
            if self._session:
                ended = connection.exec_driver_sql(habits.end_session, self._session)
                ours = ended.first() is not None
            got = connection.exec_driver_sql(habits.lock_alone).scalar()
            connection.commit()
            return bool(got)

        if not _had(locked):
            raise StoreFailed("an earlier session goes on") if ours else InUse("the database", "")
        self._session = tuple(connection.exec_driver_sql(habits.session).one())
        connection.rollback()

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with forgiving():
                connection.close()


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
