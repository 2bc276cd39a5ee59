"""The record of a turn that nobody tries any more, among the incidents."""

from __future__ import annotations

from collections.abc import Callable

from ..core.attempt import Outcome
from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase
from ..core.record import incident_record
from ..store.ports import Incident, IncidentStore, Turn
from .journal import Park

Parked = Callable[[Turn, Park], str]
"""Told of a turn that is parked, and why; returns the reference id of its record, "" if it has
none. It may block: it is called from a thread. Raises StoreFailed."""


def unrecorded(turn: Turn, park: Park) -> str:
    """For engines without incidents: the log tells it all the same."""
    return ""


def recorded(incidents: IncidentStore, clock: Clock, new_ref: Callable[[], str]) -> Parked:
    """Keeps an incident for every turn that is parked."""

    def parked(turn: Turn, park: Park) -> str:
        now, at, ref = clock.monotonic(), clock.wall(), new_ref()
        kind = Kind.DEADLINE if park.late else Kind.INTERNAL
        failure = Failure(kind, Phase.ADMIT, Hop.ENGINE, park.why, code="parked")
        client = {"turn": turn.id, "lane": turn.lane, "lives": turn.begun}
        record = incident_record(ref, at, now, now, "", Outcome(failure, ()), client)
        incidents.put([Incident(ref, at, "", "failed", failure.kind.value, record)])
        return ref

    return parked
