"""What QQ can do in each kind of place, and within which limits.

Sources: the pages on messages of API v2 (2026-09); the lengths are what was seen to work. A
reply is known again by its number (`msg_seq`), which guilds do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from ...bot.adapter import Capabilities
from ...bot.event import Place
from ...core.mediatype import Kind
from ...core.request import Surface
from .codec.requests import Site, anchored, spot

FRAME_INTERVAL = 0.5  # seconds between two frames of one message
_EVENT_WINDOW = 1800.0  # seconds in which an event that is no message may be answered

_ALL_MEDIA: frozenset[Kind] = frozenset(get_args(Kind))
_PICTURES: frozenset[Kind] = frozenset({"image"})

_GUILD = Capabilities(
    surface=Surface.NONE, max_chars=2000, window=300.0, markdown=False, media=_PICTURES
)

# A frame holds all of the text and at most 20 KiB of it, whatever signs it is made of.
_SITES: Mapping[Site, Capabilities] = {
    "c2c": Capabilities(
        surface=Surface.APPEND_ONLY,
        max_chars=5000,
        replies=4,
        window=3600.0,
        frame_interval=FRAME_INTERVAL,
        frame_chars=5000,
        media=_ALL_MEDIA,
        typing=True,
        typing_takes_reply=True,
        recognises_repeats=True,
    ),
    "group": Capabilities(
        surface=Surface.NONE,
        max_chars=4000,
        replies=5,
        window=300.0,
        media=_ALL_MEDIA,
        recognises_repeats=True,
    ),
    "channel": _GUILD,
    "dm": _GUILD,
}


def capabilities(place: Place, *, markdown: bool, proactive: bool = False) -> Capabilities:
    """Of answers to what `place` names. `markdown` and `proactive` are the operator's settings."""
    to = spot(place)
    can = _SITES[to.site] if to else _GUILD
    can = replace(can, markdown=can.markdown and markdown)
    anchor = anchored(place)
    if not anchor:  # it answers nothing: there are neither numbers nor limits to them
        return replace(
            can,
            surface=Surface.NONE,
            replies=None,
            window=None,
            typing=False,
            recognises_repeats=False,
            proactive=proactive,
        )
    if "event_id" in anchor and can.window:
        return replace(can, window=min(can.window, _EVENT_WINDOW))
    return can
