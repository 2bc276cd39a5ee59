"""Whether a message is meant for the bot, and what it says without the words that call it."""

from __future__ import annotations

from ...config import BotSettings
from ..event import Inbound
from ..pipeline import Middleware, Onward, Result, Visit

_SPACE = " \t\r\n\u3000"
_AFTER = _SPACE + ",，:：、"


def called_by(inbound: Inbound, rules: BotSettings) -> str | None:
    """The wake word that a message begins with; "" if it needs none, None if it is not meant."""
    text = inbound.text.lstrip(_SPACE).casefold()
    for word in sorted(rules.wake, key=len, reverse=True):
        if word and text.startswith(word.casefold()):
            return word
    return "" if inbound.addressed else None


async def wake(visit: Visit, onward: Onward) -> Result:
    """Takes the wake word off, and answers a bare call."""
    word = called_by(visit.inbound, visit.rules) or ""
    text = visit.text.strip(_SPACE)
    visit.text = text[len(word) :].lstrip(_AFTER) if word else text
    if not (visit.text or visit.inbound.attachments or visit.inbound.quote):
        return visit.say("nothing_said")
    return await onward(visit)


WAKE = Middleware("wake", wake)
