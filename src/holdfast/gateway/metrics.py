"""Prometheus metrics of calls and attempts. Labels come from the configuration only, so that
no client can make them grow."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..core.attempt import Attempt, Outcome
from ..core.clock import Clock
from ..core.record import verdict_word
from ..upstream.executor import Call

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Metrics:
    """An `upstream.executor.Observer` that counts."""

    def __init__(self, clock: Clock, routes: Collection[str]) -> None:
        self._clock = clock
        self._routes = frozenset(routes)
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "holdfast_calls",
            "Calls by how they ended",
            ["route", "outcome"],
            registry=self.registry,
        )
        self._attempts = Counter(
            "holdfast_attempts",
            "Attempts by how they ended and what was decided",
            ["target", "kind", "phase", "decision"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "holdfast_call_seconds",
            "Duration of whole calls",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._first = Histogram(
            "holdfast_first_event_seconds",
            "From asking a target to its first content",
            ["target"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.inside = Gauge("holdfast_calls_in_progress", "Calls under way", registry=self.registry)
        self.refused = Counter(
            "holdfast_refused",
            "Requests refused before any target was asked",
            ["kind"],
            registry=self.registry,
        )

    def attempted(self, call: Call, attempt: Attempt) -> None:
        failure = attempt.failure
        target = self._target(call, attempt)
        kind = failure.kind.value if failure else "none"
        self._attempts.labels(target, kind, attempt.phase.value, attempt.decision).inc()
        if attempt.first_event_at is not None:
            self._first.labels(target).observe(attempt.first_event_at - attempt.started_at)

    def ended(self, call: Call, outcome: Outcome) -> None:
        route = self._route(call)
        self._calls.labels(route, verdict_word(outcome)).inc()
        self._seconds.labels(route).observe(self._clock.monotonic() - call.began)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)

    def _route(self, call: Call) -> str:
        return call.route.name if call.route.name in self._routes else "*"

    def _target(self, call: Call, attempt: Attempt) -> str:
        if call.route.name in self._routes:
            return attempt.target.name
        return attempt.target.name.partition("/")[0] + "/*"
