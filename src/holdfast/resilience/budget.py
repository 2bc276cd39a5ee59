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
    """A token bucket per target name. `balance` is what was spent here of each, less what was
    refunded: other nodes of a cluster are told, and take it from theirs.
    """

    def __init__(self, capacity: float = CAPACITY) -> None:
        self.balance: dict[str, float] = {}
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
            self._change(name, -price)
        else:
            self._floor_at[name] = now + FLOOR_EVERY
            self._spent.add(name)

    def refund(self, name: str, price: float = 0.0) -> None:
        """The target was well; what was paid for asking it then was well spent and comes back."""
        self._spent.discard(name)
        if name in self._tokens:
            self._change(name, REFUND + price)

    def heard(self, name: str, spent: float) -> None:
        """What another node has spent since it was last heard; below 0 it was refunded."""
        tokens = self._tokens.get(name, self._capacity)
        self._tokens[name] = max(0.0, min(tokens - spent, self._capacity))

    def _change(self, name: str, by: float) -> None:
        tokens = self._tokens.get(name, self._capacity)
        self._tokens[name] = min(tokens + by, self._capacity)
        self.balance[name] = self.balance.get(name, 0.0) + tokens - self._tokens[name]

    def _floor(self, name: str) -> float:
        return float("inf") if name in self._spent else self._floor_at.get(name, float("-inf"))
