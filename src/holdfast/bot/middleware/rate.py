"""How many messages a person, or a conversation, may send within some seconds."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

from ..pipeline import Middleware, Onward, Result, Visit

_KNOWN = 10_000  # people and conversations that are counted, the latest


class Rates:
    """A sliding window for each of them. Owners are not counted, nor is "/stop"."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    async def run(self, visit: Visit, onward: Onward) -> Result:
        rules, now = visit.rules.rate, visit.services.clock.monotonic()
        sender = f"{visit.bot}/{visit.inbound.sender.id}"
        limits = (
            ("rate_person", sender, rules.person),
            ("rate_conversation", visit.lane, rules.conversation),
        )
        if visit.owner or visit.always:
            return await onward(visit)
        for key, who, most in limits:
            wait = self._wait(who, most, rules.seconds, now)
            if wait:
                return visit.refuse(key, seconds=math.ceil(wait))
        for _, who, _ in limits:
            self._seen[who].append(now)
        return await onward(visit)

    def _wait(self, who: str, most: int, seconds: float, now: float) -> float:
        """Seconds until another message may come; 0 if one may come now."""
        times = self._seen.setdefault(who, deque())
        self._seen.move_to_end(who)
        if len(self._seen) > _KNOWN:
            self._seen.popitem(last=False)
        while times and times[0] <= now - seconds:
            times.popleft()
        return times[0] + seconds - now if len(times) >= most else 0.0


def rate() -> Middleware:
    return Middleware("rate", Rates().run, gate=True)
