"""What a route allows: the numbers that planner and machine work with."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.attempt import Target


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one call. Durations in seconds, delays doubled per failure and jittered."""

    deadline: float = 900.0
    max_attempts: int = 5  # that gave the reader nothing new
    per_target: int = 3
    hard_limit: int = 24  # attempts of any sort
    hedge: float | None = None  # ask a second target when the first is silent this long
    max_wait: float = 10.0  # longest wait for a target to come back
    backoff_base: float = 0.2
    backoff_throttled: float = 1.0
    backoff_cap: float = 8.0
    finish_grace: float = 2.0  # after Finished, wait this long for usage and the end marker


@dataclass(frozen=True, slots=True)
class Route:
    """A public model name and its ordered targets, one per key of each target's pool."""

    name: str
    targets: tuple[Target, ...]
    policy: Policy = Policy()
