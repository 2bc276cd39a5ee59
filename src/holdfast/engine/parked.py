"""The record of a turn that nobody tries any more, among the incidents."""

from __future__ import annotations

from collections.abc import Callable

from ..core.attempt import Outcome
from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase
from ..core.record import incident_record
from ..store.ports import Incident, IncidentStore, Turn

Parked = Callable[[Turn, str], None]
"""Told of a turn that is parked, and why. It may block: it is called from a thread. Raises
StoreFailed."""


def unrecorded(turn: Turn, why: str) -> None:
    """For engines without incidents: the log tells it all the same."""


def recorded(incidents: IncidentStore, clock: Clock, new_ref: Callable[[], str]) -> Parked:
    """Keeps an incident for every turn that is parked."""

    def parked(turn: Turn, why: str) -> None:
        now, at, ref = clock.monotonic(), clock.wall(), new_ref()
        failure = Failure(Kind.INTERNAL, Phase.ADMIT, Hop.ENGINE, why, code="parked")
        client = {"turn": turn.id, "lane": turn.lane, "lives": turn.begun}
        record = incident_record(ref, at, now, now, "", Outcome(failure, ()), client)
        incidents.put([Incident(ref, at, "", "failed", failure.kind.value, record)])

    return parked
