"""Pictures, sounds and files that tools brought, as a browser is given them.

They are anybody's bytes on our own origin. What browsers show without running anything is told to
be what its bytes say (`core.mediatype`); all else is only to be saved, whatever it is called.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

from starlette.responses import Response

from ...agent import media
from ...agent.codec import read_event
from ...agent.events import MediaAdded
from ...core.mediatype import UNKNOWN
from ...core.message import File
from ...engine.ports import Entry

_SHOWN = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp"),
        *("audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "audio/flac"),
    }
)
_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, max-age=3600",
    "referrer-policy": "no-referrer",
}


def found(entry: Entry | None, number: int) -> File | None:
    """The file of that number in what a tool brought by this entry; None if there is none."""
    event = read_event(entry.event) if entry else None
    files = media.shown(event.message) if isinstance(event, MediaAdded) else ()
    return files[number] if number < len(files) else None


def response(file: File) -> Response:
    known = file.media_type in _SHOWN
    how = "inline" if known else "attachment"
    name = f"{how}; filename*=UTF-8''{quote(file.name, safe='')}"
    return Response(
        base64.b64decode(file.data),
        media_type=file.media_type if known else UNKNOWN,
        headers={**_HEADERS, "content-disposition": name},
    )
