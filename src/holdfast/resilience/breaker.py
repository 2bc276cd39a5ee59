"""What a failure is held against, and when that may be asked again. Time is an argument."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..core.failure import STALE, Failure, Kind


class Scope(Enum):
    """Whom a kind of failure is held against."""

    TARGET = "target"
    KEY = "key"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Ejection:
    """How long a key rests after a failure that names no time: `first` seconds, doubling."""

    first: float
    cap: float


EJECTIONS: Mapping[Kind, Ejection] = {
    Kind.RATE_LIMITED: Ejection(1.0, 60.0),
    Kind.QUOTA: Ejection(300.0, 3600.0),
    Kind.AUTH: Ejection(60.0, 600.0),
    Kind.FORBIDDEN: Ejection(60.0, 600.0),
}

SHORTEST_REST = 1.0  # seconds, once a shorter one that was named has proved too short
LONGEST_REST = 3600.0  # seconds: whatever an upstream asks for, look again after an hour

_ENDPOINT = frozenset(
    {
        Kind.DNS,
        Kind.REFUSED,
        Kind.UNREACHABLE,
        Kind.TIMEOUT,
        Kind.TLS_CERTIFICATE,
        Kind.TLS,
        Kind.PROXY,
        Kind.RESET,
        Kind.CLOSED,
        Kind.PROTOCOL,
        Kind.CODING,
        Kind.TRUNCATED,
        Kind.EMPTY,
        Kind.SERVER_ERROR,
        Kind.BAD_GATEWAY,
        Kind.OVERLOADED,
        Kind.NOT_FOUND,
    }
)


def scope(failure: Failure) -> Scope:
    """Whom `failure` is held against. A connection that was dead before proves nothing."""
    if failure.kind in EJECTIONS:
        return Scope.KEY
    fault = failure.kind in _ENDPOINT and failure.code != STALE
    return Scope.TARGET if fault else Scope.NOBODY


def _rest(failure: Failure, times: int) -> float:
    """Seconds for a key that was ejected `times` times before without a success in between.

    The time that the upstream names is kept. If that was too short before, no word is trusted.
    """
    table, named = EJECTIONS[failure.kind], failure.retry_after
    if named is not None and not times:
        return 0.0  # beyond what it names
    first = table.first if named is None else max(named, SHORTEST_REST)
    return min(first * 2.0**times, table.cap)


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """Opens on `consecutive` failures, or on `ratio` of at least `samples` in `window` seconds.

    Silence counts as `silence` failures: others cost a person milliseconds, it costs the limit.
    """

    consecutive: int = 5
    silence: int = 3
    samples: int = 5
    ratio: float = 0.5
    window: float = 60.0
    first_open: float = 5.0
    longest_open: float = 300.0
    probe_poll: float = 0.25  # while another call probes, look again after this long


@dataclass(slots=True)
class Breaker:
    """Closed, open or half-open. Half-open admits one probe at a time."""

    settings: BreakerSettings
    open_until: float = -math.inf
    named_until: float = -math.inf  # the part of it that the upstream asked for
    failed_at: float = -math.inf
    opened: int = 0  # times in a row, for doubling
    failures: int = 0  # in a row
    probing: bool = False
    half_open: bool = False
    last_failure: Failure | None = None
    recent: deque[tuple[float, bool]] = field(default_factory=deque)  # time, whether it was well
    bad: int = 0  # failures among `recent`

    @property
    def in_doubt(self) -> bool:
        """Whether the last that was heard of it was a failure."""
        return self.half_open or self.failures > 0

    def ready_at(self, now: float) -> float:
        if self.half_open and self.probing:
            return max(self.open_until, now + self.settings.probe_poll)
        return max(self.open_until, now)

    def pressed_at(self, now: float) -> float:
        """When it may be asked where nobody is ready: a probe now and then, for it may be well
        again long before its time is over. What its upstream asked for is kept.
        """
        if self.half_open and self.probing:
            return now + self.settings.probe_poll
        soon = max(now, self.named_until, self.failed_at + self.settings.first_open)
        return min(self.ready_at(now), soon)

    def asked(self, now: float) -> None:
        self.probing = self.half_open

    def answered(self) -> None:
        """Content has begun: let others in, but one more failure opens again."""
        if self.probing:
            self._close()
            self.failures = self.settings.consecutive - 1

    def succeeded(self, now: float) -> None:
        if self.probing:
            self._close()
        self.half_open = False
        self.failures = self.opened = 0
        self._sample(now, ok=True)

    def failed(self, failure: Failure, now: float, jitter: float, *, weak: bool) -> None:
        """`weak`: it failed in the middle of an answer, of which something came, or its reader
        left it. Only a row of such takes a target out, and not that half of its answers do so.
        """
        if not self._met(failure, now):
            return
        silent = failure.kind is Kind.TIMEOUT and not weak
        self.failures += self.settings.silence if silent else 1
        if not weak:
            self._sample(now, ok=False)
        if self._is_enough():
            full = min(self.settings.first_open * 2.0**self.opened, self.settings.longest_open)
            self._open_for(full * (0.5 + 0.5 * jitter), now)
            self.recent.clear()
            self.bad = 0

    def eject(self, failure: Failure, now: float) -> None:
        if not self._met(failure, now):
            return
        self._open_for(_rest(failure, self.opened), now)

    def _met(self, failure: Failure, now: float) -> bool:
        """Notes `failure` and the rest it asks for. False if it is no further evidence:
        attempts that began before the breaker opened may all fail of the one cause.
        """
        known = self.half_open and now < self.open_until and not self.probing
        self.last_failure = failure
        self.probing = False
        self.failed_at = now
        named = now + min(failure.retry_after or 0.0, LONGEST_REST)
        self.named_until = max(self.named_until, named)
        self.open_until = max(self.open_until, self.named_until)
        return not known

    def _is_enough(self) -> bool:
        often = len(self.recent) >= self.settings.samples
        return self.failures >= self.settings.consecutive or (
            often and self.bad >= self.settings.ratio * len(self.recent)
        )

    def _close(self) -> None:
        self.half_open = self.probing = False
        self.open_until = -math.inf

    def _open_for(self, seconds: float, now: float) -> None:
        self.open_until = max(self.open_until, now + seconds)
        self.opened = min(self.opened + 1, 16)
        self.half_open = True

    def _sample(self, now: float, *, ok: bool) -> None:
        self.recent.append((now, ok))
        self.bad += not ok
        while self.recent[0][0] < now - self.settings.window:
            _, was_ok = self.recent.popleft()
            self.bad -= not was_ok
