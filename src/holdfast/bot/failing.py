"""What a send that failed means: whether it may have arrived, and whether it may work later."""

from __future__ import annotations

from ..core.failure import Failure, Hop, Kind, Phase, Remedy
from ..resilience.backoff import delay
from ..resilience.policy import Policy

PATIENCE = 600.0  # seconds in which a platform that fails is tried again
RETOLD = 3  # times a message of unknown outcome is told again, marked
RETELLING = 1.0  # seconds before the first of these; before each other four times as long

LATE = Failure(Kind.TIMEOUT, Phase.HEADERS, Hop.PLATFORM, detail="there is no more time for it")
CRASH = Failure(Kind.CLOSED, Phase.HEADERS, Hop.PLATFORM, detail="the process ended")

_BACKOFF = Policy(backoff_base=0.5, backoff_throttled=1.0, backoff_cap=15.0)
_UNREACHED = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.TLS})
_UNSENT = _UNREACHED | {Phase.ADMIT}
_HOPELESS = frozenset({Kind.AUTH, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.QUOTA})


def was_sent(failure: Failure) -> bool:
    """Whether the platform was reached."""
    return failure.phase not in _UNSENT


def was_reached(failure: Failure) -> bool:
    """Whether the platform answers at all: an upload that it does not take was no message sent."""
    return failure.phase not in _UNREACHED


def may_have_arrived(failure: Failure) -> bool:
    """Whether the platform may have taken what failed: from WRITE on, unless it answered."""
    if not was_sent(failure):
        return False
    if failure.status is None:
        return failure.code is None
    return failure.code is None and not 300 <= failure.status < 500


def passes(failure: Failure) -> bool:
    """Whether it may work later. There is no other platform to turn to."""
    return failure.remedy in (Remedy.RETRY, Remedy.FAILOVER) and failure.kind not in _HOPELESS


def pause(failure: Failure, tries: int, jitter: float) -> float:
    """Seconds until the next try after `tries` in a row; `jitter` is within 0 and 1."""
    told = failure.retry_after or 0.0
    own = delay(_BACKOFF, failure.kind, min(tries, 10), jitter)
    return max(own, told) if told < PATIENCE else own


def may_be_tried(failure: Failure, seconds: float, patience: float) -> bool:
    """Whether what has been failing for `seconds` is tried again. A platform that cannot be
    reached is waited for; one that answers no longer than `patience`. A lane does not stand still
    for longer than PATIENCE, whatever the platform asks for.
    """
    patience = patience if was_sent(failure) else PATIENCE
    return seconds + (failure.retry_after or 0.0) < patience


def retelling(told: int) -> float:
    """Seconds before a message of unknown outcome, `told` that often, is told again."""
    return RETELLING * 4.0**told
