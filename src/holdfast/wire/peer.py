"""What another Holdfast says: `error.holdfast`, its kinds and the attempts it made."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.failure import Hop, Kind, Phase
from .report import DEPTH, Report, as_status, as_text

_KINDS = {kind.value: kind for kind in Kind}
_PHASES = {phase.value: phase for phase in Phase}

# A peer's verdicts on its own client, who is us, in the words that we use of an upstream.
_OWN: Mapping[Kind, Kind] = {
    Kind.DENIED: Kind.AUTH,
    Kind.NO_ROUTE: Kind.NOT_FOUND,
    Kind.CAPACITY: Kind.OVERLOADED,
    Kind.STOPPING: Kind.OVERLOADED,
    Kind.STORE: Kind.OVERLOADED,
    Kind.UNAVAILABLE: Kind.OVERLOADED,
    Kind.CONFIG: Kind.SERVER_ERROR,
    Kind.INTERNAL: Kind.SERVER_ERROR,
    Kind.DEADLINE: Kind.TIMEOUT,
    Kind.CANCELLED: Kind.SERVER_ERROR,
    Kind.INVALID: Kind.INVALID,
}


def peer_report(record: Mapping[str, object], message: str) -> Report:
    """The report that a peer's record amounts to; the attempt it blames is nested."""
    kind = _KINDS.get(as_text(record.get("kind")))
    upstream = as_text(record.get("hop")) == Hop.UPSTREAM.value
    return Report(
        by="holdfast",
        code=as_text(record.get("kind")),
        message=message,
        kind=None if upstream or kind is None else _OWN.get(kind),
        proxied=upstream,
        nested=_blamed(record, kind),
    )


def _blamed(record: Mapping[str, object], kind: Kind | None) -> Report | None:
    """The first failed attempt of the kind that was told, else the first that failed."""
    attempts = record.get("attempts")
    if not isinstance(attempts, list):
        return None
    failed = [
        attempt
        for attempt in attempts
        if isinstance(attempt, dict) and as_text(attempt.get("kind")) in _KINDS
    ]
    told = [attempt for attempt in failed if _KINDS[as_text(attempt["kind"])] is kind]
    chosen = (told or failed)[:1]
    return _said(chosen[0], 1) if chosen else None


def _said(attempt: Mapping[str, object], depth: int) -> Report:
    nested = attempt.get("nested")
    inner = _said(nested, depth + 1) if isinstance(nested, dict) and depth < DEPTH else None
    return Report(
        by=as_text(attempt.get("by")) or as_text(attempt.get("target")),
        status=as_status(attempt.get("status")),
        message=as_text(attempt.get("message")) or as_text(attempt.get("cause")),
        kind=_KINDS.get(as_text(attempt.get("kind"))),
        phase=_PHASES.get(as_text(attempt.get("phase"))),
        nested=inner,
    )
