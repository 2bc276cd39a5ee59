"""Stores that last as long as the process: for trying things and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from .ports import Incident


class MemoryIncidents:
    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._kept: dict[str, Incident] = {}

    def put(self, incidents: Sequence[Incident]) -> None:
        self._kept |= {incident.ref: incident for incident in incidents}
        for incident in self.recent(len(self._kept))[self._limit :]:
            del self._kept[incident.ref]

    def find(self, ref: str) -> Incident | None:
        wanted = ref.upper()
        if wanted in self._kept:
            return self._kept[wanted]
        found = [i for i in self._kept.values() if wanted and i.ref.startswith(wanted)]
        return found[0] if len(found) == 1 else None

    def recent(self, limit: int = 50, before: float | None = None) -> Sequence[Incident]:
        kept = sorted(self._kept.values(), key=lambda i: (i.at, i.ref), reverse=True)
        return [i for i in kept if before is None or i.at < before][:limit]
