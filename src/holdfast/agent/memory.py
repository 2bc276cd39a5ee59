"""What was made once and can be made again: summaries and captions, the latest of them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import msgspec

from ..core.message import Image, Message, Part, Role, Text
from .words import tell

_FADED = frozenset({tell("image_old", "en"), tell("image_old", "zh")})
_PICTURE = Text("\0")


class Memory:
    """Texts by key; the one that was not used for longest makes room."""

    def __init__(self, most: int = 512) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def get(self, key: str) -> str | None:
        text = self._texts.get(key)
        if text is not None:
            self._texts.move_to_end(key)
        return text

    def put(self, key: str, text: str) -> None:
        self._texts[key] = text
        self._texts.move_to_end(key)
        while len(self._texts) > self._most:
            self._texts.popitem(last=False)


def keys_of(groups: Iterable[Iterable[Message]], *about: str) -> Iterator[str]:
    """A name for exactly the messages of the first group, of the first two, and so on, whatever
    pictures of tools are shown with them: those are the newest ones only.
    """
    digest = hashlib.sha256("\0".join(about).encode())
    for group in groups:
        for message in group:
            digest.update(_bytes_of(_in_words(message)))
        yield digest.hexdigest()


def _in_words(message: Message) -> Message:
    """Where a picture of the person's was is said, but not which; of a tool's its words tell."""
    if message.role is Role.TOOL:
        return replace(message, parts=tuple(p for p in message.parts if isinstance(p, Text)))
    parts = tuple(_PICTURE if _was_picture(part) else part for part in message.parts)
    return replace(message, parts=parts)


def _was_picture(part: Part) -> bool:
    return isinstance(part, Image) or (isinstance(part, Text) and part.text in _FADED)


def _bytes_of(message: Message) -> bytes:
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:  # half a surrogate pair
        return repr(message).encode()


def key_of_image(image: Image, *about: str) -> str:
    parts = (*about, image.url, image.data)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
