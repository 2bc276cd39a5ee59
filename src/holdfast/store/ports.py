"""What must survive a crash, as contracts. One conformance suite runs over every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Incident:
    """A call that met failure. `record` is `core.record.incident_record`'s; `at` Unix seconds."""

    ref: str
    at: float
    route: str
    outcome: str  # open | recovered | failed | cancelled
    kind: str
    record: Mapping[str, Any]


class StoreFailed(Exception):
    """The store could not read or write; the text says why."""


class IncidentStore(Protocol):
    """Bounded: the oldest make room. Blocking; call it from a thread. Raises StoreFailed."""

    def put(self, incidents: Sequence[Incident]) -> None:
        """Keeps them; a later one replaces an earlier one of the same ref."""
        ...

    def find(self, ref: str) -> Incident | None:
        """By reference id or by an unambiguous beginning of it, in either case."""
        ...

    def recent(self, limit: int = 50, before: float | None = None) -> Sequence[Incident]:
        """Newest first; only those earlier than `before` (Unix seconds), if given."""
        ...

    def close(self) -> None: ...
