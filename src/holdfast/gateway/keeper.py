"""Writes incidents down at the moment of failure, beside the event loop.

A call that meets failure is stored as "open" with its first failed attempt, so that even a
crash leaves the cause, and stored again when it ends.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Any

import structlog

from ..core.attempt import Attempt, Outcome
from ..core.clock import Clock
from ..core.failure import Kind
from ..core.record import Record, incident_record, verdict_word
from ..store.ports import Incident, IncidentStore, StoreFailed
from ..upstream.executor import Call

_LOG = structlog.get_logger("holdfast.incidents")
_BATCH = 64
_WAITING = 4096  # incidents; in a flood beyond that "open" records are left out, never the last


class Keeper:
    """An `upstream.executor.Observer` over an incident store."""

    def __init__(self, store: IncidentStore, clock: Clock) -> None:
        self.clients: dict[str, Mapping[str, Any]] = {}  # by reference id, while a call runs
        self._store = store
        self._clock = clock
        self._queue: queue.Queue[Incident | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="incidents", daemon=True)
        self._thread.start()

    def attempted(self, call: Call, attempt: Attempt) -> None:
        failure = attempt.failure
        if failure is None or failure.kind is Kind.CANCELLED or failure.untold:
            return  # no failure of anybody's; what comes of it stands in the last record
        _LOG.warning(
            "attempt failed",
            ref=call.ref,
            target=attempt.target.key,
            phase=attempt.phase.value,
            kind=failure.kind.value,
            cause=failure.cause,
            decision=attempt.decision,
            why=attempt.why and attempt.why.say("en"),
        )
        if self._queue.qsize() < _WAITING:
            so_far = Outcome(None, call.attempts, released=call.released)
            self._keep(call, so_far, "open", failure.kind)

    def ended(self, call: Call, outcome: Outcome) -> None:
        failure = outcome.failure
        left = failure is not None and failure.kind is Kind.CANCELLED
        if outcome.troubled or (failure and not left):
            met = (attempt.failure for attempt in outcome.attempts)
            first = next((f for f in met if f and not f.untold), failure)
            told = first if failure is None or left else failure
            assert told is not None
            self._keep(call, outcome, verdict_word(outcome), told.kind)
            _LOG.info("call ended", ref=call.ref, outcome=verdict_word(outcome))
        self.clients.pop(call.ref, None)

    def settle(self) -> None:
        """Waits until all that was given is written. Blocking; call it from a thread."""
        self._queue.join()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _keep(self, call: Call, outcome: Outcome, word: str, kind: Kind) -> None:
        now = self._clock.monotonic()
        at = self._clock.wall() - (now - call.began)
        client = self.clients.get(call.ref, {})
        record: Record = incident_record(
            call.ref, at, call.began, now, call.route.name, outcome, client
        )
        record["outcome"] = word
        self._queue.put(Incident(call.ref, at, call.route.name, word, kind.value, record))

    def _write(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            last = {incident.ref: incident for incident in batch if incident}
            try:
                self._store.put(list(last.values()))
            except StoreFailed as failed:
                _LOG.error("incidents were not stored", reason=str(failed), lost=list(last))
            for _ in batch:
                self._queue.task_done()
            if None in batch:
                return
