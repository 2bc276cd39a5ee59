"""One message out: sent once, in the words that the platform takes.

The platform refuses words, not messages: Markdown where it is not permitted, and addresses.
Then the same message goes out once more in other words, under the same number, which a refused
message has not used up. Some sources say that it has; then it gets a number of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

import structlog

from ...bot.event import Frame, Media, Outbound, Place, Receipt, Typing, Whole
from ...bot.failing import passes
from ...core.clock import Clock
from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from .api import Api
from .codec.errors import REPORTER, Meaning, forbids_markdown, meaning_of
from .codec.reading import text
from .codec.requests import (
    HELD,
    NUMBERED,
    Request,
    Site,
    Spot,
    Style,
    anchored,
    frame,
    goes_on,
    message,
    quotable,
    receipt,
    showing,
    spot,
)
from .limits import FRAME_INTERVAL
from .media import Uploads, as_taken, form
from .pacing import Pacing
from .quotes import Quotes

_KEPT = 2000  # deliveries and streams that are remembered

_LOG = structlog.get_logger("holdfast.qq")


@dataclass(slots=True)
class _Recent:
    """The last things, each with what is known of it."""

    known: OrderedDict[str, bool] = field(default_factory=OrderedDict)

    def put(self, name: str, value: bool) -> None:
        self.known[name] = value
        self.known.move_to_end(name)
        while len(self.known) > _KEPT:
            self.known.popitem(last=False)


class Sender:
    """`markdown` and `proactive` are the operator's settings."""

    def __init__(
        self,
        api: Api,
        uploads: Uploads,
        quotes: Quotes,
        clock: Clock,
        *,
        markdown: bool,
        proactive: bool,
    ) -> None:
        self._api = api
        self._uploads = uploads
        self._quotes = quotes
        self._clock = clock
        self._pacing = Pacing()
        self._proactive = proactive
        self._marked: set[Site] = set(NUMBERED) if markdown else set()
        self._heard: OrderedDict[str, str] = OrderedDict()  # the last message of a conversation
        self._quoting: OrderedDict[str, str] = OrderedDict()  # a message, and what quoted it
        self._sent = _Recent()  # keys of deliveries that were tried
        self._forms = _Recent()  # streams, and whether they are Markdown

    def heard(self, place: Place) -> None:
        """Somebody has said something there."""
        _remember(self._heard, place.conversation, text(place.anchor, "msg_id"))

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        """Sends once. Raises StreamFailed as `bot.adapter.Adapter.send` says."""
        to = spot(outbound.place)
        if to is None:
            raise StreamFailed(_ours(Kind.CONFIG, "the conversation is none of QQ"))
        content = outbound.content
        if isinstance(content, Typing) and to.site != "c2c":
            return Receipt()
        if isinstance(content, Frame) and _waits(content, to):
            return Receipt(content.message_id or HELD)
        if not (anchored(outbound.place) or self._proactive):
            detail = "the message answers none, and proactive messages are not switched on"
            raise StreamFailed(_ours(Kind.FORBIDDEN, detail, Hop.PLATFORM))
        known = self._sent.known.get(key, False)
        self._sent.put(key, True)
        if isinstance(content, Media):
            outbound = replace(outbound, content=as_taken(content))
            if to.site not in NUMBERED:
                return await self._guild_media(outbound, to, content)
        quotes = self._quotes_its_question(outbound, to, key)
        return await self._in_words(outbound, to, first=not known, quotes=quotes)

    def _quotes_its_question(self, outbound: Outbound, to: Spot, key: str) -> bool:
        """The first words of an answer do, where others have spoken since: whose it is would be
        anybody's guess. A repetition is worded as before.
        """
        place = outbound.place
        answered, last = text(place.anchor, "msg_id"), self._heard.get(place.conversation)
        if not quotable(place, to) or not isinstance(outbound.content, Whole | Frame):
            return False
        if answered not in self._quoting:
            _remember(self._quoting, answered, "" if last in (None, answered) else key)
        return self._quoting[answered] == key

    async def _in_words(
        self, outbound: Outbound, to: Spot, *, first: bool, quotes: bool = False
    ) -> Receipt:
        """In the words it has, or in those that are taken. `first`: it was not tried before."""
        style = replace(self._style(outbound, to), quotes=quotes)
        refused: set[Meaning | None] = set()
        while True:
            try:
                answer = await self._post(outbound, to, style, again=Meaning.FILE_GONE in refused)
            except StreamFailed as failed:
                meaning = meaning_of(failed.failure)
                if meaning is Meaning.REPEATED and not (refused and first and not style.changed):
                    return Receipt(repeated=True)
                other = self._otherwise(outbound, to, style, meaning)
                if meaning is None and style.quotes and failed.failure.code is not None:
                    # No table tells how a quote is refused. What may be the platform's own trouble
                    # may have been taken: the next try, which is a repetition, quotes nothing.
                    _remember(self._quoting, text(outbound.place.anchor, "msg_id"), "")
                    other = None if passes(failed.failure) else replace(style, quotes=False)
                if other is None or meaning in refused:
                    raise
                refused.add(meaning)
                if forbids_markdown(failed.failure):
                    self._marked.discard(to.site)
                _LOG.info(
                    "qq_reworded",
                    site=to.site,
                    reason=meaning.name if meaning else "QUOTE",
                    code=failed.failure.code,
                )
                style = other
            else:
                self._remember(outbound, style, answer)
                return answer

    def _style(self, outbound: Outbound, to: Spot) -> Style:
        """A stream keeps the form of its first frame."""
        content = outbound.content
        named = content.message_id if isinstance(content, Frame) else ""
        marked = self._forms.known.get(named, to.site in self._marked)
        return Style(markdown=marked)

    def _otherwise(
        self, outbound: Outbound, to: Spot, style: Style, meaning: Meaning | None
    ) -> Style | None:
        """Other words for what was refused; None: there are none."""
        content = outbound.content
        growing = isinstance(content, Frame) and to.site == "c2c"
        seen = isinstance(content, Frame) and goes_on(content)  # its form is what it is
        match meaning:
            case Meaning.MARKDOWN if style.markdown and not seen:
                return replace(style, markdown=False)
            case Meaning.URL if style.addresses and not growing:
                return replace(style, addresses=False)
            case Meaning.REPEATED if not style.changed:
                return replace(style, changed=True)
            case Meaning.FILE_GONE if isinstance(content, Media):
                return style
            case Meaning.FILE if isinstance(content, Media) and style.formats:
                return replace(style, formats=False)
            case _:
                return None

    async def _post(self, outbound: Outbound, to: Spot, style: Style, *, again: bool) -> Receipt:
        content = outbound.content
        if isinstance(content, Frame) and to.site == "c2c":
            pause = self._turn(content)
            taken = receipt(await self._api.call(frame(outbound, to, content, style)))
            return replace(taken, pause=pause)
        file_info = ""
        if isinstance(content, Media) and to.site in NUMBERED:
            media = content if style.formats else replace(content, kind="file")
            file_info = await self._uploads.file_info(media, to, again=again)
        return receipt(await self._api.call(message(outbound, to, style, file_info)))

    def _turn(self, content: Frame) -> float:
        """Seconds until the message may have its next frame."""
        now = self._clock.monotonic()
        if content.final or not goes_on(content):
            self._pacing.spend(now)
        return 0.0 if content.final else self._pacing.pause(now, FRAME_INTERVAL)

    async def _guild_media(self, outbound: Outbound, to: Spot, media: Media) -> Receipt:
        """Guilds take images only."""
        if media.kind != "image":
            raise StreamFailed(_ours(Kind.UNSUPPORTED, "guilds take no files but images"))
        if media.url:
            return await self._in_words(outbound, to, first=True)
        fields = {"content": media.caption, **anchored(outbound.place)}
        body, kind = form(fields, media)
        request = Request("POST", f"{to.path}/messages")
        return receipt(await self._api.submit(request, body, kind))

    def _remember(self, outbound: Outbound, style: Style, answer: Receipt) -> None:
        """For later frames, and for people who quote what was said."""
        content = outbound.content
        if isinstance(content, Frame) and answer.message_id:
            self._forms.put(answer.message_id, style.markdown)
        if isinstance(content, Whole) or (isinstance(content, Frame) and content.final):
            for name in (str(answer.extra.get("ref", "")), answer.message_id):
                self._quotes.keep(name, content.text)


def _remember(known: OrderedDict[str, str], name: str, value: str) -> None:
    known[name] = value
    known.move_to_end(name)
    while len(known) > _KEPT:
        known.popitem(last=False)


def _waits(content: Frame, to: Spot) -> bool:
    """Where nothing grows, a message is shown when it is whole; and nothing begins empty."""
    if content.final:
        return False
    return to.site != "c2c" or not (goes_on(content) or showing(content).strip())


def _ours(kind: Kind, detail: str, hop: Hop = Hop.ENGINE) -> Failure:
    return Failure(kind, Phase.ADMIT, hop, detail=detail, by=REPORTER)
