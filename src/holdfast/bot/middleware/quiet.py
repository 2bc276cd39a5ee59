"""Hours in which a bot answers nobody but its owners, and whoever wants it to stop."""

from __future__ import annotations

from ..pipeline import Middleware, Onward, Result, Silence, Visit


def within(hours: str, time: str) -> bool:
    """Whether `time` ("HH:MM") lies in `hours` ("23:00-07:00"), which may pass midnight."""
    start, _, end = hours.partition("-")
    if start <= end:
        return start <= time < end
    return time >= start or time < end


async def quiet(visit: Visit, onward: Onward) -> Result:
    hours = visit.rules.quiet
    if not hours or visit.owner or visit.always or not within(hours, visit.services.hour()):
        return await onward(visit)
    if not visit.direct:
        return Silence()
    return visit.refuse("quiet", hours=hours, until=hours.partition("-")[2])


QUIET = Middleware("quiet", quiet, gate=True)
