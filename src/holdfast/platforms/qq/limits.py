"""What QQ can do in each kind of place, and within which limits.

Sources: the pages on messages of API v2 (2026-09); the lengths are what was seen to work. A
reply is known again by its number (`msg_seq`), which guilds do not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...bot.adapter import Capabilities
from ...bot.event import Place
from ...core.request import Surface
from .codec.requests import Site, anchored, spot

_EVENT_WINDOW = 1800.0  # seconds in which an event that is no message may be answered

_GUILD = Capabilities(surface=Surface.NONE, max_chars=2000, window=300.0, markdown=False)

# A frame holds all of the text and at most 20 KiB of it, whatever signs it is made of.
_SITES: Mapping[Site, Capabilities] = {
    "c2c": Capabilities(
        surface=Surface.APPEND_ONLY,
        max_chars=5000,
        replies=4,
        window=3600.0,
        frame_interval=0.5,
        frame_chars=5000,
        typing=True,
        typing_takes_reply=True,
        recognises_repeats=True,
    ),
    "group": Capabilities(
        surface=Surface.NONE,
        max_chars=4000,
        replies=5,
        window=300.0,
        recognises_repeats=True,
    ),
    "channel": _GUILD,
    "dm": _GUILD,
}


def capabilities(place: Place, *, markdown: bool) -> Capabilities:
    """Of answers to what `place` names. `markdown` is the operator's setting."""
    to = spot(place)
    can = _SITES[to.site] if to else _GUILD
    can = replace(can, markdown=can.markdown and markdown)
    anchor = anchored(place)
    if not anchor:  # it answers nothing: there are neither numbers nor limits to them
        return replace(can, replies=None, window=None, recognises_repeats=False)
    if "event_id" in anchor and can.window:
        return replace(can, window=min(can.window, _EVENT_WINDOW))
    return can
