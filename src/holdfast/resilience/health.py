"""Which targets and keys are fit to be asked. Shared by all calls; time is an argument.

A breaker per target counts faults of the endpoint; a breaker per key counts faults of the
account. What the client caused (a bad request, a policy refusal) counts against nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..core.attempt import Target
from ..core.failure import Failure
from .breaker import Breaker, BreakerSettings, Scope, scope

SHORTEST_PATIENCE = 3.0  # seconds, with a target in doubt
UNKNOWN = 0.2  # of the limit for the first event, where a target has never answered yet


class Health:
    """The breakers of every target and key, and when each key was last used."""

    def __init__(self, settings: BreakerSettings | None = None) -> None:
        self._settings = settings or BreakerSettings()
        self._breakers: dict[str, Breaker] = {}
        self._last_used: dict[str, float] = {}
        self._usual: dict[str, float] = {}  # seconds to the first content, by target

    def ready_at(self, target: Target, now: float) -> float:
        """The earliest time at which `target` may be asked; `now` if it may be at once."""
        return max(breaker.ready_at(now) for breaker in self._of(target))

    def pressed_at(self, target: Target, now: float) -> float:
        """The same where no target is ready: one that is out may be tried before its time."""
        return max(breaker.pressed_at(now) for breaker in self._of(target))

    def last_used(self, target: Target) -> float:
        return self._last_used.get(target.key, -math.inf)

    def reason(self, target: Target, now: float) -> Failure | None:
        """The failure that took `target` out, while it is out."""
        out = [b for b in self._of(target) if b.ready_at(now) > now]
        return max(out, key=lambda b: b.open_until).last_failure if out else None

    def asked(self, target: Target, now: float) -> None:
        self._last_used[target.key] = now
        for breaker in self._of(target):
            breaker.asked(now)

    def patience(self, target: Target) -> float | None:
        """How many seconds of silence a target that is in doubt may let a person wait before
        another is asked beside it; None for one in good standing.
        """
        endpoint, _ = self._of(target)
        return self.long(target) if endpoint.in_doubt else None

    def long(self, target: Target) -> float:
        """How many seconds without content are more than is usual with `target`."""
        usual = self._usual.get(target.name)
        wait = UNKNOWN * target.timeouts.first_event if usual is None else 2.0 * usual
        return max(wait, SHORTEST_PATIENCE)

    def answered(self, target: Target, seconds: float) -> None:
        """Content has begun, `seconds` after it was asked for."""
        usual = self._usual.get(target.name, seconds)
        self._usual[target.name] = max(seconds, usual + (seconds - usual) / 8)
        for breaker in self._of(target):
            breaker.answered()

    def succeeded(self, target: Target, now: float) -> None:
        for breaker in self._of(target):
            breaker.succeeded(now)

    def failed(
        self, target: Target, failure: Failure, now: float, jitter: float, *, weak: bool = False
    ) -> None:
        endpoint, key = self._of(target)
        match scope(failure):
            case Scope.TARGET:
                endpoint.failed(failure, now, jitter, weak=weak)
                key.probing = False
            case Scope.KEY:
                key.eject(failure, now)
                endpoint.probing = False
            case Scope.NOBODY:
                endpoint.probing = key.probing = False

    def resting(self, now: float) -> Mapping[str, tuple[float, Failure | None]]:
        """What is out by name of its breaker: until when, and for which failure."""
        return {
            name: (breaker.open_until, breaker.last_failure)
            for name, breaker in self._breakers.items()
            if breaker.open_until > now
        }

    def heard(self, name: str, until: float, failure: Failure) -> None:
        """Another node found that what `name` names must rest; it is probed here all the same."""
        breaker = self._breaker(name)
        if until > breaker.open_until:
            breaker.open_until = until
            breaker.named_until = until if failure.retry_after else -math.inf
            breaker.half_open = True
            breaker.last_failure = failure

    def _of(self, target: Target) -> tuple[Breaker, Breaker]:
        return self._breaker(target.name), self._breaker(f"{target.name}#{target.credential.id}")

    def _breaker(self, name: str) -> Breaker:
        if name not in self._breakers:
            self._breakers[name] = Breaker(self._settings)
        return self._breakers[name]
