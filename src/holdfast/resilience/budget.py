"""How many retries a target is worth, across all calls.

Why a budget and not a count: a fixed number of retries per call multiplies the load on an
upstream exactly when it fails. A shared allowance that successes refill keeps the extra
load of an outage bounded (Finagle and gRPC A6 argue the same).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.failure import Failure, Kind

CAPACITY = 100.0
REFUND = 1.0  # per success
FLOOR_EVERY = 10.0  # one retry per so many seconds is always allowed
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

    def refund(self, name: str) -> None:
        if name in self._tokens:
            self._tokens[name] = min(self._tokens[name] + REFUND, self._capacity)

    def _floor(self, name: str) -> float:
        return self._floor_at.get(name, float("-inf"))
