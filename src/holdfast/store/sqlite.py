"""The default store: one SQLite file (WAL) in the data folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    MetaData,
    Row,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .ports import Incident, StoreFailed

_METADATA = MetaData()
_INCIDENTS = Table(
    "incidents",
    _METADATA,
    Column("ref", String(26), primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("route", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
)


class SqliteIncidents:
    """At most `limit` incidents, in one file."""

    def __init__(self, path: Path, limit: int = 10_000) -> None:
        self._limit = limit
        with _telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(f"sqlite:///{path}")
            event.listen(self._engine, "connect", _tune)
            _METADATA.create_all(self._engine)

    def put(self, incidents: Sequence[Incident]) -> None:
        if not incidents:
            return
        rows = [
            {
                "ref": incident.ref,
                "at": incident.at,
                "route": incident.route,
                "outcome": incident.outcome,
                "kind": incident.kind,
                "record": json.dumps(incident.record, ensure_ascii=False),
            }
            for incident in incidents
        ]
        statement = insert(_INCIDENTS)
        changes = {name: statement.excluded[name] for name in rows[0] if name != "ref"}
        with _telling(), self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(["ref"], set_=changes), rows)
            kept = connection.scalar(select(func.count()).select_from(_INCIDENTS)) or 0
            if kept > self._limit:
                oldest = (
                    select(_INCIDENTS.c.ref)
                    .order_by(_INCIDENTS.c.at, _INCIDENTS.c.ref)
                    .limit(kept - self._limit)
                )
                connection.execute(delete(_INCIDENTS).where(_INCIDENTS.c.ref.in_(oldest)))

    def find(self, ref: str) -> Incident | None:
        column = _INCIDENTS.c.ref
        matching = column.startswith(ref.upper(), autoescape=True)
        with _telling(), self._engine.connect() as connection:
            rows = connection.execute(select(_INCIDENTS).where(matching).limit(2)).all()
        return _incident(rows[0]) if ref and len(rows) == 1 else None

    def recent(self, limit: int = 50, before: float | None = None) -> Sequence[Incident]:
        query = select(_INCIDENTS).order_by(_INCIDENTS.c.at.desc(), _INCIDENTS.c.ref.desc())
        if before is not None:
            query = query.where(_INCIDENTS.c.at < before)
        with _telling(), self._engine.connect() as connection:
            return [_incident(row) for row in connection.execute(query.limit(limit))]

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _telling() -> Iterator[None]:
    """In the contract's words, without the statement and its values."""
    try:
        yield
    except DBAPIError as error:
        raise StoreFailed(str(error.orig)) from error
    except (SQLAlchemyError, OSError) as error:
        raise StoreFailed(type(error).__name__) from error


def _tune(connection: Any, _: object) -> None:
    """Readers beside one writer; a commit survives the process, not always the power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _incident(row: Row[Any]) -> Incident:
    return Incident(row.ref, row.at, row.route, row.outcome, row.kind, json.loads(row.record))
