"""When silence has lasted too long, and what it is then. All times are monotonic seconds."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.failure import Failure, Hop, Kind, Phase
from .leg import Leg
from .policy import Policy

NEVER = float("inf")

_CONNECTING = frozenset({Phase.ADMIT, Phase.RESOLVE, Phase.CONNECT, Phase.TLS})

_SILENCE: Mapping[str, tuple[str, str]] = {
    "connect": ("no connection", "没有建立连接"),
    "write": ("the request could not be written", "请求没能发出去"),
    "headers": ("no response headers", "没有收到响应头"),
    "first_event": ("no content", "没有收到内容"),
    "keep_alive_only": ("keep-alive but no content", "只有保活信号，没有内容"),
    "bytes_idle": ("silence in mid-stream", "中途没有任何数据"),
    "content_idle": ("keep-alive but no new content", "只有保活信号，没有新内容"),
}

_MEANWHILE: Mapping[str, tuple[str, str]] = {
    "outlasted": ("in which another target answered", "而另一个目标已经回答"),
    "deserted": ("until the reader left", "直到读者离开"),
}


def expiry(leg: Leg) -> float:
    """When the phase that the attempt is in has taken too long."""
    limits = leg.target.timeouts
    match leg.phase:
        case Phase.ADMIT | Phase.RESOLVE | Phase.CONNECT:
            return leg.started_at + limits.connect
        case Phase.TLS:
            return leg.marks[Phase.TLS] + limits.connect
        case Phase.WRITE:
            return leg.marks[Phase.WRITE] + limits.write
        case Phase.HEADERS:
            return leg.marks[Phase.HEADERS] + limits.headers
        case Phase.FIRST:
            return leg.marks[Phase.FIRST] + limits.first_event
        case Phase.STREAM | Phase.END:
            return min(
                leg.last_bytes_at + limits.bytes_idle, leg.last_content_at + limits.content_idle
            )


def timeout(leg: Leg, now: float) -> Failure:
    """The failure of an expired phase, telling silence from keep-alive without content."""
    limits = leg.target.timeouts
    if leg.phase is Phase.STREAM:
        silent = now >= leg.last_bytes_at + limits.bytes_idle
        code = "bytes_idle" if silent else "content_idle"
        seconds = limits.bytes_idle if silent else limits.content_idle
    elif leg.phase is Phase.FIRST:
        silent = leg.last_bytes_at <= leg.marks[Phase.FIRST]
        code = "first_event" if silent else "keep_alive_only"
        seconds = limits.first_event
    else:
        code = "connect" if leg.phase in _CONNECTING else leg.phase.value
        seconds = {"write": limits.write, "headers": limits.headers}.get(code, limits.connect)
    en, zh = _SILENCE[code]
    return Failure(
        Kind.TIMEOUT,
        leg.phase,
        detail=f"{en} for {seconds:g} s",
        detail_zh=f"{seconds:g} 秒内{zh}",
        code=code,
    )


def overdue(phase: Phase, deadline: float) -> Failure:
    """The failure of a call that has had all its `deadline` seconds."""
    return Failure(
        Kind.DEADLINE,
        phase,
        Hop.ENGINE,
        detail=f"the deadline of {deadline:g} s has passed",
        detail_zh=f"{deadline:g} 秒的时限已过",
    )


def hedge_at(leg: Leg, policy: Policy) -> float:
    """When another target is asked beside the only one that is asked now."""
    if leg.first_event_at is not None:
        return NEVER
    waits = [wait for wait in (policy.hedge, leg.patience) if wait is not None]
    return leg.started_at + min(waits, default=NEVER)


def outlasted(leg: Leg, now: float) -> Failure | None:
    """The failure of one in doubt that stayed silent while another answered, if it had time."""
    return None if leg.patience is None else _silent(leg, now, leg.patience, "outlasted")


def deserted(leg: Leg, now: float, long: float) -> Failure | None:
    """The failure of one whose reader left it after `long` seconds of silence, or more.

    Where people are less patient than the limits, no limit would ever speak against it.
    """
    return _silent(leg, now, long, "deserted")


def _silent(leg: Leg, now: float, long: float, code: str) -> Failure | None:
    seconds = now - leg.started_at
    if seconds < long or leg.first_event_at is not None:
        return None
    en, zh = _MEANWHILE[code]
    return Failure(
        Kind.TIMEOUT,
        leg.phase,
        detail=f"no content for {seconds:.1f} s, {en}",
        detail_zh=f"{seconds:.1f} 秒内没有内容，{zh}",
        code=code,
    )


def wakes_at(leg: Leg, policy: Policy) -> float:
    """When something is to be done about the attempt if nothing more comes of it."""
    return leg.finished_at + policy.finish_grace if leg.finished else expiry(leg)
