"""What was written for a person and has not reached them: told on request, or when they write.

A reply belongs to the message that it answers, and platforms take replies for a while only. What
could not be said in time is said in answer to the next message, before it is answered itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..agent.events import Noted
from . import texts
from .codec import read_inbound
from .event import Inbound
from .markdown import closing_fence, open_fence, part
from .memory import LEFT, Past, turns
from .pipeline import Services, Visit
from .script import Script, until
from .wording import paragraphs, verdict

OVERHEAD = 160  # signs kept free for what is said around a part of it


@dataclass(frozen=True, slots=True)
class Arrears:
    """What is told now, and what is left for the message after."""

    text: str
    left: str = ""


async def owed_text(visit: Visit) -> str:
    """All that is owed in this conversation; what had to be asked for, of the last answer only."""
    return await _owed(visit, on_request=True)


async def arrears(visit: Visit, room: int | None) -> Arrears | None:
    """What is told to this person before their message is answered: at most `room` signs."""
    text = await _owed(visit, on_request=False)
    if not text:
        return None
    language = visit.language
    now, left = parted(text, None if room is None else max(room - OVERHEAD, OVERHEAD))
    lead = texts.say("owed", language)
    close = texts.say("owed_more" if left else "owed_end", language)
    return Arrears(f"{lead}\n\n{now}\n\n{close}", left)


def parted(text: str, room: int | None) -> tuple[str, str]:
    """`text` in two, the first of at most `room` signs; a block of code is closed and reopened."""
    if room is None or len(text) <= room:
        return text, ""
    cut = part(text, room)
    now, left = text[:cut].rstrip(), text[cut:].lstrip("\n")
    fence = open_fence(now)
    if fence:
        return f"{now}\n{closing_fence(fence)}", f"{fence}\n{left}"
    return now, left.lstrip()


async def _owed(visit: Visit, *, on_request: bool) -> str:
    services, found = visit.services, list[str]()
    answered = False  # a later answer than this one
    async for past in turns(services, visit.lane, visit.turn, kept=True):
        if on_request or _expects(past, visit):
            found.insert(
                0, await _undelivered(services, past, visit, last=not answered and on_request)
            )
        answered = answered or past.has_asked
        if past.pays:
            break
    return paragraphs(*found)


def _expects(past: Past, visit: Visit) -> bool:
    """Whether this person waits for that answer: it was theirs, and they have not stopped it."""
    asked = read_inbound(past.turn.body)
    stopped = past.ended is not None and past.ended.outcome == "stopped"
    return isinstance(asked, Inbound) and asked.sender.id == visit.inbound.sender.id and not stopped


async def _undelivered(services: Services, past: Past, visit: Visit, *, last: bool) -> str:
    left = "".join(
        str(event.values.get(LEFT, "")) for event in past.events if isinstance(event, Noted)
    )
    owed = await services.ledger.owed(past.turn.id)
    if owed is None or (owed.on_request and not last):
        return left
    script = Script(reasoning=visit.rules.show_reasoning)
    for event in past.events:
        script.hear(event)
    rest = script.read(script.rest(owed.place)).strip("\n")
    fence = open_fence(script.read(until(script.rest(0), owed.place))) if rest else ""
    text = f"{fence}\n{rest}" if fence else rest.strip()
    end = verdict(script, bool(text)) if script.ended and not owed.on_request else ""
    return paragraphs(left, text, end)
