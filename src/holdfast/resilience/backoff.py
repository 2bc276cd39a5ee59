"""How long to wait before the same target is asked again."""

from __future__ import annotations

from ..core.failure import Kind
from .policy import Policy

_THROTTLED = frozenset({Kind.RATE_LIMITED, Kind.OVERLOADED})


def delay(policy: Policy, kind: Kind, failures: int, jitter: float) -> float:
    """Full jitter: `jitter` in [0, 1] of a base that doubles with `failures`, in seconds."""
    base = policy.backoff_throttled if kind in _THROTTLED else policy.backoff_base
    return jitter * min(policy.backoff_cap, base * 2.0 ** (failures - 1))
