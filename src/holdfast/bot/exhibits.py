"""What tools brought for the person: what of it comes next, and what is said of the rest."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping

from ..agent.media import named
from ..core.mediatype import Kind, kind_of
from ..core.message import File
from . import texts
from .event import Media
from .parts import State
from .script import Exhibit, Script


def due(script: Script, became: Mapping[int, State], kinds: Collection[Kind]) -> int | None:
    """The number of the exhibit that comes next. `became` tells what came of those that were sent,
    `kinds` are those that the platform shows.
    """
    numbers = (n for n in range(len(script.exhibits)) if n not in became)
    return next((n for n in numbers if _is_shown(script.exhibits[n], kinds)), None)


def media_of(file: File) -> Media:
    """An exhibit as platforms are given it."""
    return Media(kind_of(file.media_type), file.name, file.media_type, base64.b64decode(file.data))


def unsent(script: Script, became: Mapping[int, State], since: int = 0) -> list[Exhibit]:
    """Those that were never tried; and of those at the place `since` or after it, of which the
    person has been told nothing yet, the ones that were not taken.
    """
    return [
        one
        for number, one in enumerate(script.exhibits)
        if number not in became or (became[number] is State.FAILED and one.at >= since)
    ]


def unshown(
    script: Script, became: Mapping[int, State], kinds: Collection[Kind], since: int = 0
) -> list[str]:
    """A sentence for each reason why the person lacks exhibits, at the place `since` or after it.
    `became` and `kinds` as above.
    """
    lacking: dict[str, list[str]] = {}
    for number, exhibit in enumerate(script.exhibits):
        if exhibit.at >= since and (why := _why_unshown(exhibit, became.get(number), kinds)):
            lacking.setdefault(why, []).append(exhibit.file.name)
    return [texts.say(why, script.language, name=named(of)) for why, of in lacking.items()]


def _why_unshown(exhibit: Exhibit, state: State | None, kinds: Collection[Kind]) -> str:
    match state:
        case State.DELIVERED:
            return ""
        case State.UNKNOWN | State.SENDING:
            return "media_unknown"
        case State.FAILED:
            return "media_not_taken"
        case None:
            return "media_no_room" if _is_shown(exhibit, kinds) else "media_unsupported"


def _is_shown(exhibit: Exhibit, kinds: Collection[Kind]) -> bool:
    return kind_of(exhibit.file.media_type) in kinds
