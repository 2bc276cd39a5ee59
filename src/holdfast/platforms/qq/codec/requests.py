"""Messages to requests: what is sent where, and how the platform knows it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never
from urllib.parse import quote

from ....bot.event import Frame, Media, Outbound, Place, Receipt, Typing, Whole
from .events import PLATFORM
from .reading import Json, table, text
from .words import held, neutral, plain, without_addresses

Site = Literal["c2c", "group", "channel", "dm"]

_SITES: Mapping[str, Site] = {"c2c": "c2c", "group": "group", "channel": "channel", "dm": "dm"}
_PATHS: Mapping[Site, str] = {
    "c2c": "/v2/users/{}",
    "group": "/v2/groups/{}",
    "channel": "/channels/{}",
    "dm": "/dms/{}",
}
NUMBERED: frozenset[Site] = frozenset({"c2c", "group"})  # messages have a msg_seq there
FILE_TYPES: Mapping[str, int] = {"image": 1, "video": 2, "voice": 3, "file": 4}
FIRST_BYTES = 10_002_432  # of which `md5_10m` of an upload in parts is the digest

HELD = "held"  # the name of a growing message of which nothing is shown yet

_TEXT, _MARKDOWN, _TYPING, _MEDIA = 0, 2, 6, 7
_GENERATING, _ENDED = 1, 10
_LONGEST_TYPING = 60  # seconds
_CHANGED = 1000  # added to the number of a message that was sent in other words


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a conversation is on the platform."""

    site: Site
    target: str

    @property
    def path(self) -> str:
        return _PATHS[self.site].format(quote(self.target, safe=""))


@dataclass(frozen=True, slots=True)
class Request:
    """`repeatable`: sent twice, it has its effect once."""

    method: str
    path: str
    body: Json = field(default_factory=dict)
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How a message is put. `markdown` off: plain text; `addresses` off: nothing that looks like
    one; `formats` off: a picture or a sound goes as a file; `quotes`: with the message that it
    answers; `changed`: in other words than before, so under another number.
    """

    markdown: bool = True
    addresses: bool = True
    formats: bool = True
    quotes: bool = False
    changed: bool = False


def spot(place: Place) -> Spot | None:
    """None: no conversation of this platform."""
    platform, _, rest = place.conversation.partition(":")
    name, _, target = rest.partition(":")
    site = _SITES.get(name)
    return Spot(site, target) if platform == PLATFORM and site and target else None


def anchored(place: Place) -> Json:
    """What makes a message a reply: the message or event it answers, {} for none."""
    for name in ("msg_id", "event_id"):
        if named := text(place.anchor, name):
            return {name: named}
    return {}


def quotable(place: Place, to: Spot) -> str:
    """The name under which the message that is answered can be quoted, "" for none. What is no
    group needs no quotes: one person is there.
    """
    names: Mapping[Site, str] = {"group": "ref", "channel": "msg_id"}
    return text(place.anchor, names[to.site]) if to.site in names else ""


def _quoting(place: Place, to: Spot) -> Json:
    reference: dict[str, Any] = {"message_id": quotable(place, to)}
    if to.site not in NUMBERED:
        reference["ignore_get_message_error"] = True
    return {"message_reference": reference}


def message(outbound: Outbound, to: Spot, style: Style, file_info: str = "") -> Request:
    """The request that sends a whole message, a typing notice or a file that was uploaded."""
    content = outbound.content
    match content:
        case Whole():
            marked = style.markdown and not content.plain
            body = _said(content.text, to, style, marked=marked)
        case Typing():
            seconds = max(1, min(content.seconds, _LONGEST_TYPING))
            notify = {"input_type": 1, "input_second": seconds}
            body = {"msg_type": _TYPING, "input_notify": notify}
        case Media():
            caption = _put(content.caption, style)
            body = (
                {"msg_type": _MEDIA, "content": caption or " ", "media": {"file_info": file_info}}
                if to.site in NUMBERED
                else {"content": caption, "image": content.url}
            )
        case Frame():
            body = _said(content.text, to, style, marked=style.markdown)
        case _:
            assert_never(content)
    anchor = anchored(outbound.place)
    if style.quotes:
        body |= _quoting(outbound.place, to)
    body |= anchor
    if to.site in NUMBERED:
        body["msg_seq"] = _number(outbound, style)
    return Request(
        "POST", f"{to.path}/messages", body, repeatable=bool(anchor) and to.site in NUMBERED
    )


def frame(outbound: Outbound, to: Spot, content: Frame, style: Style) -> Request:
    """The request that lets a message grow. All its frames have one number and one form.

    A later frame is not repeated as it is: its index may have been used up. The next one holds
    all that it held.
    """
    anchor = anchored(outbound.place)
    body: dict[str, Any] = {
        "input_mode": "replace",
        "input_state": _ENDED if content.final else _GENERATING,
        "index": content.index,
        "content_type": "markdown" if style.markdown else "text",
        "content_raw": showing(content),
        **anchor,
    }
    if goes_on(content):
        body["stream_msg_id"] = content.message_id
    body["msg_seq"] = _number(outbound, style)
    repeatable = bool(anchor) and not goes_on(content)
    return Request("POST", f"{to.path}/stream_messages", body, repeatable=repeatable)


def showing(content: Frame) -> str:
    """What people read once this frame is there."""
    return neutral(content.text if content.final else held(content.text))


def goes_on(content: Frame) -> bool:
    """Whether people see the message already."""
    return content.message_id not in ("", HELD)


def receipt(answer: Json) -> Receipt:
    """What a successful answer tells."""
    extra: dict[str, Any] = {}
    if index := text(table(answer, "ext_info"), "ref_idx"):
        extra["ref"] = index
    audit = text(table(table(answer, "data"), "message_audit"), "audit_id")
    if audit:
        extra["audit_id"] = audit
    return Receipt(message_id=text(answer, "id"), extra=extra)


def _said(words: str, to: Spot, style: Style, *, marked: bool) -> dict[str, Any]:
    if to.site not in NUMBERED:
        return {"content": _put(plain(words), style)}
    if marked:
        return {"msg_type": _MARKDOWN, "markdown": {"content": _put(words, style)}}
    return {"msg_type": _TEXT, "content": _put(plain(words), style)}


def _put(words: str, style: Style) -> str:
    return neutral(words if style.addresses else without_addresses(words))


def _number(outbound: Outbound, style: Style) -> int:
    return outbound.slot + (_CHANGED if style.changed else 0)
