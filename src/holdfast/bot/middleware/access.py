"""Who may talk to a bot: everybody, those on a list, or whoever an operator has paired."""

from __future__ import annotations

import asyncio
import unicodedata

from ...config import BotSettings
from ..event import Place, Scene
from ..pipeline import Middleware, Onward, Result, Silence, Visit

CODE_VALID = 3600.0  # seconds


async def access(visit: Visit, onward: Onward) -> Result:
    """Strangers in groups are met with silence: a bot that argues there is a nuisance."""
    rules, sender, place = visit.rules.access, visit.inbound.sender, visit.inbound.place
    ids = {sender.id, place.conversation, place.conversation.rpartition(":")[2]}
    if visit.owner or ids & set(rules.allow):
        return await onward(visit)
    if place.scene is Scene.GROUP:
        return await onward(visit) if rules.group == "open" else Silence()
    match rules.direct:
        case "open":
            return await onward(visit)
        case "allow":
            return visit.refuse("not_allowed", id=sender.id)
        case "pairing":
            return await _paired(visit, onward)


async def _paired(visit: Visit, onward: Onward) -> Result:
    services, person = visit.services, visit.inbound.sender.id
    if await asyncio.to_thread(services.pairings.approved, visit.bot, person):
        return await onward(visit)
    pairing = await asyncio.to_thread(
        services.pairings.offer,
        visit.bot,
        person,
        services.new_code(),
        services.clock.wall(),
        CODE_VALID,
    )
    if pairing.approved:
        return await onward(visit)
    left = pairing.offered_at + CODE_VALID - services.clock.wall()
    return visit.refuse("pairing", code=pairing.code, minutes=max(1, round(left / 60)))


def typed(code: str) -> str:
    """A code as it was shown, however somebody has typed it: with spaces, in full width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", code))).upper()


ACCESS = Middleware("access", access, gate=True)


def may_greet(rules: BotSettings, place: Place) -> bool:
    """Whether a bot that was added somewhere may say hello there."""
    if place.scene is Scene.DIRECT:
        return rules.access.direct != "allow"
    ids = {place.conversation, place.conversation.rpartition(":")[2]}
    return rules.access.group == "open" or bool(ids & set(rules.access.allow))
