"""What a tool brings beside words: pictures, sounds and files, for the person and the model.

In the journal each is a part of the event `MediaAdded`, which precedes its result. The person is
shown all of them; a model that can see is given the pictures, the newest of them, and is told the
rest in words.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..core.mediatype import kind_of, media_type_of
from ..core.message import Audio, File, Image, Message, Part, Role, Text
from .words import Language, tell

LARGEST = 8 * 1024 * 1024  # bytes of one
MOST = 4  # of one result
IN_ALL = 24 * 1024 * 1024  # bytes of all of a turn: it is journalled whole
NAMED = 5  # that a sentence names
SEEN = 8  # pictures that a model is given, the newest of a conversation
SEEN_LARGEST = 3_750_000  # bytes: vendors refuse larger ones, and with them the whole question

_SEEABLE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_NAME = 60  # characters
_ENDINGS: Mapping[str, str] = {  # of names that are made up
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/svg+xml": ".svg",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/amr": ".amr",
    "audio/silk": ".silk",
    "video/mp4": ".mp4",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/zip": ".zip",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
}


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a sound or a file that a tool returns: alone, or in a list beside text.

    `media_type` need not be told: what pictures and sounds are is seen by their bytes. `shown`
    off: it is for the model alone.

    Raises TypeError for data that are no bytes, in the tool that makes it: as its own failure.
    """

    data: bytes
    name: str = ""
    media_type: str = ""
    shown: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise TypeError(f"media are bytes, not {type(self.data).__name__}")
        object.__setattr__(self, "data", bytes(self.data))
        for named in ("name", "media_type"):  # None, or a path
            object.__setattr__(self, named, str(getattr(self, named) or ""))


@dataclass(slots=True)
class Spent:
    """The bytes that tools have brought in a turn. Calls that run side by side share it."""

    bytes: int = 0


class Kept(NamedTuple):
    """What goes into the journal of what a tool brought: what the model is told of it, the parts
    of the message, and the names of what is too large or too much for the person.
    """

    words: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    left_out: tuple[str, ...] = ()


def kept(media: Sequence[Media], used: int, language: Language) -> Kept:
    """`used` bytes have been brought in this turn before."""
    words: list[str] = []
    parts: list[Part] = []
    left_out: list[str] = []
    lacking: dict[str, list[str]] = {}  # by the reason
    for number, one in enumerate(media, 1):
        kind = media_type_of(one.data, one.media_type)
        name = _named(one.name, kind, number)
        size = len(one.data)
        if not size:
            lacking.setdefault("media_empty", []).append(name)
        elif not (one.shown or kind in _SEEABLE):
            lacking.setdefault("media_unseeable", []).append(f"{name} ({kind})")
        elif number > MOST or size > LARGEST or used + size > IN_ALL:
            left_out.append(name)
            lacking.setdefault("media_left_out", []).append(f"{name} ({sized(size)})")
        else:
            used += size
            parts.append(_part(one, name, kind))
            key = "media_shown" if one.shown else "media_given"
            words.append(tell(key, language, name=name, type=kind, size=sized(size)))
    words += [tell(why, language, name=named(names)) for why, names in lacking.items()]
    return Kept(tuple(words), tuple(parts), tuple(left_out))


def named(names: Sequence[str]) -> str:
    """The first few of any number of names, and how many there are."""
    more = f", … ({len(names)})" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def parted(message: Message) -> tuple[Message, Message | None]:
    """A message with its media emptied, and one that holds them: what is large stands apart."""
    large = tuple(part for part in message.parts if _data(part))
    if not large:
        return message, None
    emptied = tuple(_filled(part, "") if _data(part) else part for part in message.parts)
    return replace(message, parts=emptied), replace(message, parts=large)


