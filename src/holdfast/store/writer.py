"""Group commit: what many want written at one moment becomes one transaction.

While a commit runs, others queue up behind it and share the next. So the disk's latency is paid
once per batch, not once per message, and nobody waits for company.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy import Engine as Sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .habits import BUSY, Habits
from .ports import LaneLost, Overloaded, StoreFailed

_LOG = structlog.get_logger("holdfast.store")

T = TypeVar("T")
Work = Callable[[Connection], T]

BATCH = 256
READ_ONLY = "25006"  # PostgreSQL, appendix A
REFUSALS = (LaneLost, Overloaded)


@dataclass(frozen=True, slots=True)
class Job:
    """`work` may be run more than once, until it may have been committed, so it changes nothing but
    the database; what it wrote before it refused does no harm. `lane` is whose row it locks.
    """

    work: Work[Any]
    hard: bool
    lane: str
    result: Future[Any] = field(default_factory=Future)


class _Faulty(Exception):
    """A job failed by a fault of its own, of which it was told."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.lane)
        self.job = job


class Writer:
    """The one that writes, on a thread and a connection of its own."""

    def __init__(self, engine: Sql, habits: Habits) -> None:
        self._engine = engine.execution_options(writes=True)
        self._habits = habits
        self._trouble = (SQLAlchemyError, OSError, engine.dialect.loaded_dbapi.Error)
        self._connection: Connection | None = None
        self._committing = False  # all was done, and is to be committed
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], hard: bool = True, lane: str = "") -> Future[T]:
        """Runs `work` in a transaction; the Future is done once that is committed."""
        job = Job(work, hard, lane)
        with self._door:
            if not self._closed:
                self._jobs.put(job)
                return job.result
        job.result.set_exception(StoreFailed("the store is closed"))
        return job.result

    def close(self) -> None:
        """Returns once all that was submitted is done. A database that hangs is not waited for:
        what was not done then might as well have met the end of this process.
        """
        with self._door:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join(BUSY)
        if self._thread.is_alive():
            _LOG.error("not everything could be stored: the database does not answer")

    def _run(self) -> None:
        batch: list[Job] = []
        try:
            last = False
            while not last:
                batch, last = self._gather()
                self._write(batch)
        finally:  # even if a defect ended it, nobody waits for ever
            with self._door:
                self._closed = True
            while not self._jobs.empty():
                batch.extend(job for job in (self._jobs.get(),) if job is not None)
            for job in batch:
                if not job.result.done():
                    job.result.set_exception(StoreFailed("the writer of the store has ended"))
            self._disconnect()

    def _gather(self) -> tuple[list[Job], bool]:
        """What there is to write, at least something; and whether it is the last."""
        batch: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            if job.result.set_running_or_notify_cancel():
                batch.append(job)
            if len(batch) == BATCH or self._jobs.empty():
                break
            job = self._jobs.get()
        if self._habits.shared:  # in the same order everywhere, so that no two wait in a ring
            batch.sort(key=lambda job: job.lane)
        return batch, job is None

    def _write(self, batch: Sequence[Job]) -> None:
        """One failure must not be held against the others: then each is tried by itself. But where
        the connection broke at the commit, nobody knows whether it was done.
        """
        try:
            self._connect()
        except self._trouble as error:  # the server is away, for each of them
            _tell(batch, error)
            return
        try:
            self._commit(batch)
        except _Faulty as faulty:  # nothing was done of it, and so of the others
            self._write([job for job in batch if job is not faulty.job])
        except self._trouble as error:
            gone = self._unusable(error)
            if (gone and self._committing) or (len(batch) == 1 and not gone):
                _tell(batch, error)
                return
            for number, job in enumerate(batch):
                try:
                    self._commit([job])
                except _Faulty:
                    continue
                except self._trouble as again:
                    _tell([job], again)
                    if self._unusable(again):
                        _tell(batch[number + 1 :], again)
                        return

    def _commit(self, batch: Sequence[Job]) -> None:
        if not batch:
            return
        self._committing = False
        connection = self._connect()
        outcomes: list[tuple[Job, Any, Exception | None]] = []
        with self._habits.transaction(connection, any(job.hard for job in batch)):
            for job in batch:
                try:
                    outcomes.append((job, job.work(connection), None))
                except REFUSALS as refusal:
                    outcomes.append((job, None, refusal))
                except self._trouble:
                    raise
                except Exception as defect:  # the supervisor of a job: see docs/adr/0017
                    job.result.set_exception(defect)
                    raise _Faulty(job) from defect
            self._committing = True
        for job, value, refused in outcomes:
            if refused is None:
                job.result.set_result(value)
            else:
                job.result.set_exception(refused)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _unusable(self, error: BaseException) -> bool:
        """Whether the connection broke, or could not be made, or leads to a server that has become
        a standby; the next one is a new one.
        """
        broken = isinstance(error, DBAPIError) and error.connection_invalidated
        connection = self._connection
        if connection and isinstance(error, DBAPIError) and _standby(error):
            connection.invalidate(error)
            self._engine.dispose()  # who reads there would read what was
        if connection and not (broken or connection.invalidated or connection.closed):
            return False
        self._disconnect()
        return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            with forgiving():
                self._connection.close()
            self._connection = None


def _standby(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", "") == READ_ONLY


def _tell(jobs: Sequence[Job], error: BaseException) -> None:
    for job in jobs:
        job.result.set_exception(told(error))


@contextmanager
def forgiving() -> Iterator[None]:
    """What is thrown away may be broken."""
    try:
        yield
    except (SQLAlchemyError, OSError):
        pass


def told(error: BaseException) -> StoreFailed:
    """In the contract's words, without the statement and its values."""
    match error:
        case DBAPIError():
            failed = StoreFailed(str(error.orig))
        case SQLAlchemyError():
            failed = StoreFailed(type(error).__name__)
        case _:
            failed = StoreFailed(str(error))
    failed.__cause__ = error
    return failed


@contextmanager
def telling() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise told(error) from error
