"""What people attach, as a model can take it: images as they are, texts as text, others named."""

from __future__ import annotations

import asyncio
import base64
import codecs
import itertools
import re
from collections.abc import Sequence

from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ...core.mediatype import kind_of, sniffed
from ...core.message import Image
from .. import texts
from ..event import Attachment
from ..pipeline import Fetch, Middleware, Onward, Result, Visit

IMAGE = 4 * 1024 * 1024  # bytes
TEXT = 512 * 1024  # bytes of a file that is read as text
SIGNS = 60_000  # of such a file that a model is shown
IMAGES = 4  # of one message
TRIED = 2 * IMAGES  # of one message: what is called a picture may be none
AT_ONCE = 6  # files of one message that are fetched side by side
PATIENCE = 30.0  # seconds for all of a message
QUOTED = 1000  # signs of the message that is answered

_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-yaml")
_NAMES = re.compile(
    r"\.(txt|md|csv|tsv|json|xml|ya?ml|toml|ini|cfg|conf|log|py|[jt]sx?|java|[ch](pp)?|cs|go|rs|rb"
    r"|php|sh|sql|html?|css|vue|kt|swift|lua|r|tex|srt|diff|patch|properties)$",
    re.IGNORECASE,
)
_PICTURES = re.compile(r"\.(png|jpe?g|gif|webp)$", re.IGNORECASE)


async def media(visit: Visit, onward: Onward) -> Result:
    """Adds to the words what else is in the message. What cannot be read is named, and why.

    An earlier life of the turn has journalled all of it: nobody waits for files that may be gone.
    """
    if visit.resumed:
        return await onward(visit)
    lines = [_quoted(visit)] if visit.inbound.quote else []
    lines += [visit.text] if visit.text else []
    for attachment, read in zip(visit.inbound.attachments, await _all_read(visit), strict=True):
        if isinstance(read, str):
            lines.append(read)
        elif sum(isinstance(part, Image) for part in visit.parts) < IMAGES:
            visit.parts.append(read)
        else:
            lines.append(_too_many(visit, attachment))
    visit.text = "\n\n".join(lines)
    return await onward(visit)


MEDIA = Middleware("media", media)


def _quoted(visit: Visit) -> str:
    text = visit.inbound.quote
    shown = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
    return texts.say("quoted", visit.language, text=shown)


async def _all_read(visit: Visit) -> Sequence[Image | str]:
    """What a model is given of each attachment, in order. They are fetched side by side: nobody
    waits for one after the other.
    """
    fetch = _Fetching(visit.services.fetch, visit.stopped)
    images = itertools.count(1)
    reading = []
    for attachment in visit.inbound.attachments:
        if _is_picture(attachment):
            reading.append(_image(visit, attachment, fetch, next(images)))
        else:
            reading.append(_other(visit, attachment, fetch))
    return await asyncio.gather(*reading)


class _Fetching:
    """Fetches a few at once, and all of a message within its time, or until it is stopped."""

    def __init__(self, fetch: Fetch, stopped: asyncio.Event) -> None:
        self._fetch = fetch
        self._stopped = stopped
        self._room = asyncio.Semaphore(AT_ONCE)
        self._until = asyncio.get_running_loop().time() + PATIENCE

    async def __call__(self, attachment: Attachment, limit: int) -> bytes:
        """`pipeline.Fetch`."""
        try:
            async with asyncio.timeout_at(self._until), self._room:
                return await self._unless_stopped(attachment, limit)
        except TimeoutError:
            late = Failure(Kind.TIMEOUT, Phase.STREAM, Hop.PLATFORM)
            raise StreamFailed(late) from None

    async def _unless_stopped(self, attachment: Attachment, limit: int) -> bytes:
        """Raises TimeoutError as soon as nobody waits for the answer."""
        fetching = asyncio.create_task(self._fetch(attachment, limit))
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                return fetching.result()
            raise TimeoutError
        finally:
            fetching.cancel()
            stopping.cancel()
            await asyncio.gather(fetching, stopping, return_exceptions=True)


async def _image(visit: Visit, attachment: Attachment, fetch: Fetch, number: int) -> Image | str:
    """The image itself goes to the model; links of platforms do not last, so it is fetched."""
    if number > TRIED:
        return _too_many(visit, attachment)
    try:
        data = await fetch(attachment, IMAGE)
    except StreamFailed as failed:
        return _unfetched(visit, attachment, failed.failure.kind, IMAGE)
    media_type = sniffed(data)
    if kind_of(media_type) != "image":  # a page that says why there is none, or nothing at all
        return _unread(visit, attachment, "media_no_picture")
    return Image(data=base64.b64encode(data).decode(), media_type=media_type)


async def _other(visit: Visit, attachment: Attachment, fetch: Fetch) -> str:
    if attachment.text:
        return f"{_named(visit, attachment)}\n{attachment.text}"
    if _is_textual(attachment):
        return await _file(visit, attachment, fetch)
    return _unread(visit, attachment, "media_unseen")


def _is_picture(attachment: Attachment) -> bool:
    """Pictures are sent as files too, and not every platform tells what a file is."""
    told = attachment.media_type.startswith("image/") or bool(_PICTURES.search(attachment.name))
    return attachment.kind == "image" or (attachment.kind == "file" and told)


def _is_textual(attachment: Attachment) -> bool:
    return attachment.kind == "file" and (
        attachment.media_type.startswith(_TEXTUAL) or bool(_NAMES.search(attachment.name))
    )


async def _file(visit: Visit, attachment: Attachment, fetch: Fetch) -> str:
    if attachment.size is not None and attachment.size > TEXT:
        return _unfetched(visit, attachment, Kind.TOO_LONG, TEXT)
    try:
        data = await fetch(attachment, TEXT)
    except StreamFailed as failed:
        return _unfetched(visit, attachment, failed.failure.kind, TEXT)
    text = _decoded(data)
    if text is None:
        return _unread(visit, attachment, "media_not_text")
    cut = texts.say("media_cut", visit.language, signs=SIGNS) if len(text) > SIGNS else ""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{_named(visit, attachment)}\n{fence}\n{text[:SIGNS]}\n{fence}\n{cut}".rstrip()


def _decoded(data: bytes) -> str | None:
    """UTF-8, UTF-16 with its mark, or the Chinese of old Windows; None if it is no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _longest_run(text: str) -> int:
    longest = run = 0
    for sign in text:
        run = run + 1 if sign == "`" else 0
        longest = max(longest, run)
    return longest


def _named(visit: Visit, attachment: Attachment) -> str:
    kind = texts.say(f"media_{attachment.kind}", visit.language)
    name = attachment.name or attachment.media_type or "?"
    return texts.say("media_named", visit.language, kind=kind, name=name)


def _unfetched(visit: Visit, attachment: Attachment, kind: Kind, limit: int) -> str:
    if kind is not Kind.TOO_LONG:
        return _unread(visit, attachment, "media_unavailable")
    size = f"{limit // 1024 // 1024} MB" if limit >= 1024**2 else f"{limit // 1024} KB"
    return _unread(visit, attachment, "media_too_big", limit=size)


def _too_many(visit: Visit, attachment: Attachment) -> str:
    return _unread(visit, attachment, "media_too_many", limit=IMAGES)


def _unread(visit: Visit, attachment: Attachment, why: str, **values: object) -> str:
    reason = texts.say(why, visit.language, **values)
    unread = texts.say("media_unread", visit.language, reason=reason)
    return f"{_named(visit, attachment)} {unread}"