def joined(messages: Sequence[Message]) -> list[Message]:
    """The inverse, of a history: what is empty is filled by the message before it. Old media are
    not read any more, and stay empty.
    """
    whole: list[Message] = []
    for message in messages:
        before = whole[-1] if whole and _brings(whole[-1]) else None
        if before and (before.role, before.answers) == (message.role, message.answers):
            data = deque(map(_data, before.parts))
            if len(data) == sum(map(_is_empty, message.parts)):
                parts = (_filled(p, data.popleft()) if _is_empty(p) else p for p in message.parts)
                whole[-1] = replace(message, parts=tuple(parts))
                continue
        if before and before.role is Role.TOOL:
            whole.pop()  # nobody knows what it belongs to
        whole.append(message)
    return whole


def _brings(message: Message) -> bool:
    return bool(message.parts) and all(map(_data, message.parts))


def _data(part: Part) -> str:
    return "" if isinstance(part, Text) else part.data


def _is_empty(part: Part) -> bool:
    match part:
        case Image("", "") | File(url="", data="", file_id="") | Audio(""):
            return True
        case _:
            return False


def _filled(part: Part, data: str) -> Part:
    return part if isinstance(part, Text) else replace(part, data=data)


def shown(message: Message) -> tuple[File, ...]:
    """What the person is shown of it."""
    return tuple(part for part in message.parts if isinstance(part, File))


def bytes_of(message: Message) -> int:
    """How many bytes of media a message holds."""
    return sum(len(p.data) * 3 // 4 for p in message.parts if isinstance(p, File | Image))


def sizes(message: Message) -> tuple[int, ...]:
    """How many bytes each has that the person is shown."""
    return tuple(len(file.data) * 3 // 4 for file in shown(message))


def sized(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1024**2:.1f} MB" if count >= 1024**2 else f"{max(1, count // 1024)} KB"


def _part(one: Media, name: str, kind: str) -> Part:
    data = base64.b64encode(one.data).decode()
    if one.shown:
        return File(name, data=data, media_type=kind)
    return Image(data=data, media_type=kind)


def _named(name: str, kind: str, number: int) -> str:
    """A plain file name, whatever the tool calls it."""
    bare = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    bare = "".join(sign for sign in bare if sign.isprintable()).strip()
    if bare.strip("."):
        return bare if len(bare) <= _NAME else bare[: _NAME // 2] + "…" + bare[-_NAME // 2 :]
    return f"{kind_of(kind)}-{number}{_ENDINGS.get(kind, '.bin')}"


# What a model is given.


def as_seen(messages: Sequence[Message], most: int = SEEN) -> tuple[Message, ...]:
    """Tool results with the newest pictures as such, so many at most, and without all that only
    people are shown.
    """
    left = most
    seen: list[Message] = []
    for message in reversed(messages):
        if message.role is Role.TOOL and len(message.parts) > 1:
            parts: list[Part] = []
            for part in reversed(message.parts):
                given = _picture(part)
                if isinstance(given, Image):
                    left -= 1
                if given and (left >= 0 or isinstance(given, Text)):
                    parts.append(given)
            message = replace(message, parts=tuple(reversed(parts)))  # noqa: PLW2901
        seen.append(message)
    return tuple(reversed(seen))


def _picture(part: Part) -> Part | None:
    if not isinstance(part, File):
        return part
    if not part.data or part.media_type not in _SEEABLE or len(part.data) * 3 // 4 > SEEN_LARGEST:
        return None
    return Image(data=part.data, media_type=part.media_type)


def apart(messages: Sequence[Message], language: Language) -> tuple[Message, ...]:
    """Pictures of tool results in a message of their own behind them: many a vendor takes words
    only as a result, and all take pictures of a user.
    """
    told: list[Message] = []
    waiting: list[Part] = []
    for message in messages:
        if message.role is not Role.TOOL:
            told += _pictures(waiting, language)
            waiting = []
            told.append(message)
            continue
        images = [part for part in message.parts if isinstance(part, Image)]
        waiting += images
        words = tuple(part for part in message.parts if not isinstance(part, Image))
        told.append(replace(message, parts=words) if images else message)
    return (*told, *_pictures(waiting, language))


def _pictures(images: Sequence[Part], language: Language) -> list[Message]:
    if not images:
        return []
    return [Message(Role.USER, (Text(tell("pictures", language)), *images))]
