"""What was made once and can be made again: summaries and captions, the latest of them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

from ..core.message import Image, Message
from ..wire.jsontext import dumps
from .codec import write_message


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


def key_of(messages: Iterable[Message], *about: str) -> str:
    """A name for exactly these messages."""
    digest = hashlib.sha256("\0".join(about).encode())
    for message in messages:
        digest.update(dumps(write_message(message)))
    return digest.hexdigest()


def key_of_image(image: Image, *about: str) -> str:
    parts = (*about, image.url, image.data)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
