"""One database: its connections, its writer, its schema brought up to date."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy import Engine as Sql
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

from ..wire.jsontext import loads
from .habits import BUSY, POSTGRES, SQLITE, Habits
from .ports import StoreFailed
from .prepared import Prepared
from .schema import bring_up_to_date
from .writer import Work, Writer, telling, told

T = TypeVar("T")

_LOG = structlog.get_logger("holdfast.store")

_encode = msgspec.json.Encoder().encode

LOOKING = 8  # threads that read from a database behind a network
_BY_BACKEND = {"sqlite": SQLITE, "postgresql": POSTGRES}
_ALIKE: dict[Hashable, Any] = {}  # what was prepared for databases that speak alike


class Database:
    """Thread-safe. `place` is the path of an SQLite file, which is made with its folder, or the
    URL of a PostgreSQL database ("postgresql://user@host/name"). Raises StoreFailed.
    """

    def __init__(self, place: Path | str) -> None:
        self.habits, self.engine = _connect(place)
        try:
            bring_up_to_date(self.engine, self.habits)
        except StoreFailed:
            self.engine.dispose()
            raise
        self._writer = Writer(self.engine, self.habits)
        self._looking = ThreadPoolExecutor(LOOKING, "looking") if self.habits.shared else None
        self._readers = 0
        self._closed = False
        self._door = threading.Condition()

    def prepare(self, statement: SelectBase | UpdateBase, columns: Iterable[str] = ()) -> Prepared:
        """See `Prepared`."""
        return Prepared(statement, self.engine.dialect, columns)

    def prepared(self, make: Callable[[Database], T]) -> T:
        """What `make` prepares, of which all databases that speak alike have one: to compile it
        is most of what a start costs.
        """
        key = make, self.habits.driver, self.engine.dialect.server_version_info
        if key not in _ALIKE:
            _ALIKE[key] = make(self)
        made: T = _ALIKE[key]
        return made

    def write(self, work: Work[T], hard: bool = True, lane: str = "") -> Future[T]:
        """See `writer.Job`. Raises through the Future only."""
        return self._writer.submit(work, hard, lane)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of what is committed."""
        with self._door:
            if self._closed:
                raise StoreFailed("the store is closed")
            self._readers += 1
        try:
            with telling(), self.engine.connect() as connection:
                yield connection
        finally:
            with self._door:
                self._readers -= 1
                self._door.notify_all()

    def look(self, work: Work[T]) -> Future[T]:
        """Reads on behalf of an event loop. In a file of our own it is done when this returns: the
        few pages that a conversation has cost less than to change threads twice. What lies behind
        a network is read by threads. Raises through the Future only.
        """
        if self._looking is not None:
            return self._looking.submit(self._look, work)
        done: Future[T] = Future()
        try:
            done.set_result(self._look(work))
        except StoreFailed as failed:
            done.set_exception(failed)
        return done

    def _look(self, work: Work[T]) -> T:
        with self.read() as connection:
            return work(connection)

    def close(self) -> None:
        """Returns once all that was given is written, and whoever reads has read."""
        self._writer.close()
        if self._looking is not None:
            self._looking.shutdown()
        with self._door:
            self._closed = True
            self._door.wait_for(lambda: self._readers == 0, BUSY)
        self.engine.dispose()


def _connect(place: Path | str) -> tuple[Habits, Sql]:
    if isinstance(place, Path):
        with telling():
            place.parent.mkdir(parents=True, exist_ok=True)
        place = f"sqlite:///{place}"
    try:
        url = make_url(place)
        habits = _BY_BACKEND.get(url.get_backend_name())
        if habits is None:
            raise StoreFailed(f'"{url.get_backend_name()}" is no database that Holdfast knows')
        engine = create_engine(
            url.set(drivername=habits.driver),
            connect_args=dict(habits.arguments),
            pool_timeout=2 * BUSY,  # all may be with a server that hangs
        )
    except ArgumentError as error:
        raise told(error) from error
    except ModuleNotFoundError as error:
        raise StoreFailed(f"{error.name} is missing: pip install holdfast[postgres]") from error
    habits.tune(engine)
    return habits, engine


def load(text: bytes | str) -> Any:
    """The object that `dump` wrote. Of what a disk or a hand has spoilt an empty one: it costs the
    turn that it is of, which is parked, and neither its lane nor the others.
    """
    try:
        value = loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    _LOG.error("something that is stored cannot be read", size=len(text))
    return {}


def dump(value: Any) -> str:
    """JSON that every database takes as text, lone surrogates included, and what `json` takes
    beside. Raises TypeError.
    """
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, TypeError):
        return json.dumps(value, separators=(",", ":"))
