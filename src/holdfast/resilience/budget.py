"""How many retries a target is worth, across all calls (docs/adr/0015).

Why a budget and not a count: a fixed number of retries per call multiplies the load on an
upstream exactly when it fails. A shared allowance that successes refill keeps the extra
load of an outage bounded (Finagle and gRPC A6 argue the same).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.failure import Failure, Kind

CAPACITY = 100.0
REFUND = 1.0  # per success
FLOOR_EVERY = 10.0  # one retry per so many seconds is free while the target has successes
EARNED = 100  # characters: an attempt that gave the reader as much has earned the next
TRANSIENT = 10.0
HEDGE = 20.0
COSTS: Mapping[Kind, float] = {Kind.RATE_LIMITED: 5.0, Kind.OVERLOADED: 5.0}


def cost(failure: Failure | None) -> float:
    return COSTS.get(failure.kind, TRANSIENT) if failure else TRANSIENT


class RetryBudget:
    """A token bucket per target name."""

    def __init__(self, capacity: float = CAPACITY) -> None:
        self._capacity = capacity
        self._tokens: dict[str, float] = {}
        self._floor_at: dict[str, float] = {}
        self._spent: set[str] = set()  # the free retry was used, and no success came since

    def allows(self, name: str, price: float, now: float) -> bool:
        return self._tokens.get(name, self._capacity) >= price or now >= self._floor(name)

    def spend(self, name: str, price: float, now: float) -> None:
        if not price:
            return
        tokens = self._tokens.get(name, self._capacity)
        if tokens >= price:
            self._tokens[name] = tokens - price
        else:
            self._floor_at[name] = now + FLOOR_EVERY
            self._spent.add(name)

    def refund(self, name: str, price: float = 0.0) -> None:
        """The target was well; what was paid for asking it then was well spent and comes back."""
        self._spent.discard(name)
        if name in self._tokens:
            self._tokens[name] = min(self._tokens[name] + REFUND + price, self._capacity)

    def _floor(self, name: str) -> float:
        return float("inf") if name in self._spent else self._floor_at.get(name, float("-inf"))
