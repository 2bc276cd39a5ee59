"""Whether a message is meant for the bot, and what it says without the words that call it."""

from __future__ import annotations

from ...config import BotSettings
from ..event import Inbound
from ..pipeline import Middleware, Onward, Result, Visit

SPACE = " \t\r\n\u3000\xa0\u200b\u200c\u200d\u2060\ufeff"  # what shows nothing
_AFTER = SPACE + ",，:：、"


def called_by(inbound: Inbound, rules: BotSettings) -> str | None:
    """The wake word that a message begins with; "" if it needs none, None if it is not meant."""
    text = inbound.text.lstrip(SPACE).casefold()
    for word in sorted(rules.wake, key=len, reverse=True):
        if word and text.startswith(word.casefold()) and not _goes_on(text, len(word)):
            return word
    return "" if inbound.addressed else None


def _goes_on(text: str, at: int) -> bool:
    """Whether the word before this place is only the beginning of one: "bot" of "both"."""
    return all(sign.isascii() and sign.isalnum() for sign in (text[at - 1], text[at : at + 1]))


def uncalled(text: str, word: str | None) -> str:
    """What is said to a bot besides the `word` that calls it."""
    text = text.strip(SPACE)
    return text[len(word) :].lstrip(_AFTER) if word else text


async def wake(visit: Visit, onward: Onward) -> Result:
    """Takes the wake word off, and answers a bare call."""
    visit.text = uncalled(visit.text, called_by(visit.inbound, visit.rules))
    if not (visit.text or visit.inbound.attachments or visit.inbound.quote):
        return visit.say("nothing_said")
    return await onward(visit)


WAKE = Middleware("wake", wake)
