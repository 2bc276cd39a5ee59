"""What was written for a person and has not reached them: told on request, when they write, or
unasked where that is allowed.

A reply belongs to the message that it answers, and platforms take replies for a while only. What
could not be said in time is said in answer to the next message, before it is answered itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from ..agent.events import MediaAdded, Noted, Said, TurnEvent
from ..core.mediatype import Kind
from ..core.message import File, Message, Role
from . import texts
from .codec import read_inbound
from .event import Inbound, Notice, NoticeKind
from .exhibits import unsent, unshown
from .markdown import closing_fence, open_fence, part, reopening
from .memory import LEFT, Past, turns
from .parts import State
from .pipeline import Services, Visit
from .script import Script, until
from .told import Told
from .wording import paragraphs, verdict

ANY: tuple[Kind, ...] = get_args(Kind)
OVERHEAD = 160  # signs kept free for what is said around a part of it


@dataclass(frozen=True, slots=True)
class Arrears:
    """What is told and shown now, and what is left for the message after."""

    text: str
    left: str = ""
    files: tuple[File, ...] = ()

    @property
    def events(self) -> tuple[TurnEvent, ...]:
        """As the turn that pays tells it."""
        shown = MediaAdded("", Message(Role.TOOL, self.files))
        return (Said(self.text), shown) if self.files else (Said(self.text),)


async def owed_text(visit: Visit) -> str:
    """All that is owed in this conversation; what had to be asked for, of the last answer only."""
    text, _ = await _owed(visit, on_request=True)
    return text


async def arrears(visit: Visit, room: int | None) -> Arrears | None:
    """What is told to this person before their message is answered: at most `room` signs."""
    text, files = await _owed(visit, on_request=False)
    if not (text or files):
        return None
    language = visit.language
    now, left = parted(text, None if room is None else max(room - OVERHEAD, OVERHEAD))
    lead = texts.say("owed", language)
    lead = "" if now.startswith(lead) else lead  # it could not be told the last time either
    close = texts.say("owed_more" if left else "owed_end", language)
    return Arrears(paragraphs(lead, now, close), left, files)


async def dues(visit: Visit) -> Arrears | None:
    """What is told to this person unasked, all of it."""
    text, files = await _owed(visit, on_request=False)
    if not (text or files):
        return None
    return Arrears(paragraphs(texts.say("due", visit.language), text), files=files)


def parted(text: str, room: int | None) -> tuple[str, str]:
    """`text` in two, the first of at most `room` signs; the block it is parted in is reopened."""
    if room is None or len(text) <= room:
        return text, ""
    cut = part(text, room)
    opening = reopening(text[:cut], text[cut:])
    now, left = text[:cut].rstrip(), text[cut:].lstrip("\n")
    fence = open_fence(now)
    if fence:
        now = f"{now}\n{closing_fence(fence)}"
    return now, f"{opening}\n{left}" if opening else left.lstrip()


async def _owed(visit: Visit, *, on_request: bool) -> tuple[str, tuple[File, ...]]:
    """Words, and the files that go with them. Who asks for the rest has words of these only."""
    services, found, files = visit.services, list[str](), list[File]()
    answered = False  # a later answer than this one
    async for past in turns(services, visit.lane, visit.turn, kept=True):
        if await _was_not_let(services, past):
            continue  # what it was to pay is still owed
        if on_request or _expects(past, visit):
            told = await _undelivered(services, past, visit, last=not answered and on_request)
            found.insert(0, paragraphs(told.text, *(told.unshown if on_request else ())))
            files[:0] = () if on_request else told.files
        answered = answered or past.has_asked
        if past.pays:
            break
    return paragraphs(*found), tuple(files)


def _expects(past: Past, visit: Visit) -> bool:
    """Whether this person waits for that answer: it was theirs, and they have not stopped it."""
    asked = read_inbound(past.turn.body)
    whose = asked.sender.id if isinstance(asked, Inbound) else asked.person
    stopped = past.ended is not None and past.ended.outcome == "stopped"
    return whose == visit.inbound.sender.id and not stopped


async def _was_not_let(services: Services, past: Past) -> bool:
    """Whether it was to pay unasked, and the platform took nothing of it."""
    event = read_inbound(past.turn.body)
    if not isinstance(event, Notice) or event.kind is not NoticeKind.DUE:
        return False
    owed = await services.ledger.owed(past.turn.id)
    return owed is not None and owed.place == 0


@dataclass(frozen=True, slots=True)
class _Undelivered:
    """`unshown` tells in words what `files` hold."""

    text: str
    files: Sequence[File] = ()
    unshown: Sequence[str] = ()


async def _undelivered(services: Services, past: Past, visit: Visit, *, last: bool) -> _Undelivered:
    left = "".join(
        str(event.values.get(LEFT, "")) for event in past.events if isinstance(event, Noted)
    )
    owed = await services.ledger.owed(past.turn.id)
    if owed is None or (owed.on_request and not last):
        return _Undelivered(left)
    script = Script(reasoning=visit.rules.show_reasoning)
    for event in past.events:
        script.hear(event)
    rest = script.read(script.rest(owed.place))
    opening = reopening(script.read(until(script.rest(0), owed.place)), rest) if rest else ""
    rest = rest.strip("\n")
    text = f"{opening}\n{rest}" if opening else rest.strip()
    end = verdict(script, bool(text)) if script.ended and not owed.on_request else ""
    became = Told(await services.ledger.parts(past.turn.id)).exhibits
    sent = {n: State.DELIVERED for n, _ in enumerate(script.exhibits)}
    sent |= {n: state for n, state in became.items() if state is State.UNKNOWN}
    doubts = () if owed.on_request else unshown(script, sent, ANY, owed.place)
    again = () if owed.on_request else unsent(script, became, owed.place)
    return _Undelivered(
        paragraphs(left, text, *doubts, end),
        [exhibit.file for exhibit in again],
        unshown(script, became, ANY, owed.place),
    )
