"""Incidents in a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from ..wire.jsontext import loads
from .database import Database, dump
from .ports import Incident
from .tables import INCIDENTS


class SqlIncidents:
    """`ports.IncidentStore`: at most `limit` of them."""

    def __init__(self, database: Database, limit: int = 10_000) -> None:
        self._database = database
        self._limit = limit

    def put(self, incidents: Sequence[Incident]) -> None:
        if not incidents:
            return
        rows = {
            incident.ref: {
                "ref": incident.ref,
                "at": incident.at,
                "route": incident.route,
                "outcome": incident.outcome,
                "kind": incident.kind,
                "record": dump(incident.record),
            }
            for incident in incidents
        }
        statement = self._database.habits.insert(INCIDENTS)
        changes = {c.name: statement.excluded[c.name] for c in INCIDENTS.c if not c.primary_key}
        kept = statement.on_conflict_do_update(index_elements=[INCIDENTS.c.ref], set_=changes)

        def work(connection: Connection) -> None:
            for row in rows.values():  # as in Prepared.run_each
                connection.execute(kept, row)
            surplus = connection.scalar(select(func.count()).select_from(INCIDENTS)) or 0
            surplus -= self._limit
            if surplus > 0:
                oldest = (
                    select(INCIDENTS.c.ref).order_by(INCIDENTS.c.at, INCIDENTS.c.ref).limit(surplus)
                )
                connection.execute(delete(INCIDENTS).where(INCIDENTS.c.ref.in_(oldest)))

        self._database.write(work, hard=False).result()

    def find(self, ref: str) -> Incident | None:
        matching = INCIDENTS.c.ref.startswith(ref.upper(), autoescape=True)
        with self._database.read() as connection:
            rows = connection.execute(select(INCIDENTS).where(matching).limit(2)).all()
        return _incident(rows[0]) if ref and len(rows) == 1 else None

    def recent(self, limit: int = 50, before: float | None = None) -> Sequence[Incident]:
        query = select(INCIDENTS).order_by(INCIDENTS.c.at.desc(), INCIDENTS.c.ref.desc())
        if before is not None:
            query = query.where(INCIDENTS.c.at < before)
        with self._database.read() as connection:
            return [_incident(row) for row in connection.execute(query.limit(limit))]


def _incident(row: Row[Any]) -> Incident:
    return Incident(row.ref, row.at, row.route, row.outcome, row.kind, loads(row.record))
